"""Slots at an even interval, one user each, for all processes together: the generic cell rate algorithm in one row.

The row's `nextAt` is the epoch millisecond at which its next slot begins; taking one moves it an interval on. A slot
ahead of now is either waited for (a pace) or part of a burst (a limit). One conditional write takes a slot, nothing is
read: what a write did not find is found by the other one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from campus import clock

# Processes whose clocks differ by less share a row as if they had one.
CLOCKS_DIFFER = 5_000


@dataclass(frozen=True)
class Write:
    """UpdateItem's expressions, and their values."""

    condition: str
    update: str
    values: Mapping[str, int | Decimal]


Advance = Callable[[Write], Decimal | None]
"""Makes a write and returns the new `nextAt`; None where the condition did not hold."""


@dataclass(frozen=True)
class Slot:
    """A slot that nobody else has: when it begins, and whether it is behind somebody else's."""

    at: float
    is_behind_others: bool


def interval(rate: float) -> Decimal:
    """Milliseconds from slot to slot at so many a second."""
    return Decimal(f"{1000 / rate:.3f}")


def take(
    advance: Advance,
    every: Decimal,
    longest: int | Decimal,
    *,
    furthest: int | Decimal,
    busy: bool = False,
    rounds: int = 3,
) -> Slot | None:
    """Take a slot.

    Args:
        advance: makes one of the writes.
        every: the interval.
        longest: the slot begins at most so many milliseconds from now.
        furthest: the longest that anybody asks for; what is further ahead was written by a clock that was wrong.
        busy: the last slot was behind others, so most likely this one is, and the write for that comes first.
        rounds: how often both writes may miss what another process did between them.

    Returns:
        None where there is no slot in that time.
    """
    for _ in range(rounds):
        now = clock.now_ms()
        behind_others = Write(
            "nextAt BETWEEN :now AND :latest",
            "SET nextAt = nextAt + :interval",
            {":now": now, ":latest": now + longest, ":interval": every},
        )
        at_once = Write(
            "attribute_not_exists(nextAt) OR nextAt < :now OR nextAt > :absurd",
            "SET nextAt = :next",
            {":now": now, ":next": now + every, ":absurd": now + furthest + CLOCKS_DIFFER + every},
        )
        for write in (behind_others, at_once) if busy else (at_once, behind_others):
            if (end := advance(write)) is not None:
                return Slot(float(end - every), write is behind_others)
    return None
