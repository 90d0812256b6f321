"""The transaction behind every command."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from campus import events, tables
from campus.events import RankingUpdateRequested
from campus.http import Request
from campus.identity import Caller
from publishing import outbox
from tests.unit.campus import school


def request(key: str | None, user: str = "root") -> Request:
    headers = {"idempotency-key": key} if key is not None else {}
    return Request(Caller(user, "admin"), {}, {}, headers, {}, request_id="-abc_=")


def event(key: str | None = None) -> RankingUpdateRequested:
    return RankingUpdateRequested("t", metadata=outbox.metadata(request(key), "POST /x"))


def cancelled(*codes: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(answer, "TransactWriteItems")


class Contended:
    """A `transact` that is cancelled with each of `errors` in turn, then succeeds."""

    def __init__(self, *errors: ClientError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, actions: Sequence[Any]) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_what_is_in_the_outbox_can_be_parsed_by_every_consumer() -> None:
    outbox.commit(event())

    (row,) = school.outbox()
    delivered = {"id": "x", "time": "2026-01-01T00:00:00Z", "source": row["source"], "detail-type": row["detailType"]}
    parsed = events.parse({**delivered, "detail": row["detail"]})
    assert parsed.metadata.event_id == row["eventId"]
    assert parsed.metadata.correlation_id == "request:-abc_="


def test_a_fact_that_is_no_news_keeps_the_event_back() -> None:
    fact = {
        "Put": {
            "TableName": "StudentsTable",
            "Item": {"studentId": "sv-an"},
            "ConditionExpression": "attribute_not_exists(studentId)",
        }
    }

    assert outbox.commit(event(), [fact]) is True
    assert outbox.commit(event(), [fact]) is False
    assert len(school.outbox()) == 1


def test_an_event_that_is_there_already_keeps_the_facts_back() -> None:
    outbox.commit(event("k"))
    fact = {"Put": {"TableName": "StudentsTable", "Item": {"studentId": "sv-an"}}}

    assert outbox.commit(event("k"), [fact]) is False
    assert school.rows(tables.students()) == []


def test_contention_between_requests_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    contended = Contended(cancelled("None", "TransactionConflict"), cancelled("ThrottlingError", "None"))
    monkeypatch.setattr(tables, "transact", contended)

    assert outbox.commit(event()) is True
    assert contended.calls == 3


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (cancelled("TransactionConflict"), 6),
        (cancelled("ValidationError"), 1),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems"), 1),
    ],
)
def test_what_does_not_pass_is_raised(monkeypatch: pytest.MonkeyPatch, error: ClientError, calls: int) -> None:
    contended = Contended(*[error] * 10)
    monkeypatch.setattr(tables, "transact", contended)

    with pytest.raises(ClientError):
        outbox.commit(event())
    assert contended.calls == calls


def test_without_a_key_every_request_is_a_new_event() -> None:
    assert event().metadata.event_id != event().metadata.event_id


Part = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))


Key = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


@given(Part, Part, Key, Part, Part, Key)
def test_the_event_id_is_a_function_of_caller_resource_and_key(
    user: str, resource: str, key: str, other_user: str, other_resource: str, other_key: str
) -> None:
    def event_id(user: str, resource: str, key: str) -> str:
        return outbox.metadata(request(key, user), resource).event_id

    one, other = (user, resource, key), (other_user, other_resource, other_key)
    assert uuid.UUID(event_id(*one)).version == 5
    assert (event_id(*one) == event_id(*other)) == (one == other)


def test_neighbouring_parts_of_the_event_id_do_not_run_together() -> None:
    def event_id(user: str, resource: str, key: str) -> str:
        return outbox.metadata(request(key, user), resource).event_id

    assert len({event_id("ab", "c", "d"), event_id("a", "bc", "d"), event_id("a", "b", "cd")}) == 3
