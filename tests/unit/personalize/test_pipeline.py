"""What a nightly pipeline does, from an empty account to recommendations, with the models that ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.personalize.cloud import INTERACTION_FIELDS, ITEMS, T0, interaction_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.personalize.cloud import Cloud


@pytest.fixture(scope="module")
def real(launch: Callable[..., Cloud], tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A service with `local.recommender`, and interactions in the group "real"."""
    cloud = launch(tmp_path_factory.mktemp("real"), recommender="local.recommender")
    dataset = cloud.dataset(cloud.group("real"), "Interactions", cloud.schema("real", INTERACTION_FIELDS))
    header = [field["name"] for field in INTERACTION_FIELDS]
    cloud.run_import("real", dataset, cloud.upload("bucket/real.csv", header, interaction_rows()))
    return cloud


def group(cloud: Cloud) -> str:
    arn: str = cloud.control.list_dataset_groups()["datasetGroups"][0]["datasetGroupArn"]
    return arn


def test_a_trained_campaign_recommends_what_certainly_comes_next(real: Cloud) -> None:
    version = real.train(real.solution("personal", group(real), "aws-user-personalization-v2"))
    metrics = real.control.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert set(metrics) == {
        "coverage",
        "mean_reciprocal_rank_at_25",
        *(f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)),
        *(f"precision_at_{k}" for k in (5, 10, 25)),
    }
    assert metrics["normalized_discounted_cumulative_gain_at_5"] > 0.9
    campaign = real.deploy("personal", version)
    # user-0 ended at item-7 of the ring.
    answer = real.runtime.get_recommendations(campaignArn=campaign, userId="user-0")
    assert answer["itemList"][0]["itemId"] == ITEMS[8]
    assert sum(item["score"] for item in answer["itemList"]) == pytest.approx(1)
    tracker = real.control.create_event_tracker(name="real", datasetGroupArn=group(real))
    real.wait(real.control.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    real.events.put_events(
        trackingId=tracker["trackingId"],
        userId="user-0",
        sessionId="s",
        eventList=[{"eventType": "view", "itemId": ITEMS[2], "sentAt": T0 + 10_000}],
    )
    again = real.runtime.get_recommendations(campaignArn=campaign, userId="user-0", numResults=1)
    assert [item["itemId"] for item in again["itemList"]] == [ITEMS[3]]


@pytest.mark.parametrize(
    "recipe", ["aws-popularity-count", "aws-trending-now", "aws-similar-items", "aws-sims", "aws-user-personalization"]
)
def test_every_recipe_trains_and_answers(real: Cloud, recipe: str) -> None:
    campaign = real.deploy(recipe, real.train(real.solution(recipe, group(real), recipe)))
    answer = real.runtime.get_recommendations(campaignArn=campaign, userId="user-1", itemId=ITEMS[0], numResults=5)
    assert len({item["itemId"] for item in answer["itemList"]}) == 5
    real.control.delete_campaign(campaignArn=campaign)


def test_a_ranking_campaign_orders_the_given_items(real: Cloud) -> None:
    version = real.train(real.solution("ranking", group(real), "aws-personalized-ranking-v2"))
    campaign = real.deploy("ranking", version)
    answer = real.runtime.get_personalized_ranking(
        campaignArn=campaign, userId="user-1", inputList=[ITEMS[2], ITEMS[9], ITEMS[5]]
    )
    assert answer["personalizedRanking"][0]["itemId"] == ITEMS[9]
