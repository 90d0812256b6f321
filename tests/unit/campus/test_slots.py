"""Slots of one row: what is taken never exceeds a burst and the rate, and who waited as told is let in."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campus import clock, slots
from campus.slots import Write

HOUR = 3_600_000
# Far from the epoch, whatever a clock jumps.
START = 1_800_000_000_000

bursts = st.integers(1, 10_000)
rates = st.floats(0.001, 5_000)
the_clock_is_set_anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Row:
    """A row that knows the two conditional writes."""

    def __init__(self) -> None:
        self.next_at: Decimal | None = None

    def advance(self, write: Write) -> Decimal | None:
        values, at = write.values, self.next_at
        match write.condition, write.update:
            case "nextAt BETWEEN :now AND :latest", "SET nextAt = nextAt + :interval":
                holds = at is not None and values[":now"] <= at <= values[":latest"]
                moved = (at or 0) + Decimal(values[":interval"])
            case "attribute_not_exists(nextAt) OR nextAt < :now OR nextAt > :absurd", "SET nextAt = :next":
                holds = at is None or at < values[":now"] or at > values[":absurd"]
                moved = Decimal(values[":next"])
            case unknown:
                raise AssertionError(unknown)
        if not holds:
            return None
        self.next_at = moved
        return moved


def admitted(row: Row, every: Decimal, burst: int) -> bool:
    ahead = every * (burst - 1)
    return slots.take(row.advance, every, ahead, furthest=ahead, rounds=1) is not None


@given(burst=st.integers(1, 20), rate=rates, gaps=st.lists(st.integers(0, 2_000), max_size=60))
@the_clock_is_set_anew
def test_no_window_holds_more_than_a_burst_and_the_rate(
    burst: int, rate: float, gaps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    row, every, now, taken = Row(), slots.interval(rate), START, []
    for gap in gaps:
        now += gap
        monkeypatch.setattr(clock, "now_ms", lambda at=now: at)
        if admitted(row, every, burst):
            taken.append(now)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - begin) / every


@given(burst=bursts, rate=rates)
@the_clock_is_set_anew
def test_a_whole_burst_is_let_in_and_then_one_every_interval(
    burst: int, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, every = Row(), slots.interval(rate)
    monkeypatch.setattr(clock, "now_ms", lambda: START)
    few = min(burst, 50)
    if few < burst:
        row.next_at = START + every * (burst - few)
    assert [admitted(row, every, burst) for _ in range(few + 1)] == [True] * few + [False]
    later = START + int(every) + 1
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert admitted(row, every, burst)


@given(burst=st.integers(1, 50), rate=rates, jump=st.integers(-HOUR, HOUR))
@the_clock_is_set_anew
def test_a_clock_that_jumps_refuses_nobody_for_longer_than_clocks_differ(
    burst: int, rate: float, jump: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, every = Row(), slots.interval(rate)
    monkeypatch.setattr(clock, "now_ms", lambda: START)
    row.next_at = START + every * burst
    assert not admitted(row, every, burst)
    longest = slots.CLOCKS_DIFFER + int(every) + 1
    tries = []
    for moment in (START + jump, START + jump + longest):
        monkeypatch.setattr(clock, "now_ms", lambda at=moment: at)
        tries.append(admitted(row, every, burst))
    assert any(tries)


@pytest.mark.parametrize("busy", [False, True])
def test_a_slot_behind_others_says_so(busy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    row, every = Row(), Decimal(100)
    monkeypatch.setattr(clock, "now_ms", lambda: START)
    taken = [slots.take(row.advance, every, 1000, furthest=1000, busy=busy) for _ in range(2)]
    assert taken == [slots.Slot(START, False), slots.Slot(START + 100, True)]
