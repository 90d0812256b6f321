"""From the outbox to the bus: at least once, same id, nothing that was not committed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import EndpointConnectionError

from campus import bus, clock, tables
from campus.events import RankingUpdateRequested
from campus.http import Request
from campus.identity import Caller
from campus.observability import FailedError
from publishing import outbox
from publishing.relay_events import handler
from tests.unit.campus import school
from tests.unit.campus.school import CONTEXT, Context


class Bus:
    """A bus that refuses some events, for a number of calls or for ever."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refuses: dict[str, float] = {}
        self.calls = 0

    def __call__(self, entries: Sequence[bus.Entry]) -> Mapping[str, str]:
        self.calls += 1
        failed = {}
        for entry in entries:
            if self.refuses.get(entry.event_id, 0) > 0:
                self.refuses[entry.event_id] -= 1
                failed[entry.event_id] = "ThrottlingException"
            else:
                self.taken.append(entry.event_id)
        return failed


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Bus:
    fake = Bus()
    monkeypatch.setattr(bus, "publish", fake)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return fake


def commit(count: int = 1) -> list[str]:
    request = Request(Caller("root", "admin"), {}, {}, {}, {})
    ids = []
    for _ in range(count):
        metadata = outbox.metadata(request, "POST /ranking/updates")
        outbox.commit(RankingUpdateRequested("t", metadata=metadata))
        ids.append(metadata.event_id)
    return ids


def stream(event_ids: Sequence[str], event_name: str = "INSERT") -> dict[str, Any]:
    """What Lambda gets of the table's stream; record n has sequence number n."""
    serialize = TypeSerializer().serialize
    records = []
    for number, event_id in enumerate(event_ids):
        item = tables.operations().get_item(Key=outbox.key(event_id))["Item"]
        image = {name: serialize(value) for name, value in item.items()}
        keys = {"pk": image["pk"], "sk": image["sk"]}
        change = {"Keys": keys, "NewImage": image, "SequenceNumber": str(number)}
        records.append({"eventName": event_name, "dynamodb": change})
    return {"Records": records}


def pending() -> set[str]:
    return {row["eventId"] for row in school.outbox() if "state" in row}


def make_old() -> None:
    for row in school.outbox():
        tables.operations().update_item(
            Key=outbox.key(row["eventId"]),
            UpdateExpression="SET since = since - :minute",
            ExpressionAttributeValues={":minute": 61},
        )


def test_a_committed_event_is_published_and_marked(fake: Bus) -> None:
    (event_id,) = commit()

    assert handler(stream([event_id]), CONTEXT) == {"batchItemFailures": []}
    assert fake.taken == [event_id]
    (row,) = school.outbox()
    assert "state" not in row
    assert "since" not in row
    assert row["expiresAt"] - row["relayedAt"] == 30 * 86_400


def test_the_bus_gets_what_was_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bus.Entry] = []

    def publish(entries: Sequence[bus.Entry]) -> Mapping[str, str]:
        sent.extend(entries)
        return {}

    monkeypatch.setattr(bus, "publish", publish)
    (event_id,) = commit()

    handler(stream([event_id]), CONTEXT)

    stored = tables.operations().get_item(Key=outbox.key(event_id))["Item"]
    assert sent == [bus.Entry(event_id, "api.ranking", "ranking.requestUpdate", str(stored["detail"]))]


def test_the_real_bus_takes_it() -> None:
    ids = commit(23)

    assert handler(stream(ids), CONTEXT) == {"batchItemFailures": []}
    assert pending() == set()


def test_only_refused_events_stay_pending_and_are_reported(fake: Bus) -> None:
    ids = commit(25)
    fake.refuses = {ids[3]: 1e9, ids[17]: 1e9}

    answer = handler(stream(ids), CONTEXT)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "17"}]}
    assert pending() == {ids[3], ids[17]}
    assert sorted(fake.taken) == sorted(set(ids) - pending())


def test_a_throttled_event_goes_through_on_another_round_and_others_are_not_repeated(fake: Bus) -> None:
    ids = commit(3)
    fake.refuses = {ids[1]: 2}

    assert handler(stream(ids), CONTEXT) == {"batchItemFailures": []}
    assert sorted(fake.taken) == sorted(ids)
    assert pending() == set()


def test_nearly_every_event_of_a_busy_bus_goes_through_without_repeating_any(fake: Bus) -> None:
    ids = commit(30)
    fake.refuses = {event_id: number % 7 for number, event_id in enumerate(ids)}

    assert handler(stream(ids), CONTEXT) == {"batchItemFailures": []}
    assert sorted(fake.taken) == sorted(ids)


def test_without_time_refused_events_are_left_at_once(fake: Bus) -> None:
    ids = commit(12)
    fake.refuses = {ids[1]: 1}
    short: Any = Context(1_000)

    assert handler(stream(ids), short) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert fake.calls == 2
    assert handler(stream(ids[1:2]), CONTEXT) == {"batchItemFailures": []}
    assert sorted(fake.taken) == sorted(ids)


def test_a_crash_before_marking_repeats_the_same_id(fake: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    (event_id,) = commit()
    with monkeypatch.context() as crash:
        crash.setattr("publishing.relay._mark_relayed", lambda event_id: 1 / 0)
        with pytest.raises(FailedError, match="ZeroDivisionError"):
            handler(stream([event_id]), CONTEXT)
    make_old()

    assert handler({"sweep": True}, CONTEXT) == {"relayed": 1, "pending": 0}
    assert fake.taken == [event_id, event_id]


def test_a_bus_that_is_away_fails_the_batch_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = commit(2)

    def away(entries: Sequence[bus.Entry]) -> Mapping[str, str]:
        raise EndpointConnectionError(endpoint_url="http://bus")

    monkeypatch.setattr(bus, "publish", away)

    with pytest.raises(FailedError, match="EndpointConnectionError"):
        handler(stream(ids), CONTEXT)
    assert pending() == set(ids)


def test_the_sweep_takes_only_what_the_stream_left_behind(fake: Bus) -> None:
    old = commit(12)
    make_old()
    young = commit(1)
    handler(stream(old[:2]), CONTEXT)
    fake.taken.clear()

    assert handler({"sweep": True}, CONTEXT) == {"relayed": 10, "pending": 0}
    assert sorted(fake.taken) == sorted(old[2:])
    assert pending() == set(young)


def test_a_refused_event_does_not_hold_up_the_sweep(fake: Bus) -> None:
    ids = commit(15)
    make_old()
    fake.refuses = {ids[0]: 1e9}

    assert handler({"sweep": True}, CONTEXT) == {"relayed": 14, "pending": 1}
    assert pending() == {ids[0]}


def test_only_inserted_outbox_items_are_relayed(fake: Bus) -> None:
    (event_id,) = commit()
    other = {"pk": {"S": "MAIL#1"}, "sk": {"S": "MAIL"}}
    foreign = {"eventName": "INSERT", "dynamodb": {"Keys": other, "NewImage": other, "SequenceNumber": "9"}}
    changed = stream([event_id], "MODIFY")["Records"]

    assert handler({"Records": [foreign, *changed]}, CONTEXT) == {"batchItemFailures": []}
    assert fake.taken == []
    assert pending() == {event_id}


def test_an_event_erased_meanwhile_does_not_come_back(fake: Bus) -> None:
    (event_id,) = commit()
    records = stream([event_id])
    tables.operations().delete_item(Key=outbox.key(event_id))

    handler(records, CONTEXT)

    assert school.outbox() == []


def test_since_is_in_epoch_seconds() -> None:
    commit()

    assert clock.now() - 60 < school.outbox()[0]["since"] <= clock.now()
