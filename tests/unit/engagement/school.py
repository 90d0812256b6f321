"""What tests of engagement do and see: handlers on moto's DynamoDB, with a hand between every client and AWS."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from campus import clock, tables
from engagement import record_interaction

NOW = 1_795_000_000
TABLES = {
    "Interactions": (("userId", "occurrence"), {}),
    "ClassActivity": (("classId", "activity"), {"byMember": ("member", "classId")}),
    "Operations": (("pk", "sk"), {}),
}
Rows = list[dict[str, Any]]


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class School:
    """`kill_at` is the number of the AWS call at which the worker dies, before or after the service acts.

    `misfortunes` are called one at each transaction, before it; they may write, or raise.
    """

    calls: list[str] = field(default_factory=list)
    kill_at: int | None = None
    kill_after_acting: bool = False
    misfortunes: list[Callable[[], None]] = field(default_factory=list)
    live: list[dict[str, Any]] = field(default_factory=list)
    live_fails: Callable[[], None] | None = None
    now: int = NOW
    _real: Any = None

    def call(self, made: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        """Stands between every boto3 client and its service."""
        number = len(self.calls)
        self.calls.append(operation)
        if number == self.kill_at and not self.kill_after_acting:
            raise Killed
        try:
            return self._act(made, operation, arguments)
        finally:
            if number == self.kill_at:
                raise Killed

    def _act(self, made: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "PutEvents":
            if self.live_fails:
                self.live_fails()
            self.live.append(arguments)
            return {}
        if operation == "TransactWriteItems" and self.misfortunes:
            self.misfortunes.pop(0)()
        return self._real(made, operation, arguments)

    def handle(self, *events: Any) -> list[str]:
        """The messages that stay on the queue."""
        answer = record_interaction.handler(batch(list(events)), None)  # type: ignore[arg-type]
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def track(self, tracking_id: str = "tracking-1") -> None:
        tables.operations().put_item(Item={"pk": "MODEL", "sk": "TRACKER", "trackingId": tracking_id})

    def interactions(self) -> Rows:
        return list(tables.interactions().scan()["Items"])

    def activity(self, class_id: str, activity: str) -> dict[str, Any]:
        key = {"classId": class_id, "activity": activity}
        return dict(tables.class_activity().get_item(Key=key).get("Item", {}))

    def everything(self) -> list[list[str]]:
        """All rows but the moment of writing, which no delivery can share with another."""
        written = [*self.interactions(), *tables.class_activity().scan()["Items"]]
        volatile = {"recordedAt", "recordedDay"}
        return sorted([f"{name}={row[name]}" for name in sorted(row.keys() - volatile)] for row in written)


def batch(events: list[Any]) -> dict[str, Any]:
    """An SQS batch; strings go as they are."""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"handle-{number}",
                "body": event if isinstance(event, str) else json.dumps(event),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:ap-southeast-1:000000000000:interaction",
                "awsRegion": "ap-southeast-1",
            }
            for number, event in enumerate(events)
        ]
    }


_numbers = itertools.count(1)


def enrolled(student: str = "sv-1", class_id: str = "toan-10", at: int = NOW, **metadata: str) -> dict[str, Any]:
    return eventbridge("api.student", "student.enrolled", {"studentId": student, "classId": class_id}, at, metadata)


def submitted(student: str = "sv-1", at: int = NOW, **fields: str) -> dict[str, Any]:
    detail = {"studentId": student, "fileUrl": "https://files.example/hw1.pdf", **fields}
    return eventbridge("api.assignment", "student.submitAssignment", detail, at, {})


def eventbridge(
    source: str, detail_type: str, detail: dict[str, Any], at: int, metadata: dict[str, str]
) -> dict[str, Any]:
    """As EventBridge delivers it, a new event each time."""
    return {
        "version": "0",
        "id": f"eb-{next(_numbers)}",
        "source": source,
        "detail-type": detail_type,
        "time": clock.iso(at),
        "detail": detail | ({"metadata": metadata} if metadata else {}),
    }
