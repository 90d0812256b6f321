"""A school in memory: the stack's tables and bus (moto), and people who call the handlers."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from campus import clients, pseudonyms, tables
from campus.identity import Caller

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "PSEUDONYM_KEY_ARN": "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:pseudonyms",
    "STUDENTS_TABLE": "StudentsTable",
    "INTERACTIONS_TABLE": "InteractionsTable",
    "CLASS_ACTIVITY_TABLE": "ClassActivityTable",
    "OPERATIONS_TABLE": "OperationsTable",
    "EVENT_BUS": "student-event-bus",
    "DATASET_GROUP": "student-ranking",
    "PERSONALIZE_ARN_PREFIX": "arn:aws:personalize:ap-southeast-1:000000000000:",
    "ENABLE_RERANKING": "true",
    "HALF_LIFE_DAYS": "14",
    "REQUESTS_PER_SECOND": "1000000",
    "REQUEST_BURST": "1000000",
    "POWERTOOLS_SERVICE_NAME": "nightclass",
    "POWERTOOLS_METRICS_NAMESPACE": "Nightclass",
    "AWS_DEFAULT_REGION": "ap-southeast-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
CREATE_TABLE = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")

TABLES = ("StudentsTable", "InteractionsTable", "ClassActivityTable", "OperationsTable")

Handler = Callable[[Mapping[str, Any], object], Mapping[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What a handler answered: status and parsed body."""

    status: int
    body: Any


@dataclass(frozen=True)
class Context:
    """What Lambda hands over beside the event."""

    milliseconds: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


CONTEXT: Any = Context()


@cache
def template() -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


def forget_clients() -> None:
    """Clients are made once a process; each module has a cloud of its own."""
    clients.forget()


@contextmanager
def in_memory() -> Iterator[None]:
    """Empty tables as template.yaml declares them, the bus, the pseudonym key, and the functions' environment."""
    with mock.patch.dict("os.environ", ENVIRONMENT), mock_aws():
        forget_clients()
        dynamodb = boto3.client("dynamodb")
        for name in TABLES:
            properties = template()["Resources"][name]["Properties"]
            dynamodb.create_table(TableName=name, **{key: properties[key] for key in CREATE_TABLE if key in properties})
        boto3.client("events").create_event_bus(Name="student-event-bus")
        with mock.patch.object(pseudonyms, "key", return_value=b"secret"):
            yield
        forget_clients()


def empty() -> None:
    """Remove every row."""
    for name in TABLES:
        table = clients.dynamodb().Table(name)
        keys = [part["AttributeName"] for part in table.key_schema]
        with table.batch_writer() as batch:
            for row in rows(table):
                batch.delete_item({key: row[key] for key in keys})


def call(
    handler: Handler,
    caller: Caller,
    path: Mapping[str, str] | None = None,
    body: object = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Call a handler as the HTTP API does (payload 2.0)."""
    claims = {"token_use": "access", "username": caller.user_id, "cognito:groups": f"[{caller.role}]"}
    event = {
        "version": "2.0",
        "headers": dict(headers or {}),
        "pathParameters": dict(path or {}),
        "requestContext": {"requestId": "Z_K1-jVYSQ0EJ3Q=", "authorizer": {"jwt": {"claims": claims}}},
    }
    if query:
        event["queryStringParameters"] = dict(query)
    if body is not None:
        event["body"] = json.dumps(body, ensure_ascii=False)
    answer = handler(event, None)
    return Answer(answer["statusCode"], json.loads(answer["body"]))


def rows(table: Any) -> list[dict[str, Any]]:
    """Everything in a table."""
    found: list[dict[str, Any]] = table.scan()["Items"]
    return found


def outbox() -> list[dict[str, Any]]:
    """Outbox items, each with its detail parsed."""
    items = [row for row in rows(tables.operations()) if row["pk"].startswith("OUTBOX#")]
    return [{**item, "detail": json.loads(item["detail"])} for item in items]


def add_student(student_id: str) -> None:
    tables.students().put_item(Item={"studentId": student_id, "email": f"{student_id}@example.edu", "locale": "vi"})


def add_class(class_id: str, *teachers: str) -> None:
    put = tables.class_activity().put_item
    put(Item={"classId": class_id, "activity": "CLASS", "title": class_id})
    add_item(class_id, class_id, "course", 0)
    for teacher in teachers:
        member = f"TEACHER#{teacher}"
        put(Item={"classId": class_id, "activity": member, "teacherId": teacher, "member": member})


def add_item(class_id: str, item_id: str, kind: str, uses: int, *, is_listed: bool = True) -> None:
    member = f"ITEM#{item_id}"
    item: dict[str, Any] = {"itemId": item_id, "type": kind, "member": member, "board": f"items#{kind}", "score": uses}
    item |= {"title": item_id} if is_listed else {}
    tables.class_activity().put_item(Item={"classId": class_id, "activity": member, **item})


def add_membership(class_id: str, student_id: str, *, score: float = 0, enrolled: bool = True) -> None:
    member = f"STUDENT#{student_id}"
    row: dict[str, Any] = {"studentId": student_id, "member": member, "score": tables.number(score)}
    row |= {"classId": class_id, "activity": member, "board": f"{class_id}#students"}
    if enrolled:
        row |= {"enrolledAt": "2026-09-01T00:00:00Z", "enrollmentEventId": f"first-{student_id}"}
    tables.class_activity().put_item(Item=row)


def fixture(name: str) -> dict[str, Any]:
    """`events/<name>.json`."""
    parsed: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return parsed
