"""What a writer may not do is refused alike, and at the same cost, whether the thing is foreign or absent."""

from collections.abc import Callable
from typing import Any

import pytest

from campus.identity import Caller
from publishing import publish_announcement, publish_enrollment, publish_submission
from tests.unit.campus import school
from tests.unit.campus.counting import aws_calls
from tests.unit.campus.school import Answer

AN, OTHER_TEACHER, TEACHER = Caller("sv-an", "student"), Caller("gv-minh", "teacher"), Caller("gv-ha", "teacher")
REFUSED = Answer(403, {"message": "you may not do this"})


@pytest.fixture(autouse=True)
def _people(_school: None) -> None:
    for student in ("sv-an", "sv-binh"):
        school.add_student(student)
    school.add_class("toan-10", "gv-ha")
    school.add_class("ly-10", "gv-minh")
    school.add_membership("toan-10", "sv-an")
    school.add_membership("ly-10", "sv-binh")


def enrol(caller: Caller, class_id: str, student_id: str) -> Answer:
    return school.call(publish_enrollment.handler, caller, {"classId": class_id}, {"studentId": student_id})


def submit(caller: Caller, class_id: str, student_id: str) -> Answer:
    body = {"studentId": student_id, "classId": class_id, "fileUrl": "https://files.example/hw1.pdf"}
    return school.call(publish_submission.handler, caller, {"assignmentId": "hw1"}, body)


def announce(caller: Caller, class_id: str, student_id: str) -> Answer:
    del student_id
    return school.call(publish_announcement.handler, caller, {"classId": class_id}, {"content": "x"})


@pytest.mark.parametrize(
    ("write", "caller", "foreign", "absent"),
    [
        (enrol, AN, ("toan-10", "sv-binh"), ("toan-10", "nobody")),
        (enrol, AN, ("ly-10", "sv-binh"), ("no-class", "sv-binh")),
        (enrol, OTHER_TEACHER, ("toan-10", "sv-an"), ("no-class", "sv-an")),
        (enrol, OTHER_TEACHER, ("toan-10", "sv-an"), ("toan-10", "nobody")),
        (submit, AN, ("ly-10", "sv-an"), ("no-class", "sv-an")),
        (submit, AN, ("toan-10", "sv-binh"), ("toan-10", "nobody")),
        (submit, TEACHER, ("toan-10", "sv-binh"), ("toan-10", "nobody")),
        (submit, OTHER_TEACHER, ("toan-10", "sv-an"), ("no-class", "sv-an")),
        (announce, AN, ("toan-10", ""), ("no-class", "")),
        (announce, OTHER_TEACHER, ("toan-10", ""), ("no-class", "")),
    ],
)
def test_foreign_and_absent_are_refused_alike_at_the_same_cost(
    write: Callable[..., Answer], caller: Caller, foreign: Any, absent: Any
) -> None:
    costs = []
    for target in (foreign, absent):
        with aws_calls() as made:
            assert write(caller, *target) == REFUSED
        costs.append(made)
    assert costs[0] == costs[1]
    assert school.outbox() == []
