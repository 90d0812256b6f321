"""Keys, numbers, pages, transactions; clocks, settings and the border to Personalize."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from campus import clock, observability, pseudonyms, tables
from campus.settings import MissingSettingError, settings
from tests.unit.campus import school


def put(student_id: str, *, new: bool = False) -> dict[str, object]:
    action: dict[str, object] = {"TableName": "StudentsTable", "Item": {"studentId": student_id, "n": 1}}
    return {"Put": action | ({"ConditionExpression": "attribute_not_exists(studentId)"} if new else {})}


def test_a_transaction_writes_all_or_nothing_and_says_why_not() -> None:
    tables.transact([put("a"), put("b", new=True)])
    with pytest.raises(ClientError) as caught:
        tables.transact([put("c"), put("b", new=True)])

    assert tables.refused(caught.value) == ["None", "ConditionalCheckFailed"]
    assert not tables.is_conditional_failure(caught.value)
    assert {row["studentId"] for row in school.rows(tables.students())} == {"a", "b"}


def test_a_single_writes_condition_is_told_apart() -> None:
    tables.students().put_item(Item={"studentId": "a"})
    with pytest.raises(ClientError) as caught:
        tables.students().put_item(Item={"studentId": "a"}, ConditionExpression="attribute_not_exists(studentId)")

    assert tables.is_conditional_failure(caught.value)
    assert tables.refused(caught.value) == []
    assert tables.refused(ValueError()) == []
    assert not tables.is_conditional_failure(ValueError())


def contended(*reasons: str) -> ClientError:
    code = "TransactionCanceledException" if reasons else "TransactionConflictException"
    answer: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(answer, "TransactWriteItems")


class Contended:
    """A write that is refused by these errors, one after the other, before it succeeds."""

    def __init__(self, *errors: ClientError) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "written"


def test_a_write_that_meets_another_one_is_repeated() -> None:
    write = Contended(contended(), contended("None", "TransactionConflict"), contended("ThrottlingError", "None"))
    assert (tables.insist(write), write.calls) == ("written", 4)


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (contended("TransactionConflict"), 8),
        (contended("TransactionConflict", "ConditionalCheckFailed"), 1),
        (contended("ValidationError"), 1),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem"), 1),
    ],
)
def test_a_write_that_goes_on_being_refused_is_given_up(
    monkeypatch: pytest.MonkeyPatch, error: ClientError, calls: int
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    write = Contended(*[error] * 10)
    with pytest.raises(ClientError):
        tables.insist(write)
    assert write.calls == calls


def test_pages_follow_on_to_the_end() -> None:
    with tables.students().batch_writer() as batch:
        for n in range(30):
            batch.put_item({"studentId": f"s{n:02}"})

    pages = list(tables.pages(tables.students(), "scan", Limit=8))

    assert len(pages) == 4
    assert len({row["studentId"] for page in pages for row in page}) == 30


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_occurrences_sort_by_time(first: int, second: int) -> None:
    assert (tables.occurrence(first, "z") < tables.occurrence(second, "a")) == (first < second) or first == second


def test_a_days_interactions_spread_evenly_over_the_shards() -> None:
    shards = Counter(tables.recorded_day("2026-11-22", f"event-{n}") for n in range(8000))

    assert set(shards) == {f"2026-11-22#{n}" for n in range(tables.DAY_SHARDS)}
    assert max(shards.values()) < 1.2 * min(shards.values())


@given(st.floats(-1e12, 1e12))
def test_a_number_survives_storing(value: float) -> None:
    assert float(tables.number(value)) == pytest.approx(value, rel=1e-11)


def test_a_number_has_no_binary_noise() -> None:
    assert tables.number(0.1 + 0.2) == Decimal("0.3")


@given(st.integers(0, 4_000_000_000))
def test_instants_go_there_and_back(second: int) -> None:
    assert clock.epoch(clock.iso(second)) == second
    assert clock.utc_day(second) == datetime.fromtimestamp(second, UTC).date().isoformat()


def test_an_instant_has_a_zone() -> None:
    assert clock.epoch("2026-11-22T09:00:00+07:00") == clock.epoch("2026-11-22T02:00:00Z")
    with pytest.raises(ValueError, match="no time zone"):
        clock.epoch("2026-11-22T02:00:00")


def test_milliseconds_are_a_thousand_seconds() -> None:
    assert clock.now_ms() // 1000 - clock.now() in (0, 1)


def test_a_setting_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDENTS_TABLE")
    with pytest.raises(MissingSettingError, match="STUDENTS_TABLE"):
        _ = settings.students_table
    monkeypatch.setenv("STUDENTS_TABLE", "other")
    assert settings.students_table == "other"
    assert settings.half_life_days == 14.0


def test_a_pseudonym_is_a_keyed_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    one = pseudonyms.pseudonym("sv-an")
    assert one == pseudonyms.pseudonym("sv-an") != pseudonyms.pseudonym("sv-aN")
    assert len(one) == 32
    assert int(one, 16) >= 0
    monkeypatch.setattr(pseudonyms, "key", lambda _: b"another")
    assert pseudonyms.pseudonym("sv-an") != one


def test_a_log_fingerprint_is_no_pseudonym() -> None:
    assert observability.fingerprint("sv-an") not in pseudonyms.pseudonym("sv-an")
    assert observability.fingerprint("sv-an") == observability.fingerprint("sv-an") != observability.fingerprint("sv-b")


def test_the_bus_of_the_school_exists() -> None:
    assert boto3.client("events").describe_event_bus(Name=settings.event_bus)["Name"] == "student-event-bus"
