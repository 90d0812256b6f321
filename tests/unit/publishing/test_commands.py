"""Submissions, announcements and ranking updates."""

import json
from typing import Any

import pytest

from campus import clock, validation
from campus.identity import Caller, ForbiddenError
from publishing import publish_announcement, publish_submission, request_ranking_update, roster
from tests.unit.campus import school
from tests.unit.campus.school import Answer

AN = Caller("sv-an", "student")
ADMIN = Caller("root", "admin")
TEACHER = Caller("gv-ha", "teacher")
OTHER_TEACHER = Caller("gv-minh", "teacher")
FILE = "https://files.example/hw1.pdf"
SUBMISSION = {"studentId": "sv-an", "classId": "toan-10", "fileUrl": FILE}


@pytest.fixture(autouse=True)
def _people(_school: None) -> None:
    for student in ("sv-an", "sv-binh"):
        school.add_student(student)
    school.add_class("toan-10", "gv-ha")
    school.add_class("ly-10", "gv-minh")
    school.add_item("toan-10", "hw1", "assignment", 0)
    school.add_item("toan-10", "notes", "document", 0)
    school.add_membership("toan-10", "sv-an")
    school.add_membership("toan-10", "sv-cuong", enrolled=False)


def submit(caller: Caller, assignment_id: str = "hw1", key: str | None = None, **changed: object) -> Answer:
    headers = {"idempotency-key": key} if key else {}
    body = SUBMISSION | changed
    return school.call(publish_submission.handler, caller, {"assignmentId": assignment_id}, body, headers=headers)


def announce(caller: Caller, class_id: str, content: object, key: str | None = None) -> Answer:
    headers = {"idempotency-key": key} if key else {}
    path = {"classId": class_id}
    return school.call(publish_announcement.handler, caller, path, {"content": content}, headers=headers)


def test_a_submission_is_published_with_its_assignment() -> None:
    answer = submit(AN)

    (event,) = school.outbox()
    assert answer == Answer(202, {"eventId": event["eventId"]})
    metadata = event["detail"].pop("metadata")
    assert event["detail"] == {**SUBMISSION, "assignmentId": "hw1"}
    assert (event["source"], event["detailType"]) == ("api.assignment", "student.submitAssignment")
    assert clock.now() - 60 < clock.epoch(metadata["occurredAt"]) <= clock.now()


def test_two_submissions_are_two_events_unless_they_share_a_key() -> None:
    first, second = submit(AN, key="a"), submit(AN, key="b")

    assert submit(AN, key="a") == first != second
    assert submit(AN, fileUrl="https://files.example/other.pdf", key="a") == first
    assert submit(AN).body["eventId"] not in (first.body["eventId"], second.body["eventId"])
    assert len(school.outbox()) == 3


@pytest.mark.parametrize(
    ("caller", "assignment_id", "changed", "status"),
    [
        (ADMIN, "hw1", {}, 202),
        (TEACHER, "hw1", {}, 202),
        (AN, "set-by-the-teacher-yesterday", {}, 202),
        (OTHER_TEACHER, "hw1", {}, 403),
        (Caller("sv-binh", "student"), "hw1", {}, 403),
        (Caller("sv-binh", "student"), "hw1", {"studentId": "sv-binh"}, 403),
        (Caller("sv-cuong", "student"), "hw1", {"studentId": "sv-cuong"}, 403),
        (ADMIN, "hw1", {"studentId": "sv-binh"}, 403),
        (ADMIN, "hw1", {"studentId": "nobody"}, 404),
        (ADMIN, "hw1", {"classId": "no-class"}, 404),
        (TEACHER, "hw1", {"studentId": "nobody"}, 403),
        (AN, "hw1", {"classId": "no-class"}, 403),
        (AN, "notes", {}, 404),
        (AN, "hw1", {"fileUrl": "hw1.pdf"}, 400),
        (AN, "hw1", {"fileUrl": "javascript:alert(1)"}, 400),
        (AN, "hw1", {"fileUrl": "https://f/" + "a" * 3000}, 400),
        (AN, "hw1", {"classId": None}, 400),
        (AN, "hw#1", {}, 400),
    ],
)
def test_who_may_hand_in_what(caller: Caller, assignment_id: str, changed: dict[str, Any], status: int) -> None:
    assert submit(caller, assignment_id, **changed).status == status
    assert len(school.outbox()) == (1 if status == 202 else 0)


