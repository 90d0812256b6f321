"""How often one caller may ask: a burst at once, then so many requests a second, over all functions together.

Operations, pk `CALLER#<hash>`, sk `REQUESTS`: see `slots`. An HTTP API throttles only all callers together, so without
this one of them could use up what is there for everybody. While the table is away nobody is refused.
"""

import hashlib
import math
from decimal import Decimal

from botocore.exceptions import BotoCoreError, ClientError

from campus import clients, clock, slots, tables
from campus.breaker import breaker
from campus.observability import logger
from campus.settings import settings

# An outage costs a process one short wait in so many seconds, not one a request.
_PAUSE_SECONDS = 5
# Kept for so much longer than it takes a row to say the same as no row.
_MARGIN_SECONDS = 60


class TooManyRequestsError(Exception):
    """The caller asks too often (429); after `retry_after` seconds there is room for one more request."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} s")
        self.retry_after = retry_after


def admit(user_id: str) -> None:
    """Count a request of this caller.

    Raises:
        TooManyRequestsError: it is one too many.
    """
    circuit = breaker("requests", after=1, pause=_PAUSE_SECONDS)
    if circuit.is_open:
        return
    every = slots.interval(settings.requests_per_second)
    # The request after a whole burst would begin now.
    ahead = every * (settings.request_burst - 1)
    try:
        slot = slots.take(
            lambda write: _advance(user_id, write, lasts=ahead + every), every, ahead, furthest=ahead, rounds=1
        )
    except (ClientError, BotoCoreError) as error:
        circuit.failed()
        logger().warning("requests are not counted", error=type(error).__name__)
        return
    if slot is None:
        # No row is further ahead than a burst, so one interval from now there is a slot in reach.
        raise TooManyRequestsError(max(1, math.ceil(every / 1000)))


def digest(user_id: str) -> str:
    """How a row knows its caller; its purpose prefix keeps it unlike every other hash of the same id."""
    return hashlib.sha256(f"caller:{user_id}".encode()).hexdigest()


def _advance(user_id: str, write: slots.Write, lasts: Decimal) -> Decimal | None:
    """Make a write; `lasts` is how many milliseconds a row can be ahead."""
    expires = clock.now() + math.ceil(lasts / 1000) + _MARGIN_SECONDS
    values = {**write.values, ":expires": expires}
    try:
        with clients.impatient():
            answer = tables.operations().update_item(
                Key={"pk": f"CALLER#{digest(user_id)}", "sk": "REQUESTS"},
                ConditionExpression=write.condition,
                UpdateExpression=f"{write.update}, expiresAt = :expires",
                ExpressionAttributeValues=values,
                ReturnValues="UPDATED_NEW",
            )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return None
        raise
    return Decimal(str(answer["Attributes"]["nextAt"]))
