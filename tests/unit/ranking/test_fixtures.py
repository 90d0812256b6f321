"""The fixtures in events/, through the real handlers: what `sam local invoke -e events/…` does."""

import json

from ranking import get_class_ranking, get_recommendation, rank_items
from tests.unit.campus import school
from tests.unit.campus.school import fixture
from tests.unit.ranking.runtime import Runtime


def test_each_route_answers_its_fixture(runtime: Runtime) -> None:
    school.add_class("toan-10", "gv-001")
    school.add_membership("toan-10", "sv-001", score=1400)
    runtime.items = ["toan-10", "ly-10"]

    answers = {
        module.__name__: module.handler(fixture(module.__name__.rpartition(".")[2]), None)
        for module in (get_recommendation, rank_items, get_class_ranking)
    }

    bodies = {name: json.loads(answer["body"]) for name, answer in answers.items()}
    assert {answer["statusCode"] for answer in answers.values()} == {200}
    assert [item["itemId"] for item in bodies["ranking.get_recommendation"]["recommendations"]] == ["ly-10"]
    assert [item["itemId"] for item in bodies["ranking.rank_items"]["recommendations"]] == [
        "ly-10",
        "toan-10-notes",
        "hw1",
    ]
    assert [row["studentId"] for row in bodies["ranking.get_class_ranking"]["ranking"]] == ["sv-001"]
