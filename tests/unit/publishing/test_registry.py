"""PUT /students/{studentId} and PUT /classes/{classId}."""

from typing import Any

import pytest

from campus import tables, tombstones
from campus.identity import Caller
from publishing import put_class, put_student
from tests.unit.campus import school
from tests.unit.campus.school import Answer

ADMIN = Caller("root", "admin")
EMAIL = "an.nguyen+1@khoa-cntt.example.edu.vn"


def student(body: object, caller: Caller = ADMIN, student_id: str = "sv-an") -> Answer:
    return school.call(put_student.handler, caller, {"studentId": student_id}, body)


def klass(body: object, caller: Caller = ADMIN, class_id: str = "toan-10") -> Answer:
    return school.call(put_class.handler, caller, {"classId": class_id}, body)


def stored(activity: str) -> dict[str, Any]:
    key = {"classId": "toan-10", "activity": activity}
    found: dict[str, Any] = tables.class_activity().get_item(Key=key).get("Item", {})
    return found


def test_a_student_is_stored_and_answered() -> None:
    answer = student({"email": EMAIL, "displayName": "Nguyễn Thị Ánh", "locale": "en"})

    expected = {"studentId": "sv-an", "email": EMAIL, "displayName": "Nguyễn Thị Ánh", "locale": "en"}
    assert answer == Answer(200, expected | {"status": "ACTIVE"})
    (row,) = school.rows(tables.students())
    assert expected.items() <= row.items()


def test_a_student_reads_vietnamese_unless_said_otherwise() -> None:
    assert student({"email": EMAIL}).body["locale"] == "vi"


def test_what_a_repeated_put_does_not_say_stays() -> None:
    student({"email": EMAIL, "displayName": "Ánh", "locale": "en"})
    (before,) = school.rows(tables.students())
    students = tables.students()
    students.update_item(
        Key={"studentId": "sv-an"},
        UpdateExpression="SET unsubscribed = :topics",
        ExpressionAttributeValues={":topics": {"announcements"}},
    )

    answer = student({"email": "new@example.edu"})

    assert (answer.body["displayName"], answer.body["locale"]) == ("Ánh", "en")
    (after,) = school.rows(students)
    assert after == before | {"email": "new@example.edu", "unsubscribed": {"announcements"}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": None},
        {"email": "no-at.example.edu"},
        {"email": "a@b"},
        {"email": "a@example.edu\nBcc: x@evil.example"},
        {"email": "a@example.edu\n"},
        {"email": "ánh@example.edu"},
        {"email": "a@exämple.edu"},
        {"email": f"{'a' * 65}@example.edu"},
        {"email": "a..b@example.edu"},
        {"email": "a@example.edu,b@example.edu"},
        {"email": "a@example.edu b@example.edu"},
        {"email": "An <a@example.edu>"},
        {"email": EMAIL, "displayName": ""},
        {"email": EMAIL, "displayName": "An\r\nBcc: x"},
        {"email": EMAIL, "displayName": "x" * 201},
        {"email": EMAIL, "locale": "fr"},
        {"email": EMAIL, "locale": ["vi"]},
        ["email"],
    ],
)
def test_a_malformed_student_is_refused_and_not_stored(body: object) -> None:
    answer = student(body)

    assert answer.status == 400
    assert answer.body["message"]
    assert school.rows(tables.students()) == []


@pytest.mark.parametrize("caller", [Caller("sv-an", "student"), Caller("gv-ha", "teacher")])
def test_only_admins_manage_people_and_classes(caller: Caller) -> None:
    assert student({"email": EMAIL}, caller).status == 403
    assert klass({"title": "Toán"}, caller).status == 403
    assert school.rows(tables.students()) == school.rows(tables.class_activity()) == []


