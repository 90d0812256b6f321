"""What is logged of an error: which, and where; not one word of it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from campus import clock, observability, queue
from campus.http import Request, Response, route
from campus.observability import FailedError, without_texts
from tests.unit.campus.test_http import event

CANARY = "canary@leak.example"


def quote(*_: object) -> Any:
    """DynamoDB, SES and EventBridge quote what they refuse."""
    answer: Any = {"Error": {"Code": "ValidationException", "Message": f"Value '{CANARY}' at 'item.email' failed"}}
    raise ClientError(answer, "PutItem")


@route
def request(_: Request) -> Response:
    return Response(200, {"never": quote()})


@without_texts
def bare() -> None:
    quote()


def message() -> None:
    record = {"messageId": "m-1", "body": "{}", "attributes": {"ApproximateReceiveCount": "1"}}
    context: Any = None
    queue.consume({"Records": [{**record, "eventSource": "aws:sqs"}]}, context, quote)


def invocation() -> None:
    with pytest.raises(FailedError) as failure:
        bare()
    assert str(failure.value) == "ClientError"
    assert failure.value.__suppress_context__


@pytest.mark.parametrize("fail", [lambda: request(event(), None), message, invocation])
def test_an_error_is_logged_by_its_type_and_place_and_none_of_its_words(
    fail: Callable[[], object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The logger was made with the standard output of the first test that logged.
    monkeypatch.setattr(observability.logger().registered_handler, "stream", sys.stdout)
    monkeypatch.setattr(observability, "_ROOT", Path(__file__).parents[3])

    fail()

    said = capsys.readouterr().out
    lines = [json.loads(line) for line in said.splitlines()]
    (failed,) = (line for line in lines if "failed" in line.get("message", ""))
    assert failed["error"] == "ClientError"
    assert failed["at"].startswith("tests/unit/campus/test_observability.py:")
    assert CANARY not in said


def test_the_place_is_ours_and_not_that_of_a_library(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observability.logger().registered_handler, "stream", sys.stdout)

    with pytest.raises(FailedError):
        without_texts(clock.epoch)(CANARY)

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["error"], line["at"].partition(":")[0]) == ("ValueError", "campus/clock.py")
