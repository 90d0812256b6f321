"""The pace of mail: one slot a mail for all workers together, as fast and as many a day as SES allows the account.

Operations, pk `PACE`, sk `SES`: `nextAt`, the epoch millisecond at which the next slot begins. A mail takes its slot
by moving `nextAt` one interval on, and waits for it. One write a mail serves some hundred mails a second; an account
that may send faster would have to take several slots at once.
"""

import time
from decimal import Decimal
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from campus import clock, tables
from campus.clients import client
from campus.observability import logger, metrics
from campus.queue import ParkedError
from campus.settings import settings

# Of SES's rate: the rest is for clocks that differ and calls that catch each other up.
SHARE = 0.95
# A worker does not sleep longer than this for a slot, so `nextAt` is never further ahead, give or take the clocks.
LONGEST_WAIT = 3_000
CLOCKS_DIFFER = 5_000
_KEPT_SECONDS = 60
_TRIES = 3


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
    interval = Decimal(f"{1000 / (allowed.rate * SHARE):.3f}")
    slot = _take_slot(interval, min(spare, LONGEST_WAIT))
    time.sleep(max(0, min(slot - clock.now_ms(), LONGEST_WAIT)) / 1000)


def parked() -> ParkedError:
    """What to raise where SES takes no more mail today; it is not asked again before the allowance is read anew."""
    allowance().is_spent = True
    metrics().add_metric("MailParked", "Count", 1)
    return ParkedError("daily quota", settings.mail_park_seconds)


def _take_slot(interval: Decimal, longest: int) -> float:
    """The epoch millisecond of a slot that nobody else has."""
    allowed = allowance()
    for _ in range(_TRIES):
        now = clock.now_ms()
        behind_others = (
            "nextAt BETWEEN :now AND :latest",
            "SET nextAt = nextAt + :interval",
            {":now": now, ":latest": now + longest, ":interval": interval},
        )
        at_once = (
            # Nobody waits; or the row was written by a clock that was ahead, and nothing waits for so long.
            "attribute_not_exists(nextAt) OR nextAt < :now OR nextAt > :absurd",
            "SET nextAt = :next",
            {":now": now, ":next": now + interval, ":absurd": now + LONGEST_WAIT + CLOCKS_DIFFER + interval},
        )
        # What held for the last mail most likely holds for this one: one write instead of two.
        for write in (behind_others, at_once) if allowed.is_crowded else (at_once, behind_others):
            if (end := _advance(*write)) is not None:
                allowed.is_crowded = write is behind_others
                return float(end - interval)
    raise ParkedError("no slot", 1)


def _advance(condition: str, update: str, values: dict[str, Any]) -> Decimal | None:
    """The new `nextAt`; None where the condition did not hold."""
    try:
        answer = tables.operations().update_item(
            Key={"pk": "PACE", "sk": "SES"},
            ConditionExpression=condition,
            UpdateExpression=update,
            ExpressionAttributeValues=values,
            ReturnValues="UPDATED_NEW",
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return None
        raise
    return Decimal(str(answer["Attributes"]["nextAt"]))
