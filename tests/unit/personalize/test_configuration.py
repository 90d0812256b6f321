"""What solutions, datasets and campaigns may be configured with, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.personalize.cloud import INTERACTION_FIELDS, ITEM_FIELDS, ITEMS, T0, filled, ids, interaction_rows

if TYPE_CHECKING:
    from tests.unit.personalize.cloud import Cloud, School

STATE = {"name": "STATE", "type": ["null", "string"], "categorical": True}
DAY = 86_400


def test_items_take_a_wider_schema(cloud: Cloud) -> None:
    group = cloud.group("widening")
    narrow = cloud.schema("narrow", ITEM_FIELDS)
    dataset = cloud.dataset(group, "Items", narrow)
    wide = cloud.schema("wide", [*ITEM_FIELDS, STATE])
    refused = {
        "must allow null: STATE": [*ITEM_FIELDS, {**STATE, "type": "string"}],
        "keep the fields of the present one as they are: CREATION_TIMESTAMP": ITEM_FIELDS[:-1],
        "as they are: TYPE": [{**field, "categorical": False} for field in ITEM_FIELDS],
        "as they are: PRICE": [
            {**field, "type": "float"} if field["name"] == "PRICE" else field for field in ITEM_FIELDS
        ],
    }
    for number, (reason, fields) in enumerate(refused.items()):
        schema = cloud.schema(f"refused-{number}", fields)
        with pytest.raises(cloud.control.exceptions.InvalidInputException, match=reason):
            cloud.control.update_dataset(datasetArn=dataset, schemaArn=schema)
    cloud.service._account.faults.add({"job": "Dataset", "effect": "hang", "times": 1})
    cloud.control.update_dataset(datasetArn=dataset, schemaArn=wide)
    for schema in (narrow, wide):
        with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="currently using"):
            cloud.control.delete_schema(schemaArn=schema)
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="in progress"):
        cloud.control.update_dataset(datasetArn=dataset, schemaArn=wide)
    cloud.service._account.lifecycle.recover()  # the hanging update goes on as after a restart
    cloud.wait(cloud.control.describe_dataset, slot="latestDatasetUpdate", datasetArn=dataset)
    assert cloud.control.describe_dataset(datasetArn=dataset)["dataset"]["schemaArn"] == wide
    cloud.control.delete_schema(schemaArn=narrow)


def test_the_schema_of_interactions_cannot_be_replaced(cloud: Cloud) -> None:
    dataset = cloud.dataset(cloud.group("fixed"), "Interactions", cloud.schema("fixed", INTERACTION_FIELDS))
    wide = cloud.schema("fixed-wide", [*INTERACTION_FIELDS, STATE])
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="cannot be replaced"):
        cloud.control.update_dataset(datasetArn=dataset, schemaArn=wide)


def test_a_new_column_is_trained_on_by_new_solutions_only(cloud: Cloud) -> None:
    group = filled(cloud, "columns")
    dataset = cloud.dataset(group, "Items", cloud.schema("columns-i", ITEM_FIELDS[:3]))
    old = cloud.solution("columns-old", group, "aws-popularity-count")
    excluding = {"trainingDataConfig": {"excludedDatasetColumns": {"Items": ["TYPE"]}}}
    less = cloud.solution("columns-less", group, "aws-popularity-count", solutionConfig=excluding)
    cloud.control.update_dataset(datasetArn=dataset, schemaArn=cloud.schema("columns-w", [*ITEM_FIELDS[:3], STATE]))
    cloud.wait(cloud.control.describe_dataset, slot="latestDatasetUpdate", datasetArn=dataset)
    including = {"trainingDataConfig": {"includedDatasetColumns": {"ITEMS": ["TYPE", "STATE"]}}}
    new = cloud.solution("columns-new", group, "aws-popularity-count", solutionConfig=including)
    header = ["ITEM_ID", "TYPE", "CLASS_ID", "STATE"]
    cloud.run_import("columns-i", dataset, cloud.upload("bucket/columns-i.csv", header, [["i", "t", "c", "s"]]))

    def columns(solution: str) -> float:
        metrics = cloud.control.get_solution_metrics(solutionVersionArn=cloud.train(solution))["metrics"]
        return float(metrics["item_columns"])

    assert [columns(solution) for solution in (old, less, new)] == [2, 1, 2]


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"eventsConfig": {"eventParametersList": [{"weight": 0.5}]}}, "must name its eventType"),
        (
            {"eventsConfig": {"eventParametersList": [{"eventType": "view"}, {"eventType": "VIEW"}]}},
            "names an eventType twice",
        ),
        ({"eventValueThreshold": "much"}, "eventValueThreshold must be a number"),
        ({"trainingDataConfig": {"excludedDatasetColumns": {"Items": ["COLOUR"]}}}, "Items has no column COLOUR"),
        ({"trainingDataConfig": {"excludedDatasetColumns": {"Items": ["ITEM_ID"]}}}, "ITEM_ID of Items cannot be excl"),
        ({"trainingDataConfig": {"includedDatasetColumns": {"Actions": ["X"]}}}, "has no dataset Actions"),
    ],
)
def test_a_senseless_solution_configuration_is_refused(
    cloud: Cloud, school: School, configuration: dict[str, Any], reason: str
) -> None:
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match=reason):
        cloud.solution("senseless", school.group, "aws-popularity-count", solutionConfig=configuration)


def test_a_senseless_solution_update_is_refused(cloud: Cloud) -> None:
    solution = cloud.solution("updated", cloud.group("updated"), "aws-popularity-count")
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="must name its eventType"):
        cloud.control.update_solution(
            solutionArn=solution, solutionUpdateConfig={"eventsConfig": {"eventParametersList": [{"weight": 1.0}]}}
        )


@pytest.mark.parametrize(
    ("exploration", "reason"),
    [
        ({"explorationWeight": "1.1"}, "explorationWeight must be a number from 0 to 1"),
        ({"explorationWeight": "-0.1"}, "explorationWeight must be"),
        ({"explorationWeight": "much"}, "explorationWeight must be"),
        ({"explorationItemAgeCutOff": "0"}, "positive number of days"),
        ({"explorationItemAgeCutOff": "inf"}, "positive number of days"),
        ({"exploration_weight": "0.3"}, "no member exploration_weight"),
    ],
)
def test_an_exploration_out_of_range_is_refused(
    cloud: Cloud, campaign: str, exploration: dict[str, str], reason: str
) -> None:
    version = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    configuration = {"itemExplorationConfig": exploration}
    refused = cloud.control.exceptions.InvalidInputException
    with pytest.raises(refused, match=reason):
        cloud.control.create_campaign(name="wild", solutionVersionArn=version, campaignConfig=configuration)
    with pytest.raises(refused, match=reason):
        cloud.control.update_campaign(campaignArn=campaign, campaignConfig=configuration)
    with pytest.raises(refused, match=reason):
        cloud.control.create_batch_inference_job(
            jobName="wild",
            solutionVersionArn=version,
            roleArn="arn:aws:iam::000000000000:role/Personalize",
            jobInput={"s3DataSource": {"path": "s3://bucket/in.json"}},
            jobOutput={"s3DataDestination": {"path": "s3://bucket/out/"}},
            batchInferenceJobConfig=configuration,
        )


@pytest.fixture(scope="module")
def aged(cloud: Cloud) -> str:
    """A trained version over items of known age: twelve that all know, a new one and an old one that nobody does."""
    group = filled(cloud, "aged")
    dataset = cloud.dataset(group, "Items", cloud.schema("aged-i", ITEM_FIELDS))
    # The item that user-0 will want next is young, too.
    made = [[item, "course", "c", 1.0, "true", T0 - (1 if item == ITEMS[8] else 90) * DAY] for item in ITEMS]
    made += [["young", "quiz", "c", 1.0, "true", T0 - 10 * DAY], ["aged", "quiz", "c", 1.0, "true", T0 - 40 * DAY]]
    header = [field["name"] for field in ITEM_FIELDS]
    cloud.run_import("aged-i", dataset, cloud.upload("bucket/aged-i.csv", header, made))
    return cloud.train(cloud.solution("aged", group, "aws-user-personalization-v2"))


def test_exploration_shows_young_items_and_says_so(cloud: Cloud, aged: str) -> None:
    plain = cloud.deploy("aged-plain", aged)
    ask = {"userId": "user-0", "numResults": 5}
    ordinary = ids(cloud.runtime.get_recommendations(campaignArn=plain, **ask))
    assert not {"young", "aged"} & set(ordinary)
    found = {}
    for name, exploration in {
        "none": {"explorationWeight": "0"},
        "some": {"explorationWeight": "0.2"},
        "more": {"explorationWeight": "0.4", "explorationItemAgeCutOff": "45.5"},
        "most": {"explorationWeight": "0.8", "explorationItemAgeCutOff": "45.5"},
    }.items():
        campaign = cloud.deploy(f"aged-{name}", aged, campaignConfig={"itemExplorationConfig": exploration})
        answer = cloud.runtime.get_recommendations(campaignArn=campaign, **ask)
        again = cloud.runtime.get_recommendations(campaignArn=campaign, **ask)
        assert answer["itemList"] == again["itemList"]
        found[name] = {item["itemId"] for item in answer["itemList"] if item.get("reason") == ["Exploration"]}
        others = [item for item in ids(answer) if item not in found[name]]
        assert others == ordinary[: len(others)]
        cloud.control.delete_campaign(campaignArn=campaign)
    assert found == {"none": set(), "some": {"young"}, "more": {"young", "aged"}, "most": {"young", "aged"}}


def test_ranking_influence_moves_items_by_popularity_and_age(cloud: Cloud) -> None:
    group = cloud.group("influence")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("influence", INTERACTION_FIELDS))
    # Everybody walks the ring; item-0 is visited again by all and item-11 appears last.
    rows = [row for row in interaction_rows() if row[1] != ITEMS[11]]
    rows += [[f"user-{user}", ITEMS[0], T0 + DAY, "view", ""] for user in range(130)]
    rows += [[f"user-{user}", ITEMS[11], T0 + 60 * DAY, "view", ""] for user in range(3)]
    header = [field["name"] for field in INTERACTION_FIELDS]
    cloud.run_import("influence", dataset, cloud.upload("bucket/influence.csv", header, rows))
    version = cloud.train(cloud.solution("influence", group, "aws-user-personalization-v2"))

    def scores(name: str, influence: dict[str, float]) -> dict[str, float]:
        campaign = cloud.deploy(f"influence-{name}", version, campaignConfig={"rankingInfluence": influence})
        answer = cloud.runtime.get_recommendations(campaignArn=campaign, userId="nobody")
        assert sum(item["score"] for item in answer["itemList"]) == pytest.approx(1)
        return {item["itemId"]: item["score"] for item in answer["itemList"]}

    plain = scores("plain", {})
    assert scores("none", {"POPULARITY": 0.0, "FRESHNESS": 0.0}) == plain
    fresh, popular = scores("fresh", {"FRESHNESS": 0.8}), scores("popular", {"POPULARITY": 0.5})
    assert list(plain)[-1] == ITEMS[11]
    assert list(fresh)[-1] != ITEMS[11]
    assert popular[ITEMS[0]] > plain[ITEMS[0]] > fresh[ITEMS[0]]
    assert popular[ITEMS[11]] < plain[ITEMS[11]] < fresh[ITEMS[11]]
    assert scores("fresher", {"FRESHNESS": 1.0})[ITEMS[11]] > fresh[ITEMS[11]]


def test_exploration_is_for_user_personalization(cloud: Cloud) -> None:
    version = cloud.train(cloud.solution("unexplored", filled(cloud, "unexplored"), "aws-popularity-count"))
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="not supported by the recipe aws-popular"):
        cloud.control.create_campaign(
            name="unexplored",
            solutionVersionArn=version,
            campaignConfig={"itemExplorationConfig": {"explorationWeight": "0.3"}},
        )


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({"COLOUR": "red"}, "no metadata field COLOUR"),
        ({"EVENT_TYPE": "view"}, "no metadata field EVENT_TYPE"),
        ({"PAGES": "many"}, "'many' is no int, the type of PAGES"),
    ],
)
def test_a_context_follows_the_interactions_schema(
    cloud: Cloud, contextual: str, context: dict[str, str], reason: str
) -> None:
    ask = {"campaignArn": contextual, "userId": "user-0", "inputList": [ITEMS[0]]}
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match=reason):
        cloud.runtime.get_personalized_ranking(**ask, context=context)
    assert cloud.runtime.get_personalized_ranking(**ask, context={"DEVICE": "phone", "PAGES": "3"})


@pytest.fixture(scope="module")
def contextual(cloud: Cloud) -> str:
    fields = [
        *INTERACTION_FIELDS,
        {"name": "DEVICE", "type": ["null", "string"], "categorical": True},
        {"name": "PAGES", "type": ["null", "int"]},
    ]
    group = cloud.group("contextual")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("contextual", fields))
    rows = [[*row, "phone", 3] for row in interaction_rows()]
    header = [field["name"] for field in fields]
    cloud.run_import("contextual", dataset, cloud.upload("bucket/contextual.csv", header, rows))
    solution = cloud.solution("contextual", group, "aws-personalized-ranking-v2")
    return cloud.deploy("contextual", cloud.train(solution))
