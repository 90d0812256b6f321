"""A circuit breaker: what fails slowly is left alone for a while, so that not every request pays an outage's timeout.

After `FAILURES` slow failures in a row nobody asks for `PAUSE_SECONDS`; then one request tries, and closes the circuit
or opens it again (Nygard, *Release It!*). A process of Lambda serves one request at a time and knows only its own
failures: shared state would be one more dependency on the path that is there for outages.
"""

import math
import time
from dataclasses import dataclass
from functools import cache

FAILURES = 3
PAUSE_SECONDS = 10


@dataclass
class Breaker:
    """Closed until it has seen `FAILURES` failures in a row; times are of this process's monotonic clock."""

    failures: int = 0
    paused_until: float = -math.inf

    @property
    def is_open(self) -> bool:
        """True while nobody should ask."""
        return time.monotonic() < self.paused_until

    def failed(self) -> None:
        """Count a failure; one too many, or one of the try after a pause, begins a pause."""
        self.failures += 1
        if self.failures >= FAILURES:
            self.paused_until = time.monotonic() + PAUSE_SECONDS

    def answered(self) -> None:
        """Forget the failures."""
        self.failures = 0


@cache
def breaker(name: str) -> Breaker:
    """The one breaker of this process for what has this name."""
    return Breaker()
