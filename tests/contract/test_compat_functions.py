"""Lambda, its event sources and Step Functions: what AWS does where the emulator alone does otherwise."""

import asyncio
import base64
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from local.compat import queues
from local.compat.functions import CONCURRENCY
from tests.integration.sample.stack import Sample, eventually

pytest_plugins = ["tests.integration.sample.plugin"]


def invoke(sample: Sample, payload: dict[str, Any]) -> tuple[bool, Any]:
    answer = sample.client("lambda").invoke(
        FunctionName=sample.outputs["StepFunctionName"], Payload=json.dumps(payload).encode()
    )
    return "FunctionError" in answer, json.load(answer["Payload"])


def test_an_error_carries_its_class_and_stack_trace(sample: Sample) -> None:
    failed, body = invoke(sample, {"raise": "closed"})

    assert failed
    assert body["errorType"] == "SchoolClosedError"
    assert body["errorMessage"] == "the school is closed"
    assert body["requestId"]
    assert 'raise SchoolClosedError("the school is closed")' in body["stackTrace"][-1]


def test_an_error_leaves_the_environment_running(sample: Sample) -> None:
    _, before = invoke(sample, {})
    invoke(sample, {"raise": "closed"})
    _, after = invoke(sample, {})
    assert after["pid"] == before["pid"]
    assert after["calls"] == before["calls"] + 2


def test_no_more_functions_run_at_once_than_the_machine_bears(sample: Sample) -> None:
    wanted = 3 * CONCURRENCY
    with ThreadPoolExecutor(wanted) as pool:
        answers = list(pool.map(lambda _: invoke(sample, {"sleep": 0.3}), range(wanted)))
    assert not any(failed for failed, _ in answers)
    assert len({body["pid"] for _, body in answers}) <= CONCURRENCY


def test_a_function_that_logs_nothing_is_answered_at_once(sample: Sample) -> None:
    invoke(sample, {})

    def seconds() -> float:
        started = time.perf_counter()
        invoke(sample, {})
        return time.perf_counter() - started

    # The emulator alone waits fifty milliseconds for a log line, every time.
    assert min(seconds() for _ in range(30)) < 0.05


