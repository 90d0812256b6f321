"""The pace of mail: one slot a mail for all workers together, as fast and as many a day as SES allows the account.

Operations, pk `PACE`, sk `SES`: `nextAt`, the epoch millisecond at which the next slot begins. A mail takes its slot
by moving `nextAt` one interval on, and waits for it. One write a mail serves some hundred mails a second; an account
that may send faster would have to take several slots at once.
"""

import time
from decimal import Decimal
from functools import cache

from botocore.exceptions import BotoCoreError, ClientError

from campus import clock, slots, tables
from campus.clients import client
from campus.observability import logger, metrics
from campus.queue import ParkedError
from campus.settings import settings

# Of SES's rate: the rest is for clocks that differ and calls that catch each other up.
SHARE = 0.95
# A worker does not sleep longer than this for a slot, so `nextAt` is never further ahead, give or take the clocks.
LONGEST_WAIT = 3_000
_KEPT_SECONDS = 60


class Allowance:
    """What SES allows the account, read once a minute; while SES does not say, what it last said, or one a second."""

    def __init__(self) -> None:
        self.rate = 1.0
        self.is_spent = False
        self.is_crowded = False
        self._read_at = 0

    def refresh(self) -> None:
        """Ask SES, unless it was asked just now."""
        if abs(clock.now() - self._read_at) < _KEPT_SECONDS:
            return
        self._read_at = clock.now()
        try:
            quota = client("sesv2").get_account()["SendQuota"]
        except (ClientError, BotoCoreError, KeyError) as error:
            logger().warning("sending quota not read", error=type(error).__name__)
            return
        self.rate = quota.get("MaxSendRate") or 1.0
        # -1 is no quota at all.
        self.is_spent = 0 <= quota.get("Max24HourSend", -1) <= quota.get("SentLast24Hours", 0)


@cache
def allowance() -> Allowance:
    """This process's."""
    return Allowance()


def wait(spare: int) -> None:
    """Wait for this mail's slot.

    Args:
        spare: milliseconds that may be waited at most.

    Raises:
        ParkedError: the day's quota is spent, or there is no slot in that time.
    """
    allowed = allowance()
    allowed.refresh()
    if allowed.is_spent:
        raise parked()
    slot = _take_slot(slots.interval(allowed.rate * SHARE), max(0, min(spare, LONGEST_WAIT)))
    # The slot is this worker's own; a mail before it would overdraw the account's rate.
    time.sleep(max(0, min(slot - clock.now_ms(), LONGEST_WAIT)) / 1000)


def parked() -> ParkedError:
    """What to raise where SES takes no more mail today; it is not asked again before the allowance is read anew."""
    allowance().is_spent = True
    metrics().add_metric("MailParked", "Count", 1)
    return ParkedError("daily quota", settings.mail_park_seconds)


def _take_slot(interval: Decimal, longest: int) -> float:
    """The epoch millisecond of a slot that nobody else has."""
    allowed = allowance()
    # What held for the last mail most likely holds for this one: one write instead of two.
    slot = slots.take(_advance, interval, longest, furthest=LONGEST_WAIT, busy=allowed.is_crowded)
    if slot is None:
        raise ParkedError("no slot", 1)
    allowed.is_crowded = slot.is_behind_others
    return slot.at


def _advance(write: slots.Write) -> Decimal | None:
    try:
        answer = tables.operations().update_item(
            Key={"pk": "PACE", "sk": "SES"},
            ConditionExpression=write.condition,
            UpdateExpression=write.update,
            ExpressionAttributeValues=dict(write.values),
            ReturnValues="UPDATED_NEW",
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return None
        raise
    return Decimal(str(answer["Attributes"]["nextAt"]))
