"""The running stack behind proxies, the events of a scenario, and what became of them."""

import json
import re
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from boto3.dynamodb.conditions import Attr, Key

from tests.integration.faults.proxy import Proxy
from tests.stack import Stack, eventually

DOMAIN = "faults.example"
_CALM_SECONDS = 90

Entry = dict[str, str]


@dataclass
class Figures:
    """One line of the table.

    Attributes:
        events: facts that call for a mail each.
        faults: how often the scenario's fault struck.
        mails: accepted by SES.
        duplicates: mails beyond one a fact.
        lost: facts without a mail.
        interactions: rows too many or too few.
        seconds: from the first event until nothing moved any more.
    """

    scenario: str
    events: int = 0
    faults: int = 0
    mails: int = 0
    duplicates: int = 0
    lost: int = 0
    interactions: int = 0
    seconds: float = 0.0


@dataclass
class Rig:
    """The stack of the fault suite; every scenario has students and a class of its own on it."""

    stack: Stack
    proxies: Mapping[str, Proxy]
    figures: list[Figures] = field(default_factory=list)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Put events on the bus at once, past every proxy."""
        for start in range(0, len(entries), 10):
            answer = self.events.put_events(Entries=entries[start : start + 10])
            assert answer["FailedEntryCount"] == 0, answer

    @cached_property
    def sqs(self) -> Any:
        return self.stack.client("sqs")

    @cached_property
    def events(self) -> Any:
        return self.stack.client("events")

    @cached_property
    def tables(self) -> Mapping[str, Any]:
        return {name: self.stack.table(name) for name in self.stack.ready["tables"]}

    @cached_property
    def queues(self) -> dict[str, str]:
        """URLs of the stack's queues by their logical ids."""
        urls = self.sqs.list_queues(QueueNamePrefix="nightclass-")["QueueUrls"]
        return {url.rsplit("/", 1)[1].split("-")[1]: url for url in urls}

    def messages(self, queue: str) -> int:
        """Messages on a queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queues[queue], AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def dead_letters(self) -> Counter[str]:
        """Messages on each dead-letter queue."""
        return Counter({name: self.messages(name) for name in self.queues if name.endswith("DeadLetters")})

    def accepted(self) -> list[dict[str, Any]]:
        """Every mail that the local SES took."""
        with urllib.request.urlopen(f"{self.stack.endpoint}/_ministack/ses/messages", timeout=30) as answer:
            accounts = json.load(answer)["messages"]
        return [mail for mails in accounts.values() for mail in mails]

    def pending(self) -> int:
        """Events that are committed and not yet on the bus."""
        query = {"IndexName": "byState", "KeyConditionExpression": Key("state").eq("OUTBOX#PENDING")}
        return len(self.tables["operations"].query(**query)["Items"])

    def wait_until_calm(self) -> None:
        """Until the outbox and every queue are empty."""
        working = [name for name in self.queues if not name.endswith("DeadLetters")]

        def moving() -> str | None:
            busy = (f"{name}: {count}" for name in working if (count := self.messages(name)))
            return "outbox" if self.pending() else next(busy, None)

        eventually(moving, lambda found: found is None, _CALM_SECONDS, pause=0.3)

    @contextmanager
    def scenario(self, name: str, students: int) -> Iterator["Scenario"]:
        """A scenario: its block publishes and does harm; afterwards every figure must be in order."""
        scenario = Scenario(self, name, students)
        scenario.enter_people()
        dead = self.dead_letters()
        begin = time.monotonic()
        yield scenario
        self.wait_until_calm()
        figures = scenario.counted(time.monotonic() - begin)
        self.figures.append(figures)
        assert not [error for proxy in self.proxies.values() for error in proxy.errors]
        ledger = scenario.ledger()
        assert (figures.duplicates, figures.lost, figures.interactions) == (0, 0, 0), f"{figures}; ledger: {ledger}"
        assert self.dead_letters() - dead == scenario.dead_letters
        assert set(ledger) == {"SENT"}


@dataclass
class Scenario:
    """Students, their class, and the facts that a scenario publishes about them.

    Attributes:
        dead_letters: messages that are meant to end in each dead-letter queue.
        faults: how often harm was done.
    """

    rig: Rig
    name: str
    count: int
    dead_letters: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    _mails: Counter[tuple[str, str]] = field(default_factory=Counter)
    _perhaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    _interactions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.prefix = f"{re.sub('[^a-z]+', '-', self.name.lower())}-{uuid.uuid4().hex[:6]}"
        self.class_id = f"{self.prefix}-class"
        self.students = [f"{self.prefix}-{number:03}" for number in range(self.count)]

    def enter_people(self) -> None:
        """Students with an address, and a class with a teacher."""
        with self.rig.tables["students"].batch_writer() as rows:
            for student in self.students:
                rows.put_item(
                    Item={"studentId": student, "email": address(student), "locale": "vi", "status": "ACTIVE"}
                )
        with self.rig.tables["classActivity"].batch_writer() as rows:
            teacher = {"teacherId": self.teacher, "member": f"TEACHER#{self.teacher}"}
            rows.put_item(Item={"classId": self.class_id, "activity": "CLASS", "title": "Lớp thử"})
            rows.put_item(Item={"classId": self.class_id, "activity": f"TEACHER#{self.teacher}", **teacher})

    @property
    def teacher(self) -> str:
        return f"{self.prefix}-teacher"

    def enrolments(self) -> list[Entry]:
        """One event a student."""
        return [self.enrolment(student) for student in self.students]

    def enrolment(self, student: str) -> Entry:
        """A student's enrolment; each call is another event of the same fact, so of the same mail."""
        self._mails[address(student), "enrollment"] = 1
        return self._entry("api.student", "student.enrolled", {"studentId": student, "classId": self.class_id}, True)

    def submissions(self) -> list[Entry]:
        """One event a student, each a fact of its own."""
        return [self._submission(student) for student in self.students]

    def _submission(self, student: str) -> Entry:
        self._mails[address(student), "submission"] += 1
        detail = {"studentId": student, "fileUrl": "https://files.example/hw1.pdf", "classId": self.class_id}
        return self._entry("api.assignment", "student.submitAssignment", detail, True)

    def announcement(self, to: Sequence[str], perhaps_to: Sequence[str] = ()) -> Entry:
        """An announcement to those who are enrolled by then, for certain or perhaps."""
        self._mails.update((address(student), "announcement") for student in to)
        self._perhaps.update((address(student), "announcement") for student in perhaps_to)
        detail = {"teacherId": self.teacher, "content": "Mai nghỉ học.", "classId": self.class_id}
        return self._entry("api.teacher", "teacher.sendAnnouncement", detail, False)

    def enrol_over_http(self, student: str, key: str, attempts: int = 5) -> str:
        """Ask the API, again with the same Idempotency-Key where it does not answer; the event id."""
        token = self.rig.stack.token("faults-admin", "admin")
        path, body = f"/classes/{self.class_id}/enrollments", {"studentId": student}
        headers = {"Idempotency-Key": key}
        for _ in range(attempts):
            answer = self.rig.stack.call("POST", path, body, token=token, headers=headers)
            if answer.status == 202:
                event_id = str(answer.body["eventId"])
                self._mails[address(student), "enrollment"] = 1
                self._interactions.add(event_id)
                return event_id
        raise AssertionError(f"not enrolled: {answer}")

    def ledger(self) -> Counter[str]:
        """How many mails of the scenario have which status in the ledger."""
        mine = Attr("pk").begins_with("MAIL#") & Attr("studentId").begins_with(self.prefix)
        return Counter(str(row["status"]) for row in _scan(self.rig.tables["operations"], mine))

    def counted(self, seconds: float) -> Figures:
        """What SES accepted and what was recorded, against the facts."""
        mails = [mail for mail in self.rig.accepted() if mail["To"][0].startswith(self.prefix)]
        accepted = Counter((mail["To"][0], mail["Tags"]["kind"]) for mail in mails)
        rows = _scan(self.rig.tables["interactions"], Attr("userId").begins_with(self.prefix))
        recorded = Counter(str(row["interactionId"]) for row in rows)
        expected = Counter(self._interactions)
        return Figures(
            self.name,
            self._mails.total(),
            self.faults,
            accepted.total(),
            (accepted - self._mails - self._perhaps).total(),
            (self._mails - accepted).total(),
            (recorded - expected).total() + (expected - recorded).total(),
            seconds,
        )

    def _entry(self, source: str, detail_type: str, detail: Mapping[str, Any], is_interaction: bool) -> Entry:
        event_id = str(uuid.uuid4())
        if is_interaction:
            self._interactions.add(event_id)
        metadata = {"eventId": event_id, "occurredAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        bus = self.rig.stack.ready["eventBus"]
        text = json.dumps({**detail, "metadata": metadata})
        return {"EventBusName": bus, "Source": source, "DetailType": detail_type, "Detail": text}


def address(student: str) -> str:
    return f"{student}@{DOMAIN}"


def _scan(table: Any, condition: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        page = table.scan(FilterExpression=condition, **start)
        rows += page["Items"]
        if "LastEvaluatedKey" not in page:
            return rows
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
