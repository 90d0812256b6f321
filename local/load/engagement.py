"""The engagement score as the stack keeps it: time-invariant, so that an index ordered by it is never rewritten."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# What an event counts on the day it happens.
WEIGHTS: Mapping[str, float] = {"enroll": 3.0, "submitAssignment": 5.0, "quiz": 4.0, "download": 2.0, "view": 1.0}
DEFAULT_WEIGHT = 1.0
_DAY = 86_400


@dataclass
class Engagement:
    """What a student did in a class.

    Attributes:
        events: how many.
        score: log2 of the sum of weight * 2^(days / half-life), days counted from 1970.
        enrolled: instant (epoch seconds) and id of the first enrolment, where there is one.
    """

    events: int = 0
    score: float = -math.inf
    enrolled: tuple[int, str] | None = None

    def add(self, event_type: str, occurred_at: int, interaction_id: str, half_life_days: float) -> None:
        """Count one event."""
        term = math.log2(WEIGHTS.get(event_type, DEFAULT_WEIGHT)) + occurred_at / _DAY / half_life_days
        high, low = max(self.score, term), min(self.score, term)
        self.score = high + math.log1p(math.exp2(low - high)) / math.log(2.0)
        self.events += 1
        if event_type == "enroll" and (self.enrolled is None or (occurred_at, interaction_id) < self.enrolled):
            self.enrolled = (occurred_at, interaction_id)


def total(events: Iterable[tuple[str, int, str]], half_life_days: float) -> Engagement:
    """The engagement of (event type, epoch seconds, interaction id) triples, in any order."""
    engagement = Engagement()
    for event_type, occurred_at, interaction_id in sorted(events, key=lambda event: event[1:]):
        engagement.add(event_type, occurred_at, interaction_id, half_life_days)
    return engagement