@contextmanager
def busy() -> Iterator[None]:
    """Somebody else has work for a processor, too."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield
        finally:
            other.kill()


@pytest.mark.parametrize("wish", [{}, {"raise": "closed"}])
def test_what_a_function_logs_is_there_with_its_answer_however_busy_the_machine(
    sample: Sample, wish: dict[str, str]
) -> None:
    def last_line_is_missing(number: int) -> bool:
        lines = [f"call {number}, line {line}" for line in range(3000)]
        answer = sample.client("lambda").invoke(
            FunctionName=sample.outputs["StepFunctionName"],
            Payload=json.dumps({**wish, "log": lines}).encode(),
            LogType="Tail",
        )
        return lines[-1] not in base64.b64decode(answer["LogResult"]).decode().splitlines()

    with busy(), ThreadPoolExecutor(CONCURRENCY) as pool:
        assert not any(pool.map(last_line_is_missing, range(20)))


def run(sample: Sample, payload: dict[str, Any]) -> dict[str, Any]:
    states = sample.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=sample.outputs["StateMachineArn"], input=json.dumps(payload))[
        "executionArn"
    ]
    done: dict[str, Any] = eventually(
        lambda: states.describe_execution(executionArn=arn), lambda one: one["status"] != "RUNNING"
    )
    return done


def test_a_definition_in_yaml_runs_and_waits_in_scaled_time(sample: Sample) -> None:
    started = time.monotonic()
    done = run(sample, {"hello": "world"})
    assert done["status"] == "SUCCEEDED"
    assert json.loads(done["output"])["seen"] == {"hello": "world"}
    assert time.monotonic() - started < 15  # the machine waits 20 s


def test_a_state_catches_a_function_error_by_name(sample: Sample) -> None:
    done = run(sample, {"raise": "closed"})
    assert done["status"] == "SUCCEEDED"
    output = json.loads(done["output"])
    assert output["caught"] == "SchoolClosedError"
    assert output["cause"]["errorMessage"] == "the school is closed"


def test_an_uncaught_error_fails_the_execution_by_name(sample: Sample) -> None:
    done = run(sample, {"raise": "unknown"})
    assert done["status"] == "FAILED"
    assert done["error"] == "ValueError"


def send(sample: Sample, body: str) -> None:
    sample.client("sqs").send_message(QueueUrl=sample.outputs["WorkQueueUrl"], MessageBody=body)


def test_a_poison_message_ends_in_the_dead_letter_queue_and_stops_nobody(sample: Sample) -> None:
    poison, good = f"poison-{uuid.uuid4().hex}", f"good-{uuid.uuid4().hex}"
    sqs = sample.client("sqs")
    sqs.send_message_batch(
        QueueUrl=sample.outputs["WorkQueueUrl"],
        Entries=[{"Id": "a", "MessageBody": poison}, {"Id": "b", "MessageBody": good}],
    )

    (dead,) = eventually(lambda: [one for one in sample.messages("WorkDeadLettersUrl") if one["Body"] == poison])
    assert dead["Attributes"]["ApproximateReceiveCount"] == "4"  # three by the function, one here
    assert sorted(one["receives"] for one in sample.seen("consume", body=poison)) == [1, 2, 3]
    assert [one["receives"] for one in sample.seen("consume", body=good)] == [1]


def test_a_mapping_stays_within_its_maximum_concurrency(sample: Sample) -> None:
    run_id = uuid.uuid4().hex
    for number in range(60):
        send(sample, f"slow-{run_id}-{number}")

    def done() -> list[dict[str, Any]]:
        return [one for one in sample.seen("consume") if run_id in one["body"]]

    spans = [(one["started"], one["ended"]) for one in eventually(done, lambda rows: len(rows) >= 60)]
    assert len(spans) == 60
    assert len({one["pid"] for one in done()}) <= 2
    batches = {start: max(end for begin, end in spans if begin == start) for start, _ in spans}
    overlapping = max(sum(begin <= start < end for begin, end in batches.items()) for start in batches)
    assert overlapping <= 2


def test_no_message_is_lost_while_others_are_deleted(sample: Sample) -> None:
    run_id = uuid.uuid4().hex
    for start in range(0, 400, 10):
        entries = [{"Id": str(number), "MessageBody": f"{run_id}-{start + number}"} for number in range(10)]
        sample.client("sqs").send_message_batch(QueueUrl=sample.outputs["WorkQueueUrl"], Entries=entries)

    def received() -> set[str]:
        pages = (
            sample.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=sample.outputs["SeenTable"],
                KeyConditionExpression="pk = :kind",
                ExpressionAttributeValues={":kind": {"S": "SEEN#consume"}},
            )
        )
        return {item["body"]["S"] for page in pages for item in page["Items"] if run_id in item["body"]["S"]}

    eventually(received, lambda bodies: len(bodies) == 400, deadline=60)


def test_event_sources_change_queues_on_the_event_loop_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the test above would see only with luck: two threads writing one queue's list of messages.
    import ministack.app
    from ministack.services import sqs

    threads: list[int] = []
    for name in ("_receive_messages_for_esm", "_delete_messages_for_esm"):
        monkeypatch.setattr(sqs, name, lambda *_: threads.append(threading.get_ident()))
    queues.lose_no_message()

    async def read_and_delete() -> int:
        monkeypatch.setattr(ministack.app, "_MAIN_LOOP", asyncio.get_running_loop())
        await asyncio.to_thread(sqs._receive_messages_for_esm, "url", 10)
        await asyncio.to_thread(sqs._delete_messages_for_esm, "url", {"handle"})
        return threading.get_ident()

    loop_thread = asyncio.run(read_and_delete())
    assert threads == [loop_thread, loop_thread]


@pytest.mark.parametrize(("timeout", "waits"), [(1800, 9), (180, 1), (60, 1), (0.4, 0.4), (-5, 0)])
def test_a_failed_message_comes_back_in_scaled_time_but_not_in_no_time(
    timeout: float, waits: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ministack.app
    from ministack.services import lambda_svc, sqs

    begin = time.time()
    failed = {"receipt_handle": "handle", "visible_at": begin + timeout}
    monkeypatch.setattr(lambda_svc, "_run_sqs_batch", lambda *_: None)
    monkeypatch.setattr(lambda_svc, "_ESM_BACKOFF_SECONDS", 1.0)
    monkeypatch.setattr(sqs, "_get_q", lambda url: {"messages": [failed]})
    queues.retry_failed_messages_in_scaled_time(0.005)

    async def fail() -> None:
        monkeypatch.setattr(ministack.app, "_MAIN_LOOP", asyncio.get_running_loop())
        await asyncio.to_thread(lambda_svc._run_sqs_batch, {}, {}, {}, [failed], "url", "name")

    asyncio.run(fail())
    assert begin + waits - 0.01 <= float(str(failed["visible_at"])) <= time.time() + waits


def test_a_stream_delivers_only_what_its_filter_wants(sample: Sample) -> None:
    key = f"OUTBOX#{uuid.uuid4().hex}"
    sample.table.put_item(Item={"pk": f"OTHER#{key}", "sk": "EVENT"})
    sample.table.put_item(Item={"pk": key, "sk": "EVENT", "state": "PENDING", "since": 1})
    sample.table.update_item(
        Key={"pk": key, "sk": "EVENT"}, UpdateExpression="SET relayedAt = :now", ExpressionAttributeValues={":now": 1}
    )
    after = f"OUTBOX#{uuid.uuid4().hex}"
    sample.table.put_item(Item={"pk": after, "sk": "EVENT"})

    eventually(lambda: sample.seen("relay", key=after))
    assert [one["event"] for one in sample.seen("relay", key=key)] == ["INSERT"]
    assert sample.seen("relay", key=f"OTHER#{key}") == []


def test_a_reported_record_is_retried_then_given_up_and_the_stream_goes_on(sample: Sample) -> None:
    run_id = uuid.uuid4().hex
    first, poison, last = (f"OUTBOX#{kind}-{run_id}" for kind in ("first", "poison", "last"))
    for key in (first, poison):
        sample.table.put_item(Item={"pk": key, "sk": "EVENT"})
    eventually(lambda: sample.seen("relay", key=poison), lambda rows: len(rows) == 3)  # MaximumRetryAttempts: 2
    sample.table.put_item(Item={"pk": last, "sk": "EVENT"})

    eventually(lambda: sample.seen("relay", key=last))
    assert len(sample.seen("relay", key=poison)) == 3
    assert len(sample.seen("relay", key=first)) == 1
    (failure,) = eventually(
        lambda: [
            json.loads(one["Body"]) for one in sample.messages("DeadLettersUrl") if "DDBStreamBatchInfo" in one["Body"]
        ]
    )
    assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"
