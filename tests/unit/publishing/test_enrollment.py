"""POST /classes/{classId}/enrollments."""

from typing import Any

import pytest

from campus import tables
from campus.identity import Caller
from publishing.publish_enrollment import handler
from tests.unit.campus import school
from tests.unit.campus.school import Answer

AN = Caller("sv-an", "student")
ADMIN = Caller("root", "admin")
TEACHER = Caller("gv-ha", "teacher")


@pytest.fixture(autouse=True)
def _people(_school: None) -> None:
    for student in ("sv-an", "sv-binh"):
        school.add_student(student)
    school.add_class("toan-10", "gv-ha")
    school.add_class("ly-10", "gv-minh")


def enrol(caller: Caller, class_id: str, student_id: object, key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return school.call(handler, caller, {"classId": class_id}, {"studentId": student_id}, headers=headers)


def membership(class_id: str, student_id: str) -> dict[str, Any]:
    key = {"classId": class_id, "activity": f"STUDENT#{student_id}"}
    found: dict[str, Any] = tables.class_activity().get_item(Key=key).get("Item", {})
    return found


def test_an_enrolment_writes_membership_and_event_together() -> None:
    answer = enrol(AN, "toan-10", "sv-an")

    assert answer.status == 202
    event_id = answer.body["eventId"]
    (event,) = school.outbox()
    assert (event["source"], event["detailType"]) == ("api.student", "student.enrolled")
    assert (event["detail"]["studentId"], event["detail"]["classId"]) == ("sv-an", "toan-10")
    assert event["detail"]["metadata"]["eventId"] == event_id
    assert event["state"] == "OUTBOX#PENDING"
    row = membership("toan-10", "sv-an")
    assert row["enrollmentEventId"] == event_id
    assert (row["member"], row["board"], row["score"]) == ("STUDENT#sv-an", "toan-10#students", 0)
    assert row["enrolledAt"] == event["detail"]["metadata"]["occurredAt"]


@pytest.mark.parametrize("key", [None, "another-key"])
def test_a_repeated_enrolment_answers_the_first_event_and_publishes_nothing(key: str | None) -> None:
    first = enrol(AN, "toan-10", "sv-an", key="a-key")
    before = membership("toan-10", "sv-an")

    assert enrol(ADMIN, "toan-10", "sv-an", key) == first
    assert len(school.outbox()) == 1
    assert membership("toan-10", "sv-an") == before


def test_a_repeated_key_answers_the_first_event() -> None:
    first = enrol(AN, "toan-10", "sv-an", key="once")

    assert enrol(AN, "toan-10", "sv-an", key="once") == first
    assert len(school.outbox()) == 1


def test_a_key_counts_per_caller_and_class() -> None:
    answers = [
        enrol(AN, "toan-10", "sv-an", key="k"),
        enrol(AN, "ly-10", "sv-an", key="k"),
        enrol(ADMIN, "toan-10", "sv-binh", key="k"),
    ]

    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["eventId"] for answer in answers}) == len(school.outbox()) == 3


def test_engagement_before_enrolment_keeps_its_score() -> None:
    school.add_membership("toan-10", "sv-an", score=1471.25, enrolled=False)

    assert enrol(AN, "toan-10", "sv-an").status == 202
    assert float(str(membership("toan-10", "sv-an")["score"])) == 1471.25
    assert "enrolledAt" in membership("toan-10", "sv-an")


@pytest.mark.parametrize(
    ("caller", "class_id", "student_id", "status"),
    [
        (ADMIN, "toan-10", "sv-an", 202),
        # Whoever enrols a student in a class of theirs may read them afterwards.
        (TEACHER, "toan-10", "sv-an", 403),
        (TEACHER, "toan-10", "nobody", 403),
        (TEACHER, "no-class", "sv-an", 403),
        (Caller("gv-ha", "student"), "toan-10", "sv-an", 403),
        (AN, "toan-10", "sv-binh", 403),
        (AN, "toan-10", "nobody", 403),
        (AN, "no-class", "sv-binh", 403),
        (AN, "no-class", "sv-an", 404),
        (ADMIN, "no-class", "sv-an", 404),
        (ADMIN, "toan-10", "nobody", 404),
        (Caller("nobody", "student"), "toan-10", "nobody", 404),
        (ADMIN, "toan-10", None, 400),
        (ADMIN, "toan-10", "sv#an", 400),
        (ADMIN, "toan-10", ["sv-an"], 400),
        (ADMIN, "toan 10", "sv-an", 400),
    ],
)
def test_who_may_enrol_whom(caller: Caller, class_id: str, student_id: object, status: int) -> None:
    answer = enrol(caller, class_id, student_id)

    assert answer.status == status
    published = 1 if status == 202 else 0
    assert len(school.outbox()) == published
    members = [row for row in school.rows(tables.class_activity()) if row["activity"].startswith("STUDENT#")]
    assert len(members) == published


def test_messages_name_what_is_wrong() -> None:
    assert enrol(ADMIN, "no-class", "sv-an").body == {"message": "class no-class does not exist"}
    assert enrol(ADMIN, "toan-10", "nobody").body == {"message": "student nobody does not exist"}
    assert enrol(ADMIN, "toan-10", 7).body["message"].startswith("studentId is required")
    assert enrol(ADMIN, "toan-10", "sv-an", key=" ").body["message"].startswith("idempotency-key")
