"""The events of a scenario, and what became of them."""

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key

if TYPE_CHECKING:
    from tests.integration.faults.rig import Rig

DOMAIN = "faults.example"

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
        interactions: rows too many or too few, and events too many or too few in the engagement scores.
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
class Scenario:
    """Students, their class, and the facts that a scenario publishes about them.

    Attributes:
        dead_letters: messages that are meant to end in each dead-letter queue.
        faults: how often harm was done.
        statuses: in which the ledger's rows are meant to end.
    """

    rig: "Rig"
    name: str
    count: int
    dead_letters: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    statuses: set[str] = field(default_factory=lambda: {"SENT"})
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

    def enter_members(self) -> None:
        """All students are enrolled, long ago."""
        with self.rig.tables["classActivity"].batch_writer() as rows:
            for student in self.students:
                member = {"studentId": student, "member": f"STUDENT#{student}", "enrolledAt": "2026-09-01T00:00:00Z"}
                rows.put_item(Item={"classId": self.class_id, "activity": f"STUDENT#{student}", **member})

    def expect_no_mail(self, student: str) -> None:
        """What was published of this student is told to nobody."""
        for told in [told for told in self._mails if told[0] == address(student)]:
            del self._mails[told]

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
        return [self.submission(student) for student in self.students]

    def submission(self, student: str) -> Entry:
        """A file handed in; each call is a fact of its own."""
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
        return Counter(str(row["status"]) for row in self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """The ledger's rows of the scenario's mails."""
        mine = Attr("pk").begins_with("MAIL#") & Attr("studentId").begins_with(self.prefix)
        return _scan(self.rig.tables["operations"], mine)

    def mails(self) -> list[dict[str, Any]]:
        """What SES accepted of the scenario."""
        return [mail for mail in self.rig.accepted() if mail["To"][0].startswith(self.prefix)]

    def counted(self, seconds: float) -> Figures:
        """What SES accepted and what was recorded, against the facts."""
        accepted = Counter((mail["To"][0], mail["Tags"]["kind"]) for mail in self.mails())
        rows = _scan(self.rig.tables["interactions"], Attr("userId").begins_with(self.prefix))
        recorded = Counter(str(row["interactionId"]) for row in rows)
        expected = Counter(self._interactions)
        member = Key("classId").eq(self.class_id) & Key("activity").begins_with("STUDENT#")
        members = self.rig.tables["classActivity"].query(KeyConditionExpression=member)["Items"]
        scored = sum(int(row.get("events", 0)) for row in members)
        return Figures(
            self.name,
            self._mails.total(),
            self.faults,
            accepted.total(),
            (accepted - self._mails - self._perhaps).total(),
            (self._mails - accepted).total(),
            (recorded - expected).total() + (expected - recorded).total() + abs(scored - expected.total()),
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
