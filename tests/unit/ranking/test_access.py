"""Who may read whom, on every route of the wing."""

from collections.abc import Callable

import pytest

from campus.identity import Caller
from ranking import get_class_ranking, get_recommendation, rank_items
from tests.unit.campus import school
from tests.unit.campus.counting import aws_calls
from tests.unit.campus.school import Answer
from tests.unit.ranking.runtime import Runtime

ADMIN = Caller("root", "admin")
AN, BINH = Caller("sv-an", "student"), Caller("sv-binh", "student")
TEACHER, OTHER_TEACHER = Caller("gv-ha", "teacher"), Caller("gv-minh", "teacher")
REFUSED = Answer(403, {"message": "you may not do this"})


@pytest.fixture(autouse=True)
def _people(_school: None, runtime: Runtime) -> None:
    runtime.items = ["van-10"]
    school.add_class("toan-10", "gv-ha")
    school.add_class("ly-10", "gv-minh")
    school.add_membership("toan-10", "sv-an")
    school.add_membership("ly-10", "sv-an", enrolled=False)


def read(caller: Caller, student_id: str) -> Answer:
    return school.call(get_recommendation.handler, caller, {"userId": student_id})


def rerank(caller: Caller, student_id: str) -> Answer:
    return school.call(rank_items.handler, caller, {"userId": student_id}, {"itemIds": ["van-10"]})


@pytest.mark.parametrize("route", [read, rerank])
@pytest.mark.parametrize(
    ("caller", "student_id", "allowed"),
    [
        (AN, "sv-an", True),
        (AN, "sv-binh", False),
        (AN, "nobody", False),
        (AN, "SV-AN", False),
        (BINH, "sv-an", False),
        (TEACHER, "sv-an", True),
        (TEACHER, "sv-binh", False),
        (TEACHER, "nobody", False),
        (OTHER_TEACHER, "sv-an", False),
        (OTHER_TEACHER, "nobody", False),
        (Caller("gv-ha", "student"), "sv-an", False),
        (ADMIN, "sv-an", True),
        (ADMIN, "nobody", True),
    ],
)
def test_a_ranking_answers_only_to_whom_it_belongs(
    route: Callable[[Caller, str], Answer], caller: Caller, student_id: str, allowed: bool, runtime: Runtime
) -> None:
    answer = route(caller, student_id)

    if allowed:
        assert (answer.status, answer.body["userId"]) == (200, student_id)
    else:
        assert answer == REFUSED
        assert runtime.asked == []


def test_a_percent_encoded_id_is_the_same_id() -> None:
    assert read(AN, "sv%2Dan").status == 200
    assert read(BINH, "sv%2Dan") == REFUSED


@pytest.mark.parametrize("student_id", ["", "sv an", "sv%2520an", "STUDENT#sv-an", "x" * 129, "../sv-an", "sv-an\n"])
def test_an_impossible_id_is_a_bad_request(student_id: str, runtime: Runtime) -> None:
    assert read(ADMIN, student_id).status == 400
    assert runtime.asked == []


def board(caller: Caller, class_id: str) -> Answer:
    return school.call(get_class_ranking.handler, caller, {"classId": class_id})


@pytest.mark.parametrize("caller", [BINH, OTHER_TEACHER, Caller("gv-ha", "student")])
@pytest.mark.parametrize("class_id", ["toan-10", "no-class"])
def test_a_class_ranking_is_refused_alike_for_foreign_and_absent_classes(caller: Caller, class_id: str) -> None:
    assert board(caller, class_id) == REFUSED


def test_being_active_in_a_class_is_not_being_in_it() -> None:
    assert board(AN, "ly-10") == REFUSED


def test_only_an_admin_is_told_that_a_class_is_absent() -> None:
    assert board(ADMIN, "no-class") == Answer(404, {"message": "class no-class does not exist"})


@pytest.mark.parametrize("caller", [BINH, OTHER_TEACHER, Caller("gv-ha", "student"), Caller("gv-new", "teacher")])
@pytest.mark.parametrize(
    ("route", "foreign", "absent"),
    [(read, "sv-an", "nobody"), (rerank, "sv-an", "nobody"), (board, "toan-10", "no-class")],
)
def test_a_refusal_costs_the_same_whether_the_id_is_foreign_or_absent(
    route: Callable[[Caller, str], Answer], caller: Caller, foreign: str, absent: str
) -> None:
    costs = []
    for target in (foreign, absent):
        with aws_calls() as made:
            assert route(caller, target) == REFUSED
        costs.append(made)
    assert costs[0] == costs[1]
