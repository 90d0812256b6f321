"""POST /ranking/{userId}: given items, ordered by the ranking campaign or by popularity."""

import pytest

from campus import tables
from campus.identity import Caller
from ranking import rank_items
from tests.unit.campus import school
from tests.unit.campus.school import Answer
from tests.unit.ranking.runtime import PREFIX, Runtime, known_as, refusal

AN = Caller("sv-an", "student")


@pytest.fixture(autouse=True)
def _catalogue(_school: None) -> None:
    """An is enrolled in one of two classes; the busiest item is an assignment of the other one."""
    for class_id, uses in [("toan-10", 90), ("ly-10", 50)]:
        school.add_class(class_id)
        school.add_item(class_id, class_id, "course", uses)
    school.add_membership("toan-10", "sv-an")
    school.add_item("toan-10", "toan-doc", "document", 5)
    school.add_item("ly-10", "ly-hw", "assignment", 500)


def rerank(item_ids: object) -> Answer:
    return school.call(rank_items.handler, AN, {"userId": "sv-an"}, {"itemIds": item_ids})


def ids(answer: Answer) -> list[str]:
    return [item["itemId"] for item in answer.body["recommendations"]]


def test_given_items_are_ranked_by_the_ranking_campaign(runtime: Runtime) -> None:
    row = {"pk": "MODEL", "sk": "student-ranking-ranking", "modelVersion": "r-3"}
    tables.operations().put_item(Item=row)
    runtime.items = ["van-10", "ly-10"]

    answer = rerank(["new-item", "ly-10", "van-10", "ly-10"])

    assert ids(answer) == ["van-10", "ly-10", "new-item"]
    assert answer.body["recommendations"][-1]["score"] == 0
    assert (answer.body["source"], answer.body["modelVersion"]) == ("campaign", "r-3")
    assert runtime.asked == [
        {
            "campaignArn": f"{PREFIX}campaign/student-ranking-ranking",
            "inputList": ["new-item", "ly-10", "van-10"],
            "userId": known_as("sv-an"),
        }
    ]


@pytest.mark.parametrize("outage", [None, refusal("ResourceNotFoundException")])
def test_without_a_ranking_campaign_given_items_come_by_popularity(
    runtime: Runtime, outage: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.error = outage
    if outage is None:
        monkeypatch.setenv("ENABLE_RERANKING", "false")

    answer = rerank(["b-unknown", "toan-doc", "a-unknown", "ly-hw", "ly-10"])

    assert ids(answer) == ["ly-hw", "ly-10", "toan-doc", "b-unknown", "a-unknown"]
    assert answer.body["recommendations"][0]["score"] == pytest.approx(500 / 555)
    assert (answer.body["source"], answer.body["modelVersion"]) == ("popular", None)
    assert len(runtime.asked) == (1 if outage else 0)


@pytest.mark.parametrize("item_ids", [None, [], "ly-10", {"ly-10": 1}, [1], ["a#b"], [None], ["x"] * 501, [["x"]]])
def test_a_malformed_list_is_refused(runtime: Runtime, item_ids: object) -> None:
    answer = rerank(item_ids)

    assert answer.status == 400
    assert answer.body["message"].startswith("itemIds")
    assert runtime.asked == []


def test_five_hundred_items_are_ranked(runtime: Runtime) -> None:
    assert len(ids(rerank([f"item-{n}" for n in range(500)]))) == 500
