"""A school in moto's DynamoDB and SQS, an SES that loses answers on request, and a clock that waits for nobody."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from campus import clock, tables
from notifications import ledger, send_email

NOW = 1_795_000_000
GRACE = 86_400
# SES's words (developer guide, "Errors related to the sending quotas" and "Amazon SES email sending errors").
DAY_IS_SPENT = "Daily message quota exceeded."
UNVERIFIED = "Email address is not verified. The following identities failed the check in region AP-SOUTHEAST-1: "
TABLES = {
    "Students": (("studentId",), {}),
    "ClassActivity": (("classId", "activity"), {"byMember": ("member", "classId")}),
    "Operations": (("pk", "sk"), {}),
}


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class School:
    """What tests do to the handlers, and what they see of it.

    `kill_at` is the number of the AWS call at which the worker dies, before or after the service acts.
    """

    now: int = NOW
    calls: list[str] = field(default_factory=list)
    kill_at: int | None = None
    kill_after_acting: bool = False
    ses: list[Callable[[], None]] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    queued_anew: list[str] = field(default_factory=list)
    quota: dict[str, float] = field(
        default_factory=lambda: {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0, "SentLast24Hours": 0.0}
    )
    slept: float = 0
    _real: Any = None

    def call(self, client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        """Stands between every boto3 client and its service."""
        # DynamoDB refuses them, moto does not.
        assert not [name for name in arguments if name.startswith("ExpressionAttribute") and not arguments[name]]
        number = len(self.calls)
        self.calls.append(operation)
        if number == self.kill_at and not self.kill_after_acting:
            raise Killed
        try:
            return self._act(client, operation, arguments)
        finally:
            if number == self.kill_at:
                raise Killed

    def _act(self, client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        match operation:
            case "SendEmail":
                misfortune = self.ses.pop(0) if self.ses else None
                if misfortune and misfortune is not lost_answer:
                    misfortune()
                self.accepted.append(arguments)
                if misfortune:
                    misfortune()
                return {"MessageId": f"message-{len(self.accepted)}"}
            case "ChangeMessageVisibility":
                self.hidden.append(arguments["VisibilityTimeout"])
                return {}
            case "SendMessage":
                self.queued_anew.append(arguments["MessageBody"])
                return {"MessageId": f"anew-{len(self.queued_anew)}"}
            case "GetAccount":
                return {"SendQuota": dict(self.quota)}
            case "GetSecretValue":
                return {"SecretString": "a key for tests"}
            case _:
                return self._real(client, operation, arguments)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def milliseconds(self) -> int:
        return int((self.now + self.slept) * 1000)

    def student(self, student_id: str = "sv-1", **columns: str) -> None:
        row = {"email": f"{student_id}@example.edu", "displayName": "Nguyễn Thị Ánh", "locale": "vi", **columns}
        tables.students().put_item(Item={"studentId": student_id, **row})

    def enroll(self, class_id: str, *student_ids: str) -> None:
        with tables.class_activity().batch_writer() as batch:
            for student in student_ids:
                member = f"STUDENT#{student}"
                row = {"classId": class_id, "activity": member, "member": member, "studentId": student}
                batch.put_item(Item={**row, "enrolledAt": "2026-09-01T00:00:00Z"})

    def deliver(self, event: object, *, receipts: int = 1) -> int:
        """Hand one message to `send_email`; how many messages stay on the queue."""
        return len(self.send_batch([event], receipts=receipts))

    def send_batch(
        self, events: list[Any], *, receipts: int = 1, milliseconds: int | Callable[[], int] = 30_000
    ) -> list[str]:
        answer = send_email.handler(batch(events, receipts), Context(milliseconds))  # type: ignore[arg-type]
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    def ledger(self) -> list[dict[str, Any]]:
        return [row for row in tables.operations().scan()["Items"] if row["sk"] == "MAIL"]

    def slot(self) -> dict[str, Any]:
        return tables.operations().get_item(Key={"pk": "PACE", "sk": "SES"}).get("Item", {})

    def ses_reports_what_it_sent(self) -> None:
        """SES's Send events, which carry the ledger id as a tag, have come in."""
        for number, mail in enumerate(self.accepted, 1):
            tags = {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]}
            ledger.sent(tags["ledger-id"], f"message-{number}")


@dataclass(frozen=True)
class Context:
    """What Lambda hands over beside the event."""

    milliseconds: int | Callable[[], int] = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds if isinstance(self.milliseconds, int) else self.milliseconds()


def batch(events: list[Any], receipts: int = 1) -> dict[str, Any]:
    """An SQS batch; strings go as they are."""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"handle-{number}",
                "body": event if isinstance(event, str) else json.dumps(event),
                "attributes": {"ApproximateReceiveCount": str(receipts)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:ap-southeast-1:000000000000:mail",
                "awsRegion": "ap-southeast-1",
            }
            for number, event in enumerate(events)
        ]
    }


def lost_answer() -> None:
    """SES took the mail; nobody hears of it."""
    raise ReadTimeoutError(endpoint_url="https://email.ap-southeast-1.amazonaws.com")


def refusal(code: str, status: int = 400, message: str = "no") -> Callable[[], None]:
    """SES answers with an error and takes nothing."""

    def refuse() -> None:
        answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "SendEmail")

    return refuse


_numbers = itertools.count(1)


def enrolled(student: str = "sv-1", class_id: str = "toan-10", **metadata: str) -> dict[str, Any]:
    """`student.enrolled` as EventBridge delivers it, a new event each time unless `eventId` says otherwise."""
    detail = {"studentId": student, "classId": class_id}
    return eventbridge("api.student", "student.enrolled", detail, metadata)


def submitted(student: str = "sv-1", **metadata: str) -> dict[str, Any]:
    detail = {"studentId": student, "fileUrl": "https://files.example/b%C3%A0i-1.pdf?sig=secret"}
    return eventbridge("api.assignment", "student.submitAssignment", detail, metadata)


def announced(teacher: str = "gv-1", content: str = "Mai nghỉ học", **fields: str) -> dict[str, Any]:
    return eventbridge("api.teacher", "teacher.sendAnnouncement", {"teacherId": teacher, "content": content, **fields})


def to_one(event: dict[str, Any], student: str = "sv-1", class_id: str = "toan-10") -> dict[str, Any]:
    return {**event, "recipient": {"studentId": student, "classId": class_id}}


def eventbridge(
    source: str, detail_type: str, detail: dict[str, Any], metadata: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": f"eb-{next(_numbers)}",
        "source": source,
        "detail-type": detail_type,
        "time": clock.iso(NOW),
        "detail": detail | ({"metadata": metadata} if metadata else {}),
    }
