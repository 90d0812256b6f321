"""What a nightly pipeline does, from an empty account to recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.personalize.conftest import ITEMS

if TYPE_CHECKING:
    from tests.unit.personalize.conftest import Cloud, School


def test_recommends_what_certainly_comes_next(cloud: Cloud, campaign: str) -> None:
    # user-0 ended at item-7 of the ring.
    answer = cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0", numResults=3)
    assert answer["itemList"][0]["itemId"] == ITEMS[8]
    assert len(answer["itemList"]) == 3
    assert answer["recommendationId"]


def test_scores_of_a_user_sum_to_one(cloud: Cloud, campaign: str) -> None:
    items = cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0")["itemList"]
    assert abs(sum(item["score"] for item in items) - 1) < 1e-6


def test_metrics_of_a_version_are_personalizes(cloud: Cloud, school: School, campaign: str) -> None:
    version = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    metrics = cloud.control.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert set(metrics) == {
        "coverage",
        "mean_reciprocal_rank_at_25",
        *(f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)),
        *(f"precision_at_{k}" for k in (5, 10, 25)),
    }
    assert metrics["normalized_discounted_cumulative_gain_at_5"] > 0.9
