"""GET /classes/{classId}/ranking."""

import math
from typing import Any

import pytest

from campus import clock
from campus.identity import Caller
from ranking.get_class_ranking import handler
from tests.unit.campus import school
from tests.unit.campus.school import Answer

TEACHER = Caller("gv-ha", "teacher")
NOW = 1_790_000_000
WORTH = {"sv-a": 8.0, "sv-b": 4.0, "sv-c": 4.0, "sv-d": 1.0, "sv-e": 0.25, "sv-f": 0.0}


def stored(worth: float) -> float:
    """The time-invariant score of a sum of weights that is worth `worth` now, at a half-life of 14 days."""
    return math.log2(worth) + NOW / 86_400 / 14 if worth else 0.0


@pytest.fixture(autouse=True)
def _class(_school: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    school.add_class("toan-10", "gv-ha")
    for student_id, worth in WORTH.items():
        school.add_membership("toan-10", student_id, score=stored(worth))
    school.add_membership("toan-10", "guest", score=stored(99), enrolled=False)
    school.add_membership("ly-10", "sv-z", score=stored(50))


def view(caller: Caller, **query: object) -> Answer:
    text = {name: str(value) for name, value in query.items()}
    return school.call(handler, caller, {"classId": "toan-10"}, query=text)


def places(answer: Answer) -> list[tuple[Any, ...]]:
    return [(row["place"], row.get("studentId"), row["score"]) for row in answer.body["ranking"]]


@pytest.mark.parametrize("caller", [TEACHER, Caller("root", "admin")])
def test_staff_see_the_class_by_engagement(caller: Caller) -> None:
    answer = view(caller)

    assert (answer.status, answer.body["classId"], answer.body["students"]) == (200, "toan-10", 6)
    shown = places(answer)
    assert [place for place, _, _ in shown] == [1, 2, 2, 4, 5, 6]
    assert {student: pytest.approx(score, abs=1e-5) for _, student, score in shown} == WORTH
    assert [shown[0][1], *(row[1] for row in shown[3:])] == ["sv-a", "sv-d", "sv-e", "sv-f"]


def test_a_score_halves_with_the_half_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + 14 * 86_400)

    assert places(view(TEACHER))[0] == (1, "sv-a", pytest.approx(4.0, abs=1e-5))


def test_staff_choose_how_many_they_see() -> None:
    answer = view(TEACHER, numResults=2)

    assert len(answer.body["ranking"]) == 2
    assert answer.body["students"] == 6
    assert view(TEACHER, numResults=0).status == 400


@pytest.mark.parametrize(
    ("student_id", "shown"),
    [
        ("sv-a", [(1, "sv-a"), (2, None), (2, None)]),
        ("sv-d", [(2, None), (2, None), (4, "sv-d"), (5, None), (6, None)]),
        ("sv-f", [(4, None), (5, None), (6, "sv-f")]),
    ],
)
def test_a_student_sees_their_own_place_and_nameless_neighbours(student_id: str, shown: list[Any]) -> None:
    answer = view(Caller(student_id, "student"))

    assert [row[:2] for row in places(answer)] == shown
    assert answer.body["students"] == 6


def test_a_score_from_the_far_future_does_not_break_the_page() -> None:
    school.add_membership("toan-10", "sv-x", score=5000)

    assert view(TEACHER).status == 200
