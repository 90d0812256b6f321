"""GET /ranking/{userId}: campaign, last good answer, popular items."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from campus import clock, tables, tombstones
from campus.identity import Caller
from ranking import get_recommendation
from tests.unit.campus import school
from tests.unit.campus.school import Answer
from tests.unit.ranking.runtime import PREFIX, Runtime, known_as, refusal

AN = Caller("sv-an", "student")
OUTAGES = [
    refusal("ResourceNotFoundException"),
    refusal("ThrottlingException"),
    refusal("InternalServerError"),
    refusal("InvalidInputException"),
    ReadTimeoutError(endpoint_url="http://personalize"),
    ConnectTimeoutError(endpoint_url="http://personalize"),
]


@pytest.fixture(autouse=True)
def _catalogue(_school: None) -> None:
    """An is enrolled in toan-10 of four classes; document van-doc is the most used item of all."""
    for class_id, uses in [("toan-10", 90), ("ly-10", 50), ("van-10", 30), ("su-10", 0)]:
        school.add_class(class_id)
        school.add_item(class_id, class_id, "course", uses)
    school.add_membership("toan-10", "sv-an")
    school.add_item("toan-10", "toan-doc", "document", 5)
    school.add_item("toan-10", "toan-quiz", "quiz", 7)
    school.add_item("toan-10", "toan-hw", "assignment", 1)
    school.add_item("van-10", "van-doc", "document", 100)
    school.add_item("van-10", "van-hw", "assignment", 500)
    promote("student-ranking-recommendation", "v-7")


def promote(campaign: str, version: str) -> None:
    tables.operations().put_item(Item={"pk": "MODEL", "sk": campaign, "modelVersion": version})


def recommend(**query: object) -> Answer:
    text = {name: str(value) for name, value in query.items()}
    return school.call(get_recommendation.handler, AN, {"userId": "sv-an"}, query=text)


def ids(answer: Answer) -> list[str]:
    return [item["itemId"] for item in answer.body["recommendations"]]


def test_the_campaign_answers_first(runtime: Runtime) -> None:
    runtime.items = ["ly-10", "van-doc", "su-10"]

    answer = recommend(numResults=2)

    assert answer.status == 200
    assert answer.body == {
        "userId": "sv-an",
        "recommendations": [
            {"itemId": "ly-10", "score": pytest.approx(4 / 7)},
            {"itemId": "van-doc", "score": pytest.approx(2 / 7)},
        ],
        "source": "campaign",
        "modelVersion": "v-7",
    }


def test_the_campaign_knows_only_the_pseudonym_and_is_asked_for_a_margin(runtime: Runtime) -> None:
    runtime.items = ["ly-10"]

    recommend(numResults=10)

    assert runtime.asked == [
        {
            "campaignArn": f"{PREFIX}campaign/student-ranking-recommendation",
            "filterArn": f"{PREFIX}filter/student-ranking-not-enrolled",
            "userId": known_as("sv-an"),
            "numResults": 11,
        }
    ]
    assert "sv-an" not in json.dumps(runtime.asked)


def test_enrolled_classes_are_removed_and_the_margin_fills_the_gap(runtime: Runtime) -> None:
    runtime.items = ["toan-10", "ly-10", "van-10", "su-10"]

    assert ids(recommend(numResults=2)) == ["ly-10", "van-10"]


def test_a_type_is_asked_for_by_its_own_filter(runtime: Runtime) -> None:
    runtime.items = ["van-doc"]

    assert ids(recommend(type="document")) == ["van-doc"]
    assert runtime.asked[0]["filterArn"] == f"{PREFIX}filter/student-ranking-only-document"


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda error: type(error).__name__ + str(error)[:60])
def test_an_outage_is_answered_from_the_last_good_answer(runtime: Runtime, outage: Exception) -> None:
    runtime.items = ["ly-10", "van-10"]
    good = recommend()
    promote("student-ranking-recommendation", "v-8")
    runtime.error = outage

    answer = recommend()

    assert answer == Answer(200, good.body | {"source": "cache"})
    assert answer.body["modelVersion"] == "v-7"


def test_an_enrolment_since_then_is_removed_from_the_last_good_answer(runtime: Runtime) -> None:
    runtime.items = ["ly-10", "van-10", "su-10"]
    recommend(numResults=2)
    school.add_membership("ly-10", "sv-an")
    runtime.error = OUTAGES[0]

    assert ids(recommend(numResults=2)) == ["van-10", "su-10"]


def test_the_last_good_answer_is_kept_per_type_and_student(runtime: Runtime) -> None:
    runtime.items = ["van-doc"]
    recommend(type="document")
    runtime.error = OUTAGES[0]

    assert recommend(type="document").body["source"] == "cache"
    assert recommend(type="quiz").body["source"] == recommend().body["source"] == "popular"
    other = school.call(get_recommendation.handler, Caller("sv-b", "student"), {"userId": "sv-b"})
    assert other.body["source"] == "popular"


def test_the_last_good_answer_is_good_for_a_day(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.items = ["ly-10"]
    recommend()
    runtime.error = OUTAGES[0]
    now = clock.now()

    monkeypatch.setattr(clock, "now", lambda: now + 86_000)
    assert recommend().body["source"] == "cache"
    monkeypatch.setattr(clock, "now", lambda: now + 86_401)
    assert recommend().body["source"] == "popular"


def test_day_one_answers_popular_items_of_the_own_classes_first(runtime: Runtime) -> None:
    runtime.error = refusal("ResourceNotFoundException")

    answer = recommend()

    assert (answer.body["source"], answer.body["modelVersion"]) == ("popular", None)
    assert ids(answer) == ["toan-quiz", "toan-doc", "toan-hw", "van-doc", "ly-10", "van-10", "su-10"]
    scores = {item["itemId"]: item["score"] for item in answer.body["recommendations"]}
    assert sum(scores.values()) == pytest.approx(1)
    # Three of one's own with a lead of 100, and the uses.
    assert scores["toan-quiz"] == pytest.approx(107 / 493)
    assert scores["van-doc"] == pytest.approx(100 / 493)
    assert scores["su-10"] == 0
    assert sorted(scores.values(), reverse=True) == list(scores.values())


def test_what_the_class_does_not_list_is_not_popular(runtime: Runtime) -> None:
    """A student may hand something in under any name; it is no recommendation for the others."""
    runtime.error = refusal("ResourceNotFoundException")
    school.add_item("toan-10", "buy-my-notes", "assignment", 900, is_listed=False)

    assert "buy-my-notes" not in ids(recommend())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "course"}, ["ly-10", "van-10", "su-10"]),
        ({"type": "course", "numResults": 2}, ["ly-10", "van-10"]),
        ({"type": "document"}, ["toan-doc", "van-doc"]),
        ({"type": "quiz"}, ["toan-quiz"]),
        ({"numResults": 4}, ["toan-quiz", "toan-doc", "toan-hw", "van-doc"]),
    ],
)
def test_popular_items_by_type_and_number(runtime: Runtime, query: Mapping[str, Any], expected: list[str]) -> None:
    runtime.error = refusal("ResourceNotFoundException")

    assert ids(recommend(**query)) == expected


def test_an_empty_answer_of_the_campaign_is_no_answer(runtime: Runtime) -> None:
    runtime.items = []
    assert recommend().body["source"] == "popular"

    runtime.items = ["toan-10"]
    assert recommend().body["source"] == "popular"


def test_a_student_of_every_class_gets_an_empty_list_of_courses(runtime: Runtime) -> None:
    for class_id in ("ly-10", "van-10", "su-10"):
        school.add_membership(class_id, "sv-an")
    runtime.items = ["toan-10", "ly-10", "van-10", "su-10"]

    answer = recommend(type="course")

    assert (answer.status, answer.body["recommendations"], answer.body["source"]) == (200, [], "popular")


def test_an_item_of_several_classes_is_recommended_once(runtime: Runtime) -> None:
    runtime.error = OUTAGES[0]
    school.add_item("ly-10", "van-doc", "document", 40)
    school.add_item("toan-10", "van-doc", "document", 1)

    assert ids(recommend(type="document")) == ["toan-doc", "van-doc"]


def test_a_cache_that_cannot_be_written_does_not_spoil_the_answer(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise refusal("ProvisionedThroughputExceededException")

    monkeypatch.setattr("ranking.last_good.remember", full)
    runtime.items = ["ly-10"]

    assert recommend().body["source"] == "campaign"


@pytest.mark.parametrize(
    "query",
    [
        {"numResults": 0},
        {"numResults": 101},
        {"numResults": "ten"},
        {"numResults": ""},
        {"type": "assignment"},
        {"type": ""},
    ],
)
def test_bad_questions_never_fall_back(runtime: Runtime, query: Mapping[str, Any]) -> None:
    runtime.error = OUTAGES[0]

    answer = recommend(**query)

    assert answer.status == 400
    assert answer.body["message"].startswith(next(iter(query)))
    assert runtime.asked == []


def test_twenty_five_results_unless_said_otherwise(runtime: Runtime) -> None:
    runtime.items = [f"item-{n}" for n in range(200)]

    assert len(ids(recommend())) == 25
    assert len(ids(recommend(numResults=100))) == 100


def test_no_answer_is_kept_of_an_erased_student(runtime: Runtime) -> None:
    tombstones.put("sv-an")
    runtime.items = ["ly-10"]
    assert recommend().body["source"] == "campaign"
    assert not [row for row in school.rows(tables.operations()) if row["pk"].startswith("CACHE#")]