def test_a_class_is_stored_with_its_people_materials_and_its_own_course() -> None:
    material = {"itemId": "hw1", "type": "assignment", "title": "Bài tập 1"}

    answer = klass({"title": "Toán 10", "teachers": ["gv-ha", "gv-an"], "materials": [material]})

    expected = {"classId": "toan-10", "title": "Toán 10", "teachers": ["gv-an", "gv-ha"], "materials": [material]}
    assert answer == Answer(200, expected)
    assert stored("CLASS")["title"] == "Toán 10"
    assert stored("TEACHER#gv-ha")["member"] == "TEACHER#gv-ha"
    course = stored("ITEM#toan-10")
    assert (course["type"], course["board"], course["member"]) == ("course", "items#course", "ITEM#toan-10")
    assert stored("ITEM#hw1")["score"] == 0
    assert stored("ITEM#hw1")["board"] == "items#assignment"


def test_a_repeated_put_destroys_no_enrolment_score_or_material() -> None:
    klass({"title": "Toán", "teachers": ["gv-ha"], "materials": [{"itemId": "doc", "type": "document"}]})
    school.add_membership("toan-10", "sv-an", score=1471.5)
    tables.class_activity().update_item(
        Key={"classId": "toan-10", "activity": "ITEM#doc"},
        UpdateExpression="SET score = :uses",
        ExpressionAttributeValues={":uses": 12},
    )
    before = {row["activity"]: row for row in school.rows(tables.class_activity())}

    answer = klass({"title": "Toán nâng cao", "materials": [{"itemId": "doc", "type": "quiz", "title": "Câu hỏi"}]})

    after = {row["activity"]: row for row in school.rows(tables.class_activity())}
    assert after["STUDENT#sv-an"] == before["STUDENT#sv-an"]
    assert after["ITEM#doc"] == before["ITEM#doc"] | {"type": "quiz", "board": "items#quiz", "title": "Câu hỏi"}
    assert answer.body["teachers"] == ["gv-ha"]
    assert after["CLASS"] == before["CLASS"] | {"title": "Toán nâng cao"}
    assert klass({"title": "Toán nâng cao"}).body["materials"] == answer.body["materials"]


def test_of_two_materials_with_one_id_the_later_one_counts() -> None:
    twice = [{"itemId": "doc", "type": "quiz", "title": "A"}, {"itemId": "doc", "type": "document", "title": "B"}]
    assert klass({"title": "Toán", "materials": twice}).body["materials"] == twice[1:]


def test_teachers_that_are_named_are_the_teachers_from_now_on() -> None:
    klass({"title": "Toán", "teachers": ["gv-ha", "gv-an"]})

    assert klass({"title": "Toán", "teachers": ["gv-an"]}).body["teachers"] == ["gv-an"]
    assert stored("TEACHER#gv-ha") == {}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "x", "teachers": "gv-ha"}, "teachers"),
        ({"title": "x", "teachers": ["gv-ha", 7]}, "teachers[1]"),
        ({"title": "x", "teachers": ["a#b"]}, "teachers[0]"),
        ({"title": "x", "teachers": [f"t{n}" for n in range(51)]}, "teachers"),
        ({"title": "x", "materials": {}}, "materials"),
        ({"title": "x", "materials": ["hw1"]}, "materials[0]"),
        ({"title": "x", "materials": [{"itemId": "hw1", "type": "poem"}]}, "materials[0]: type"),
        ({"title": "x", "materials": [{"type": "quiz"}]}, "materials[0]: itemId"),
        ({"title": "x", "materials": [{"itemId": "toan-10", "type": "quiz"}]}, "materials[0]"),
        ({"title": "x", "materials": [{"itemId": f"i{n}", "type": "quiz"} for n in range(201)]}, "materials"),
    ],
)
def test_a_malformed_class_is_refused_by_name_and_not_stored(body: object, named: str) -> None:
    answer = klass(body)

    assert answer.status == 400
    assert answer.body["message"].startswith(named)
    assert school.rows(tables.class_activity()) == []


def test_the_id_of_an_erased_student_is_not_given_again() -> None:
    tombstones.put("sv-an")
    assert student({"email": EMAIL}).status == 400
    assert school.rows(tables.students()) == []
