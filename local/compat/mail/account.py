"""What SES allows the account: mails a second, mails a day, in and out of the sandbox."""

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from local.compat.mail.suppression import SuppressionList
from local.compat.mail.wire import Answer, refused

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Limits:
    """Recipients in any 24 hours, and in a second (Developer Guide, "Service quotas in Amazon SES")."""

    per_day: float
    per_second: float


PRODUCTION = Limits(50_000, 14)
SANDBOX = Limits(200, 1)


class Account:
    """The counters of the account; every call comes from the emulator's event loop.

    AWS: quotas count recipients. A mail passes while anything is left of the rate and may overdraw it; bursts of a
    second's rate are taken (Guide, "Managing your sending limits"; AWS blog, "What happens when you reach your
    sending limits").
    Emulator: counts the mails in its mailbox and refuses none.
    """

    def __init__(self) -> None:
        self.granted: Limits | None = None
        """None: what new accounts have in and out of the sandbox."""
        self.suppression = SuppressionList()
        self._sent: deque[list[float]] = deque()
        self._left = 1.0
        self._counted_at = 0.0

    def save(self) -> dict[str, Any]:
        """The state, for JSON."""
        return {
            "granted": self.granted and asdict(self.granted),
            "sent": list(self._sent),
            "suppressed": self.suppression.entries,
            "reasons": self.suppression.reasons,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `save` gave."""
        self.granted = Limits(**state["granted"]) if state["granted"] else None
        self._sent = deque(state["sent"])
        self.suppression.entries = state["suppressed"]
        self.suppression.reasons = state["reasons"]

    def limits(self) -> Limits:
        """The limits in force; PutAccountDetails moves the account at once, without AWS's review."""
        from ministack.services import ses

        return self.granted or (PRODUCTION if ses._production_access_enabled() else SANDBOX)

    def sent_last_day(self) -> float:
        """Recipients of the last 24 hours."""
        while self._sent and self._sent[0][0] <= time.time() - _DAY_SECONDS:
            self._sent.popleft()
        return sum(count for _, count in self._sent)

    def take(self, recipients: int, simulated: int = 0) -> Answer | None:
        """Count a mail, or refuse it as SES does where it is beyond the quota or the rate.

        Args:
            recipients: of the mail.
            simulated: how many of them are the mailbox simulator's, which the daily quota does not count.
        """
        limits, now = self.limits(), time.monotonic()
        if self.sent_last_day() + recipients - simulated > limits.per_day:
            return refused("LimitExceededException", "Daily message quota exceeded.")
        burst = max(limits.per_second, 1)
        self._left = min(burst, self._left + (now - self._counted_at) * limits.per_second)
        self._counted_at = now
        if self._left < 1:
            return refused("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        self._left -= recipients
        second = float(int(time.time()))
        if not self._sent or self._sent[-1][0] != second:
            self._sent.append([second, 0])
        self._sent[-1][1] += recipients - simulated
        return None

    def described(self, answer: dict[str, Any]) -> dict[str, Any]:
        """GetAccount's answer with the true numbers."""
        limits = self.limits()
        quota = {
            "Max24HourSend": limits.per_day,
            "MaxSendRate": limits.per_second,
            "SentLast24Hours": self.sent_last_day(),
        }
        return {**answer, "SendQuota": quota, "SuppressionAttributes": {"SuppressedReasons": self.suppression.reasons}}


ACCOUNT = Account()
