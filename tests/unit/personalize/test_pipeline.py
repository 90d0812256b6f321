"""What a nightly pipeline does, from an empty account to recommendations, with the models that ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.personalize.cloud import INTERACTION_FIELDS, ITEMS, T0, filled, interaction_rows

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


@pytest.mark.parametrize("member", ["featureTransformationParameters", "algorithmHyperParameters"])
def test_the_period_of_a_trend_may_be_chosen(real: Cloud, member: str) -> None:
    name = f"trend-{member[:7]}"
    trending = filled(real, name)
    tracker = real.control.create_event_tracker(name=name, datasetGroupArn=trending)
    real.wait(real.control.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    # Three quarters of an hour after everything else.
    late = {"eventType": "view", "itemId": "new", "sentAt": T0 + 480 + 45 * 60}
    real.events.put_events(trackingId=tracker["trackingId"], userId="late", sessionId="s", eventList=[late])

    def first(period: str) -> str:
        configuration = {member: {"trend_discovery_frequency": period}}
        solution = real.solution(f"{name}-{period[0]}", trending, "aws-trending-now", solutionConfig=configuration)
        campaign = real.deploy(f"{name}-{period[0]}", real.train(solution))
        item: str = real.runtime.get_recommendations(campaignArn=campaign, numResults=1)["itemList"][0]["itemId"]
        return item

    assert first("30 minutes") == "new"
    assert first("1 hour") in ITEMS


NO_JOBS = {"maxNumberOfTrainingJobs": "0"}
BPTT = {"name": "bptt", "minValue": 2, "maxValue": 22}
RECENCY = {"name": "recency_mask", "values": ["true", "false"]}


def ranges(**entries: dict[str, Any]) -> dict[str, Any]:
    found = {f"{kind}HyperParameterRanges": [entry] for kind, entry in entries.items()}
    return {"hpoConfig": {"algorithmHyperParameterRanges": found}}


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"featureTransformationParameters": {"colour": "red"}}, "featureTransformationParameters: .*'colour'"),
        ({"featureTransformationParameters": {"bptt": "4"}}, "no feature transformation parameter 'bptt'"),
        ({"featureTransformationParameters": {"min_user_history_length_percentile": "5"}}, "'5' is refused"),
        (ranges(integer={**BPTT, "name": "colour"}), "hpoConfig: integerHyperParameterRanges: .*'colour'"),
        (ranges(continuous=BPTT), "no tunable continuous hyper-parameter 'bptt'"),
        (ranges(integer={**BPTT, "minValue": 23}), "minValue 23 is greater than maxValue 22"),
        (ranges(integer={**BPTT, "maxValue": 33}), "bptt of aws-user-personalization: '33' is refused"),
        (ranges(categorical={**RECENCY, "values": ["true", "maybe"]}), "'maybe' is refused"),
        (ranges(continuous={**BPTT, "name": "min_user_history_length_percentile"}), "no tunable"),
        ({"hpoConfig": {"hpoResourceConfig": NO_JOBS}}, "maxNumberOfTrainingJobs must be a whole number from 1 to 40"),
        ({"hpoConfig": {"hpoResourceConfig": {"maxParallelTrainingJobs": "11"}}}, "from 1 to 10"),
    ],
)
def test_what_a_recipe_cannot_follow_is_refused(real: Cloud, configuration: dict[str, Any], reason: str) -> None:
    with pytest.raises(real.control.exceptions.InvalidInputException, match=reason):
        real.solution("senseless", group(real), "aws-user-personalization", solutionConfig=configuration)


def test_the_configuration_of_the_developer_guide_is_accepted(real: Cloud) -> None:
    jobs = {"maxNumberOfTrainingJobs": "4", "maxParallelTrainingJobs": "2"}
    tuning = ranges(integer=BPTT, categorical=RECENCY)["hpoConfig"] | {"hpoResourceConfig": jobs}
    configuration = {
        "algorithmHyperParameters": {"hidden_dimension": "55"},
        "featureTransformationParameters": {"max_user_history_length_percentile": "0.95"},
        "hpoConfig": tuning,
    }
    recipe = "aws-user-personalization"
    solution = real.solution("guide", group(real), recipe, performHPO=True, solutionConfig=configuration)
    assert real.control.describe_solution(solutionArn=solution)["solution"]["solutionConfig"] == configuration


def test_a_ranking_campaign_orders_the_given_items(real: Cloud) -> None:
    version = real.train(real.solution("ranking", group(real), "aws-personalized-ranking-v2"))
    campaign = real.deploy("ranking", version)
    answer = real.runtime.get_personalized_ranking(
        campaignArn=campaign, userId="user-1", inputList=[ITEMS[2], ITEMS[9], ITEMS[5]]
    )
    assert answer["personalizedRanking"][0]["itemId"] == ITEMS[9]
