"""The faults: each stands in a proxy, does its harm to some of the calls, and counts how often it did."""

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.integration.faults.proxy import Answer, Call, LostAnswer

Point = Callable[[Call], bool]


def sends(call: Call) -> bool:
    """SES is asked to send."""
    return call.operation == "SendEmail"


def claims(call: Call) -> bool:
    """The mail ledger is asked for the right to send."""
    return call.operation == "UpdateItem" and '"MAIL#' in call.text and "claimToken = :token" in call.text


def notes_sent(call: Call) -> bool:
    """The mail ledger is told that SES took the mail."""
    return call.operation == "UpdateItem" and '"MAIL#' in call.text and "messageId" in call.text


def notes_delivery(call: Call) -> bool:
    """The mail ledger is told what became of a mail on its way."""
    return call.operation == "UpdateItem" and '"MAIL#' in call.text and "deliveryAt" in call.text


def records(call: Call) -> bool:
    """An interaction is recorded."""
    return call.operation == "TransactWriteItems" and "recordedDay" in call.text


def commits(call: Call) -> bool:
    """A fact and its event are written."""
    return call.operation == "TransactWriteItems" and "OUTBOX#PENDING" in call.text


def publishes(call: Call) -> bool:
    """Events are put on the bus."""
    return call.operation == "PutEvents"


def queues_messages(call: Call) -> bool:
    """Messages are put on a queue."""
    return call.operation == "SendMessageBatch"


def anything(call: Call) -> bool:
    return True


class Harm:
    """A fault at `point`, done to every call that `chosen` picks.

    Attributes:
        done: how often.
    """

    def __init__(self, point: Point, chosen: Callable[[], bool]) -> None:
        self.done = 0
        self._point = point
        self._chosen = chosen
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Answer:
        with self._lock:
            strikes = self._point(call) and self._chosen()
            self.done += strikes
        return self.strike(call) if strikes else call.forward()

    def strike(self, call: Call) -> Answer:
        raise NotImplementedError


class KillBefore(Harm):
    """The caller dies before the service has heard of the call."""

    def strike(self, call: Call) -> Answer:
        call.kill_caller()
        raise LostAnswer


class KillAfter(Harm):
    """The caller dies when the service has done what it was asked for, before it learns so."""

    def strike(self, call: Call) -> Answer:
        call.forward()
        call.kill_caller()
        raise LostAnswer


class LoseAnswer(Harm):
    """The service does what it is asked for, and its answer is lost."""

    def strike(self, call: Call) -> Answer:
        call.forward()
        raise LostAnswer


class Delay(Harm):
    """The service does what it is asked for, and its answer takes some seconds."""

    def __init__(self, point: Point, chosen: Callable[[], bool], seconds: float) -> None:
        super().__init__(point, chosen)
        self._seconds = seconds

    def strike(self, call: Call) -> Answer:
        answer = call.forward()
        time.sleep(self._seconds)
        return answer


class Refuse(Harm):
    """The service refuses, and does nothing."""

    def __init__(self, point: Point, chosen: Callable[[], bool], status: int, code: str, message: str) -> None:
        super().__init__(point, chosen)
        body = json.dumps({"__type": code, "message": message}).encode()
        self._answer = Answer(status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body)

    def strike(self, call: Call) -> Answer:
        return self._answer


class RefuseEntries:
    """PutEvents refuses some entries of a call, and takes the others.

    Attributes:
        done: how many.
    """

    def __init__(self, chosen: Callable[[], bool]) -> None:
        self.done = 0
        self._chosen = chosen

    def __call__(self, call: Call) -> Answer:
        if not publishes(call):
            return call.forward()
        document: dict[str, Any] = json.loads(call.body)
        refused = [self._chosen() for _ in document["Entries"]]
        self.done += sum(refused)
        taken = [entry for entry, no in zip(document["Entries"], refused, strict=True) if not no]
        body = json.dumps({**document, "Entries": taken}).encode()
        results = iter(call.forward(body).document["Entries"] if taken else [])
        problem = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
        entries = [problem if no else next(results) for no in refused]
        answer = {"FailedEntryCount": sum(refused), "Entries": entries}
        return Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode())


def share(part: float, seed: int = 7) -> Callable[[], bool]:
    """Picks about `part` of the calls, in a way that looks like chance and is the same every time."""
    dice = random.Random(seed)
    return lambda: dice.random() < part


def every(step: int, at_most: int) -> Callable[[], bool]:
    """Picks the `step`th call, and each `step`th after it, `at_most` in all."""
    seen = 0

    def chosen() -> bool:
        nonlocal seen
        seen += 1
        return seen % step == 0 and seen // step <= at_most

    return chosen
