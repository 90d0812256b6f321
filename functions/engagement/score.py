"""A student's engagement in a class: weighted events, each worth half as much after every half-life.

Stored in a time-invariant form: log2 of the sum of weight * 2^(t / half-life), t in days since 1970. All scores of a
board fall by the same amount a day in this form, so their order never changes by itself and an index over them never
needs rewriting. What a score s is worth at t is 2^(s - t / half-life). The idea is that of forward decay (Cormode,
Shkapenyuk, Srivastava, Xu: "Forward Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009).
"""

from math import exp2, log1p, log2

_DAY = 86_400
_LN2 = 0.6931471805599453
WEIGHTS = {"enroll": 3.0, "submitAssignment": 5.0, "quiz": 4.0, "download": 2.0, "view": 1.0, "announcement": 0.0}


def weight(event_type: str) -> float:
    """What an event counts on its day; types nobody weighed count 1."""
    return WEIGHTS.get(event_type, 1.0)


def add(old: float | None, event_weight: float, at_epoch: float, half_life_days: float) -> float | None:
    """The score with one more event; the order in which events arrive does not matter.

    Args:
        old: the score so far, None where there is none.
        event_weight: from `weight`; an event of weight 0 changes nothing.
        at_epoch: when it happened, epoch seconds.
        half_life_days: positive.

    Returns:
        The new score; None where there still is none.
    """
    if event_weight <= 0:
        return old
    event = log2(event_weight) + at_epoch / _DAY / half_life_days
    if old is None:
        return event
    # log2(2^a + 2^b) without ever forming the powers, which reach 2^1400 with a half-life of 14 days.
    high, low = max(old, event), min(old, event)
    return high + log1p(exp2(low - high)) / _LN2
