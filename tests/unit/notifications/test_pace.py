"""Slots: no two mails closer than the interval, however workers and their clocks behave."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campus import clock, slots, tables
from campus.queue import ParkedError
from notifications import pace
from tests.unit.notifications.school import School, enrolled, refusal

INTERVAL = 1000 / (14 * pace.SHARE)
HOUR = 3_600_000


class Row:
    """The one row, with exactly the two conditional writes that `pace` makes; `before` runs before each of them."""

    def __init__(self) -> None:
        self.next_at: Decimal | None = None
        self.before: Callable[[], None] = lambda: None

    def update_item(self, **call: Any) -> Any:
        self.before()
        values, at = call["ExpressionAttributeValues"], self.next_at
        match call["ConditionExpression"], call["UpdateExpression"]:
            case "nextAt BETWEEN :now AND :latest", "SET nextAt = nextAt + :interval":
                assert values[":now"] <= values[":latest"], "DynamoDB refuses bounds the wrong way round"
                holds = at is not None and values[":now"] <= at <= values[":latest"]
                moved = (at or 0) + values[":interval"]
            case "attribute_not_exists(nextAt) OR nextAt < :now OR nextAt > :absurd", "SET nextAt = :next":
                holds = at is None or at < values[":now"] or at > values[":absurd"]
                moved = values[":next"]
            case unknown:
                raise AssertionError(unknown)
        if not holds:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
        self.next_at = moved
        return {"Attributes": {"nextAt": moved}}


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Row:
    row = Row()
    monkeypatch.setattr(tables, "operations", lambda: row)
    return row


def take(interval: Decimal = Decimal("75.188"), longest: int = pace.LONGEST_WAIT) -> float | None:
    try:
        return pace._take_slot(interval, longest)
    except ParkedError:
        return None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 400),  # milliseconds since the last step
            st.lists(st.integers(-200, 200), max_size=3),  # clocks of workers that come in between
            st.integers(-200, 200),  # this worker's clock
            st.sampled_from([1.0, 14.0, 50.0, 333.3]),  # the rate it knows
        ),
        max_size=40,
    )
)
def test_two_slots_are_never_closer_than_the_interval(
    row: Row, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[int, list[int], int, float]]
) -> None:
    row.next_at, moment, skew = None, 1_000_000, 0
    slots: list[tuple[float, float]] = []
    monkeypatch.setattr(clock, "now_ms", lambda: moment + skew)

    def one(interval: Decimal) -> None:
        if (slot := take(interval)) is not None:
            slots.append((slot, float(interval)))

    def others(clocks: list[int], interval: Decimal) -> Callable[[], None]:
        def come_in_between() -> None:
            nonlocal skew
            if clocks:
                mine, skew = skew, clocks.pop()
                one(interval)
                skew = mine

        return come_in_between

    for passed, clocks, own, rate in steps:
        moment, interval = moment + passed, Decimal(f"{1000 / rate:.3f}")
        row.before, skew = others(list(clocks), interval), own
        one(interval)

    row.before = lambda: None
    slots.sort()
    for (earlier, length), (later, _) in itertools.pairwise(slots):
        assert later - earlier >= length - 1e-3


@given(st.integers(-30 * 24 * HOUR, 30 * 24 * HOUR))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_clock_that_jumps_does_not_stop_mail_for_long(row: Row, monkeypatch: pytest.MonkeyPatch, jump: int) -> None:
    row.next_at, moment = None, 100 * 24 * HOUR
    monkeypatch.setattr(clock, "now_ms", lambda: moment)
    for _ in range(30):
        take()

    start = moment = moment + jump
    while (slot := take()) is None:
        moment += 100
    assert slot - start <= pace.LONGEST_WAIT + slots.CLOCKS_DIFFER + INTERVAL


def test_a_worker_waits_for_its_slot_and_not_longer_than_it_may(school: School) -> None:
    for _ in range(15):
        pace.wait(16_000)
    # Nobody waits for the first slot, and everybody for the one before.
    assert school.slept == pytest.approx(14 * INTERVAL / 1000, abs=0.002)

    tables.operations().update_item(
        Key={"pk": "PACE", "sk": "SES"},
        UpdateExpression="SET nextAt = :at",
        ExpressionAttributeValues={":at": school.milliseconds() + 500},
    )
    with pytest.raises(ParkedError):
        pace.wait(400)
    pace.wait(600)


def test_a_batch_that_has_run_out_of_time_is_parked_and_not_refused(
    row: Row, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace.Allowance, "refresh", lambda _: None)
    row.next_at = Decimal(clock.now_ms() + 5000)
    with pytest.raises(ParkedError):
        pace.wait(-40)


def test_the_rate_is_the_accounts_and_read_once_a_minute(school: School) -> None:
    school.quota["MaxSendRate"] = 100.0
    for _ in range(5):
        pace.wait(16_000)
    assert school.slept == pytest.approx(4 / 95, abs=0.003)
    assert school.calls.count("GetAccount") == 1

    school.quota["MaxSendRate"] = 1.0
    school.now += 61
    before = school.slept
    pace.wait(16_000)
    pace.wait(16_000)
    assert school.slept - before == pytest.approx(1 / 0.95, abs=0.003)
    assert school.calls.count("GetAccount") == 2


def test_while_ses_does_not_say_its_last_word_holds_and_before_that_one_a_second(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, silent = School._act, [True]

    def deny(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "GetAccount" and silent[-1]:
            refusal("AccessDeniedException", 403)()
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", deny)
    pace.wait(16_000)
    pace.wait(16_000)
    assert school.slept == pytest.approx(1 / 0.95, abs=0.003)
    assert school.calls.count("GetAccount") == 1

    for says_nothing in (False, True):
        silent.append(says_nothing)
        school.now += 61
        before = school.slept
        pace.wait(16_000)
        pace.wait(16_000)
        assert school.slept - before == pytest.approx(INTERVAL / 1000, abs=0.003)
    assert school.calls.count("GetAccount") == 3


def test_a_batch_at_the_sandboxs_rate_ends_in_time_and_what_is_left_is_parked(school: School) -> None:
    """Two workers share one mail a second, so that each of them gets a slot every other second."""
    school.quota["MaxSendRate"] = 1.0
    school.student()
    events = [enrolled(class_id=f"class-{number}") for number in range(10)]
    wait = pace.wait

    def share(spare: int) -> None:
        pace._take_slot(Decimal(1053), pace.LONGEST_WAIT)  # the other worker's
        wait(spare)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "wait", share)
        left = school.send_batch(events, milliseconds=lambda: 30_000 - int(school.slept * 1000))

    assert school.slept <= 30 - 14 + pace.LONGEST_WAIT / 1000
    assert len(school.accepted) + len(left) == 10
    assert len(school.accepted) >= 7
    assert len(school.hidden) == len(left)
    assert max(school.hidden) <= 1
