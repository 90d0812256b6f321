"""A circuit breaker: what fails slowly is left alone for a while, so that not every request pays an outage's timeout.

After some slow failures in a row nobody asks for a pause; then one request tries, and closes the circuit or opens it
again (Nygard, *Release It!*). A process of Lambda serves one request at a time and knows only its own failures: shared
state would be one more dependency on the path that is there for outages.
"""

import math
import time
from dataclasses import dataclass
from functools import cache

FAILURES = 3
PAUSE_SECONDS = 10


@dataclass
class Breaker:
    """Closed until it has seen `after` failures in a row; times are of this process's monotonic clock.

    Attributes:
        after: how many failures open it.
        pause: seconds for which it is open.
    """

    after: int = FAILURES
    pause: float = PAUSE_SECONDS
    failures: int = 0
    paused_until: float = -math.inf

    @property
    def is_open(self) -> bool:
        """True while nobody should ask."""
        return time.monotonic() < self.paused_until

    def failed(self) -> None:
        """Count a failure; one too many, or one of the try after a pause, begins a pause."""
        self.failures += 1
        if self.failures >= self.after:
            self.paused_until = time.monotonic() + self.pause

    def answered(self) -> None:
        """Forget the failures."""
        self.failures = 0


@cache
def breaker(name: str, *, after: int = FAILURES, pause: float = PAUSE_SECONDS) -> Breaker:
    """The one breaker of this process for what has this name."""
    return Breaker(after, pause)