def test_knowing_a_class_by_activity_is_not_being_enrolled() -> None:
    school.add_student("sv-cuong")

    assert submit(Caller("sv-cuong", "student"), studentId="sv-cuong").status == 403


def test_an_announcement_carries_its_text_unchanged() -> None:
    content = "Ngày mai nghỉ học.\n<b>Bài tập</b> 👩‍🏫 nộp thứ Hai."

    assert announce(TEACHER, "toan-10", content).status == 202
    (event,) = school.outbox()
    assert event["detail"]["content"] == content
    assert (event["detail"]["teacherId"], event["detail"]["classId"]) == ("gv-ha", "toan-10")


@pytest.mark.parametrize(
    ("caller", "class_id", "content", "status"),
    [
        (ADMIN, "toan-10", "x", 202),
        (OTHER_TEACHER, "toan-10", "x", 403),
        (AN, "toan-10", "x", 403),
        (Caller("gv-ha", "student"), "toan-10", "x", 403),
        (AN, "no-class", "x", 403),
        (TEACHER, "no-class", "x", 403),
        (ADMIN, "no-class", "x", 404),
        (TEACHER, "toan-10", " \n", 400),
        (TEACHER, "toan-10", {"text": "x"}, 400),
        (TEACHER, "toan-10", "\ud800", 400),
        (TEACHER, "toan-10", "x" * (validation.MAX_CONTENT + 1), 400),
    ],
)
def test_who_may_announce(caller: Caller, class_id: str, content: object, status: int) -> None:
    assert announce(caller, class_id, content).status == status
    assert len(school.outbox()) == (1 if status == 202 else 0)


def test_the_longest_announcement_fits_the_bus() -> None:
    assert announce(TEACHER, "toan-10", "🎓" * validation.MAX_CONTENT).status == 202
    (event,) = school.outbox()
    assert len(json.dumps(event["detail"], ensure_ascii=False).encode()) < 64 * 1024


@pytest.mark.parametrize(
    ("caller", "body", "status"),
    [
        (ADMIN, {"trigger": "new-term"}, 202),
        (TEACHER, {"trigger": "new-term"}, 202),
        (AN, {"trigger": "new-term"}, 403),
        (ADMIN, {}, 400),
        (ADMIN, {"trigger": "x" * 65}, 400),
        (ADMIN, ["trigger"], 400),
    ],
)
def test_who_may_ask_for_a_retraining(caller: Caller, body: object, status: int) -> None:
    answer = school.call(request_ranking_update.handler, caller, body=body)

    assert answer.status == status
    assert [event["detail"]["trigger"] for event in school.outbox()] == (["new-term"] if status == 202 else [])


def test_who_is_no_longer_in_the_teachers_group_teaches_nobody() -> None:
    roster.require_teacher(TEACHER, "toan-10")

    with pytest.raises(ForbiddenError):
        roster.require_teacher(Caller("gv-ha", "student"), "toan-10")


@pytest.mark.parametrize("name", ["office/hanoi", "văn-phòng", "_admin", "o'brien"])
def test_a_name_that_no_consumer_takes_as_an_id_announces_nothing(name: str) -> None:
    """Cognito knows such names, and the announcement would be accepted and told to nobody."""
    school.add_class("C1")
    caller = Caller(name, "admin")
    answer = school.call(publish_announcement.handler, caller, {"classId": "C1"}, {"content": "Mai nghỉ học."})
    assert answer.status == 400
    assert not school.outbox()
