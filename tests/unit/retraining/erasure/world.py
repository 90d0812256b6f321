"""A student who is everywhere, and a search that finds them: what tests of the erasure do and see."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import backends

from campus import tables, throttle
from campus.clients import client
from campus.pseudonyms import pseudonym
from campus.settings import settings
from retraining import lease
from tests.unit.campus import school
from tests.unit.retraining import students
from tests.unit.retraining.account import PREFIX, Account, RefusedError
from tests.unit.retraining.machine import ERASURE, Ended, Machine, definition

WHO = "sv-erased"
TICKET = "e-1"


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class Hand:
    """Stands between every boto3 client and AWS.

    The process dies at call `kill_at`, before or after AWS acts, or at the first call of operation `kill_in`.
    """

    real: Any
    calls: list[str] = field(default_factory=list)
    kill_at: int | None = None
    kill_after_acting: bool = False
    kill_in: str = ""

    def call(self, made: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        """One call."""
        number = len(self.calls)
        self.calls.append(operation)
        if operation == self.kill_in:
            self.kill_in = ""
            raise Killed
        if number == self.kill_at and not self.kill_after_acting:
            raise Killed
        try:
            return self.real(made, operation, arguments)
        finally:
            if number == self.kill_at:
                raise Killed


@dataclass
class People:
    """The user pool, which moto has only with more packages."""

    real: Any
    users: set[str] = field(default_factory=set)

    def call(self, made: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        """Stands between every boto3 client and AWS."""
        if operation == "ReceiveMessage" and not any(one.visible for one in messages(arguments["QueueUrl"])):
            return {}  # moto would wait
        if operation != "AdminDeleteUser":
            return self.real(made, operation, arguments)
        assert arguments["UserPoolId"] == settings.user_pool_id
        if arguments["Username"] not in self.users:
            raise ClientError({"Error": {"Code": "UserNotFoundException", "Message": "no such user"}}, operation)
        self.users.remove(arguments["Username"])
        return {}


@dataclass
class Personalize(Account):
    """An account whose data deletion jobs read their list when they are made, and forget whom it names."""

    people: People = field(default_factory=lambda: People(None))
    known: set[str] = field(default_factory=set)
    lists: list[str] = field(default_factory=list)

    def _CreateDataDeletionJob(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        arn = f"{PREFIX}data-deletion-job/{given['jobName']}"
        if arn in self.resources:
            raise RefusedError("ResourceAlreadyExistsException", f"{arn} exists")
        key = str(given["dataSource"]["dataLocation"]).removeprefix(f"s3://{settings.lake_bucket}/")
        # Its own client, so that it is no call of ours.
        body = boto3.resource("s3").Object(settings.lake_bucket, key).get()["Body"].read().decode()
        self.lists.append(body)
        self.resources[arn] = {**given, "dataDeletionJobArn": arn, "asked": 0}
        return {"dataDeletionJobArn": arn}

    def _DescribeDataDeletionJob(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        arn = given["dataDeletionJobArn"]
        if arn not in self.resources:
            raise RefusedError("ResourceNotFoundException", f"{arn} does not exist")
        job = self.resources[arn]
        job["asked"] += 1
        ending = next((self.endings[part] for part in self.endings if part in arn), ("COMPLETED", ""))
        if job["asked"] <= self.patience:
            status, reason = ("PENDING", "") if job["asked"] == 1 else ("IN_PROGRESS", "")
        else:
            status, reason = ending
        if status == "COMPLETED":
            self.known -= set(self.lists[-1].splitlines())
        job |= {"status": status, "failureReason": reason}
        return {"dataDeletionJob": {name: value for name, value in job.items() if name != "asked"}}


def live_everywhere(account: Personalize, who: str = WHO) -> None:
    """A term in which `who` took part, so that every store knows them."""
    students.term(people=3)
    school.add_student(who)
    school.add_membership("C1", who, score=5)
    students.put(*(students.interaction(who, number, classId="C1") for number in range(3)))
    put = tables.class_activity().put_item
    for number in range(3):
        row = {"eventType": "submitAssignment", "studentId": who, "itemId": f"item-{number}"}
        put(Item={"classId": "C1", "activity": f"ACTIVITY#{students.NOVEMBER + number:010d}#{who}-{number}", **row})
    put(Item={"classId": "C1", "activity": f"ACTIVITY#1795000000#news#{who}", "studentId": who, "eventType": "news"})
    operation = tables.operations().put_item
    operation(Item={"pk": "MAIL#1", "sk": "MAIL", "studentId": who, "status": "SENT"})
    operation(Item={"pk": "FANOUT#1", "sk": "PROGRESS", "studentId": who, "classId": "C1"})
    operation(Item={"pk": f"CACHE#{who}", "sk": "any", "items": "[]"})
    operation(Item={"pk": f"CALLER#{throttle.digest(who)}", "sk": "REQUESTS", "nextAt": 1})
    detail = {"studentId": who, "classId": "C1"}
    operation(Item={"pk": "OUTBOX#1", "sk": "EVENT", "eventId": "1", "detail": json.dumps(detail)})
    # Others' rows stay, even one that quotes the id.
    operation(Item={"pk": "MAIL#2", "sk": "MAIL", "studentId": "s1", "status": "SENT"})
    operation(Item={"pk": "OUTBOX#2", "sk": "EVENT", "detail": json.dumps({"teacherId": "t1", "content": "an sv"})})
    operation(Item={"pk": "RETRAINING", "sk": "WATERMARK", "cutOff": 1, "datasetGroup": "student-ranking"})
    s3 = client("s3")
    for key in ("training-data/users/run=1/part-00.csv", "quarantine/1/users-00.jsonl", "manifests/1.json"):
        for version in range(2):
            s3.put_object(Bucket="lake", Key=key, Body=f"{version},{pseudonym(who)}".encode())
    s3.delete_object(Bucket="lake", Key="manifests/1.json")
    account.people.users |= {who, "s1"}
    for url in settings.dead_letter_urls.split(","):
        inner = json.dumps({"detail": detail})
        for body in (inner, json.dumps({"event": inner}), json.dumps({"studentId": "s1"})):
            client("sqs").send_message(QueueUrl=url, MessageBody=body)
    account.known |= {pseudonym(who), pseudonym("s1")}
    account.resources[f"{PREFIX}dataset-group/student-ranking"] = {"asked": 9, "status": "ACTIVE"}


@dataclass
class World:
    """Everything as it stands at a moment, to be put back: quicker than to write it anew."""

    tables: dict[str, Any]
    lake: Any
    letters: dict[str, list[Any]]
    people: set[str]
    known: set[str]
    resources: dict[str, Any]

    @classmethod
    def of(cls, account: Personalize) -> Self:
        """As it stands now."""
        urls = settings.dead_letter_urls.split(",")
        return copy.deepcopy(
            cls(
                {name: table.items for name, table in _backend("dynamodb").tables.items()},
                _backend("s3").buckets["lake"].keys,
                {url: messages(url) for url in urls},
                account.people.users,
                account.known,
                account.resources,
            )
        )

    def restore(self, account: Personalize) -> None:
        """As it stood then."""
        then = copy.deepcopy(self)
        for name, table in _backend("dynamodb").tables.items():
            table.items = then.tables[name]
        _backend("s3").buckets["lake"].keys = then.lake
        for url, letters in then.letters.items():
            messages(url)[:] = letters
        account.people.users, account.known, account.resources = then.people, then.known, then.resources
        account.lists.clear()


def ask(who: str = WHO, ticket: str = TICKET) -> None:
    """Put a ticket, as an operator does."""
    row: dict[str, Any] = {"state": "ERASURE", "since": 5, "studentId": who, "status": "REQUESTED", "requestedAt": 5}
    tables.operations().put_item(Item={"pk": f"ERASURE#{ticket}", "sk": "TICKET", **row})


def stores(account: Personalize) -> Iterator[tuple[str, list[str]]]:
    """Name and texts of every store that lives."""
    for table in (tables.students(), tables.interactions(), tables.class_activity(), tables.operations()):
        yield table.name, [json.dumps(row, default=str, sort_keys=True) for row in school.rows(table)]
    versions = boto3.resource("s3").Bucket("lake").object_versions.all()
    yield "lake", [f"{one.object_key} {_body(one)}" for one in versions]
    yield "accounts", sorted(account.people.users)
    yield "dead letters", [letter for url in settings.dead_letter_urls.split(",") for letter in _letters(url)]
    yield "personalize", sorted(account.known)


def found(account: Personalize, who: str = WHO) -> dict[str, int]:
    """How many texts of each store name the student, by id, pseudonym or hash."""
    needles = (who, pseudonym(who), throttle.digest(who))
    return {store: sum(any(needle in text for needle in needles) for text in texts) for store, texts in stores(account)}


def _body(version: Any) -> str:
    # A delete marker has no size.
    return version.get()["Body"].read().decode() if version.size is not None else ""


def _letters(url: str) -> list[str]:
    return [message.body for message in messages(url)]


def messages(url: str) -> list[Any]:
    """All of a queue, seen and hidden, as moto keeps it."""
    kept: list[Any] = _backend("sqs").queues[url.rpartition("/")[2]]._messages
    return kept


def _backend(service: str) -> Any:
    get_backend: Any = backends.get_backend
    return get_backend(service)["123456789012"]["aws" if service == "s3" else "ap-southeast-1"]


def run(machine: Machine, ticket: str = TICKET) -> Ended:
    return machine.run({"ticket": ticket})


def everything(account: Personalize) -> dict[str, Any]:
    """What is left of everybody, without moments, and without the counts that a crash may shorten."""
    volatile = {"begunAt", "finishedAt", "remains", "executionArn", "erased", "since", "expiresAt", "fencingToken"}
    volatile |= {"acquiredAt", "recordedAt", "voidedAt", "erasedAt"}
    kept = dict(stores(account))
    for table in ("StudentsTable", "InteractionsTable", "ClassActivityTable", "OperationsTable"):
        rows = [{name: value for name, value in json.loads(row).items() if name not in volatile} for row in kept[table]]
        kept[table] = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return kept


def shortened() -> dict[str, Any]:
    text = json.dumps(definition(ERASURE)).replace("polls >= 400", "polls >= 6").replace("polls >= 44", "polls >= 3")
    shorter: dict[str, Any] = json.loads(text)
    return shorter


def show_letters() -> None:
    for url in settings.dead_letter_urls.split(","):
        for letter in messages(url):
            letter.visible_at = 0


def lease_row() -> dict[str, Any]:
    return tables.operations().get_item(Key=lease.KEY).get("Item", {})
