"""PutEvents: batches within the limits, failures by name."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from campus import bus, clients
from campus.bus import Entry


def entry(event_id: str, size: int = 10) -> Entry:
    """Of Vietnamese letters: PutEvents counts the three bytes of each."""
    return Entry(event_id, "api.ranking", "ranking.requestUpdate", '{"trigger": "' + "ế" * (size // 3) + '"}')


class Recorder:
    """An EventBridge that takes everything but the ids in `refuses`."""

    def __init__(self, *refuses: str) -> None:
        self.refuses = refuses
        self.batches: list[list[dict[str, Any]]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - botocore's spelling
        self.batches.append(Entries)
        results = [
            {"ErrorCode": "ThrottlingException"} if any(r in e["Detail"] for r in self.refuses) else {"EventId": "x"}
            for e in Entries
        ]
        return {"FailedEntryCount": sum("ErrorCode" in r for r in results), "Entries": results}


def test_eventbridge_takes_what_is_published() -> None:
    """Against moto, with a queue behind a rule: the event arrives as it was put."""
    sqs, events = boto3.client("sqs"), boto3.client("events")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="r", EventBusName="student-event-bus", EventPattern='{"source": ["api.ranking"]}')
    events.put_targets(Rule="r", EventBusName="student-event-bus", Targets=[{"Id": "t", "Arn": arn}])

    assert bus.publish([entry("a")]) == {}

    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert '"detail-type": "ranking.requestUpdate"' in message["Body"]


def test_refused_entries_are_named_with_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder("yyy")
    monkeypatch.setattr(bus, "client", lambda service: recorder)
    entries = [entry(f"e{n}") for n in range(25)]
    entries[7] = Entry("bad-1", "s", "t", "yyy")
    entries[23] = Entry("bad-2", "s", "t", "yyy")

    assert bus.publish(entries) == {"bad-1": "ThrottlingException", "bad-2": "ThrottlingException"}
    assert [len(batch) for batch in recorder.batches] == [10, 10, 5]


def test_an_answer_without_id_or_code_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("events")
    monkeypatch.setattr(bus, "client", lambda service: client)
    with Stubber(client) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{}]})
        assert bus.publish([entry("a")]) == {"a": "Unknown"}


def test_nothing_to_publish_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(bus, "client", lambda service: recorder)

    assert bus.publish([]) == {}
    assert recorder.batches == []


@given(st.lists(st.integers(0, 50_000), max_size=40))
def test_batches_keep_order_and_limits(sizes: list[int]) -> None:
    entries = [entry(str(n), size) for n, size in enumerate(sizes)]

    batches = list(bus._batches(entries))

    assert [one for batch in batches for one in batch] == entries
    for batch in batches:
        assert 1 <= len(batch) <= bus.MAX_ENTRIES
        size = sum(len(f"{one.source}{one.detail_type}{one.detail}".encode()) for one in batch)
        assert len(batch) == 1 or size <= bus.MAX_BYTES


def test_each_service_has_one_client_with_its_own_patience() -> None:
    assert clients.client("sesv2") is clients.client("sesv2")
    ses, runtime = clients.client("sesv2").meta.config, clients.client("personalize-runtime").meta.config
    assert vars(ses)["retries"]["total_max_attempts"] == vars(runtime)["retries"]["total_max_attempts"] == 1
    assert (vars(runtime)["connect_timeout"], vars(runtime)["read_timeout"]) == (0.3, 1.0)


def test_who_waits_for_an_answer_is_told_in_time() -> None:
    with clients.hurried():
        hurried = clients.dynamodb().meta.client
        assert hurried is clients.dynamodb().meta.client
        times = vars(hurried.meta.config)
        # API Gateway gives a function's timeout, 15 s, to the caller.
        assert times["retries"]["total_max_attempts"] * times["read_timeout"] < 12
        assert vars(clients.client("secretsmanager").meta.config)["read_timeout"] <= 1
    assert clients.dynamodb().meta.client is not hurried
    assert vars(clients.dynamodb().meta.client.meta.config)["retries"]["total_max_attempts"] == 8


def test_an_endpoint_can_be_swapped_for_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", "http://127.0.0.1:2")
    clients.forget()

    assert clients.client("personalize-runtime").meta.endpoint_url == "http://127.0.0.1:2"
    assert clients.client("events").meta.endpoint_url == "http://127.0.0.1:1"
    clients.forget()
