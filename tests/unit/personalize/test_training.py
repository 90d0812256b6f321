"""What a training uses, needs and refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from local.personalize.errors import JobFailed
from local.personalize.interactions import Interactions, Rows
from local.personalize.store import Store
from local.personalize.training import check_minima, selected, train
from local.recommender import History, load_model
from tests.unit.personalize.cloud import filled

if TYPE_CHECKING:
    from pathlib import Path

    from local.recommender import Model
    from tests.unit.personalize.cloud import Cloud, School


@pytest.mark.parametrize(
    ("lengths", "reason"),
    [
        ([2] * 499, r"fewer than 1000 interactions \(998\)"),
        ([100] * 24, r"fewer than 25 users with at least 2 interactions each \(24\)"),
        ([2] * 25 + [1] * 2476, r"Fewer than 1% of the users .* \(25 of 2501\)"),
    ],
)
def test_too_little_data_is_refused(lengths: list[int], reason: str) -> None:
    with pytest.raises(JobFailed, match=reason):
        check_minima(np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))


@pytest.mark.parametrize("lengths", [[2] * 500, [1] * 2475 + [2] * 25, [40] * 25])
def test_the_minima_themselves_are_enough(lengths: list[int]) -> None:
    check_minima(np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, "abcd"),
        ({"eventType": "VIEW"}, "ab"),
        ({"eventType": "view", "eventValueThreshold": "2"}, "b"),
        ({"eventParameters": [{"eventType": "view", "eventValueThreshold": 2.0}, {"eventType": "enroll"}]}, "bd"),
        ({"eventParameters": [{"eventType": "view", "weight": 0}, {"eventType": "enroll", "weight": 0.5}]}, "d"),
        ({"eventType": "absent"}, ""),
        ({"eventValueThreshold": "2"}, "bc"),
        ({"eventType": "view", "eventParameters": [{"eventType": "enroll"}]}, "ab"),
    ],
)
def test_a_solution_trains_on_its_events(selection: dict[str, Any], expected: str) -> None:
    values = [1.0, 2.0, 3.0, float("nan")]
    data = Interactions.from_rows(Rows("uuuu", "abcd", [1, 2, 3, 4], ["view", "view", "", "enroll"], values, [""] * 4))
    assert "".join(data.rows(selected(data, selection)).items) == expected


def trained(tmp_path: Path, rows: Rows, selection: dict[str, Any]) -> Model:
    """The popularity model that a worker process would train on some rows."""
    Interactions.from_rows(rows).save(tmp_path / "rows.npz")
    store, target = Store(tmp_path / "state.sqlite"), tmp_path / "model.npz"
    datasets = {"INTERACTIONS": {"arn": "i", "snapshot": str(tmp_path / "rows.npz"), "columns": None}}
    train(
        recommender="local.recommender",
        recipe="aws-popularity-count",
        hyper_parameters={},
        selection=selection,
        database=str(store.path),
        datasets=datasets,
        target=str(target),
    )
    store.close()
    return load_model(target)


def clicks_and_views(n: int) -> Rows:
    """As many clicks, in three spellings, on item `c` as there are views of item `v`."""
    spellings = [("Click", "click", "CLICK")[at % 3] for at in range(n)]
    users = [f"u{at % 30}" for at in range(n)]
    items, times = ["c"] * n + ["v"] * n, [*range(n), *range(n)]
    return Rows(users * 2, items, times, [*spellings, *["view"] * n], [math.nan] * 2 * n, [""] * 2 * n)


@pytest.mark.parametrize("spelling", ["click", "Click", "cLICK"])
def test_event_types_are_weighted_whatever_their_case(tmp_path: Path, spelling: str) -> None:
    events = [{"eventType": spelling, "weight": 0.25}, {"eventType": "VIEW"}]
    model = trained(tmp_path, clicks_and_views(900), {"eventParameters": events})
    shares = np.exp(model.scores(History(np.zeros(0, np.int32), np.zeros(0, np.int64))))
    assert dict(zip(model.item_ids, shares, strict=True)) == pytest.approx({"c": 0.2, "v": 0.8}, abs=0.001)


def test_a_training_counts_the_events_of_every_spelling(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match=r"fewer than 1000 interactions \(900\)"):
        trained(tmp_path, clicks_and_views(900), {"eventParameters": [{"eventType": "Click", "weight": 0.5}]})


def test_a_training_with_too_few_events_of_its_type_fails(cloud: Cloud, school: School) -> None:
    solution = cloud.solution("rare", school.group, "aws-user-personalization-v2", eventType="enroll")
    version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    record = cloud.wait(cloud.control.describe_solution_version, status="CREATE FAILED", solutionVersionArn=version)
    assert "fewer than 1000 interactions (520)" in record["failureReason"]
    assert "trainingHours" not in record
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="CREATE FAILED"):
        cloud.control.create_campaign(name="rare", solutionVersionArn=version)


def test_same_data_same_model(cloud: Cloud, school: School) -> None:
    solution = cloud.solution("same", school.group, "aws-user-personalization-v2")
    files = []
    for _ in range(2):
        version = cloud.service._account.store.get(cloud.train(solution))
        assert version is not None
        files.append((cloud.service._account.directory / version.private["model"]).read_bytes())
    assert files[0] == files[1]


def test_event_weights_reach_the_model(cloud: Cloud, school: School) -> None:
    events = [{"eventType": "view", "weight": 0.2}, {"eventType": "enroll", "weight": 1.0}]
    configuration = {"eventsConfig": {"eventParametersList": events}}
    version = cloud.train(
        cloud.solution("weighted", school.group, "aws-user-personalization-v2", solutionConfig=configuration)
    )
    metrics = cloud.control.get_solution_metrics(solutionVersionArn=version)["metrics"]
    assert metrics["weights"] == 2.0
    described = cloud.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert described["solutionConfig"] == configuration
    assert described["trainingHours"] > 0
    assert (described["trainingMode"], described["trainingType"]) == ("FULL", "MANUAL")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"solutionConfig": {"algorithmHyperParameters": {"learning_rate": "1"}}}, "learning_rate"),
        ({"solutionConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(0 days)"}}}, "rate"),
        ({"solutionConfig": {"optimizationObjective": {"itemAttribute": "PRICE"}}}, "optimizationObjective"),
        ({"performAutoML": True}, "performAutoML"),
        ({"performIncrementalUpdate": True}, "performIncrementalUpdate"),
        ({"recipeArn": None}, "recipeArn"),
    ],
)
def test_a_solution_that_cannot_be_trained_is_refused(
    cloud: Cloud, school: School, change: dict[str, Any], reason: str
) -> None:
    given = {
        "name": "refused",
        "datasetGroupArn": school.group,
        "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2",
        **change,
    }
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match=reason):
        cloud.control.create_solution(**{name: value for name, value in given.items() if value is not None})


def test_an_unknown_recipe_is_not_found(cloud: Cloud, school: School) -> None:
    with pytest.raises(cloud.control.exceptions.ResourceNotFoundException, match="aws-hrnn"):
        cloud.solution("old", school.group, "aws-hrnn")


def test_update_training_is_for_the_first_version_of_its_recipe_only(cloud: Cloud, school: School) -> None:
    refused = cloud.control.exceptions.InvalidInputException
    modern = cloud.solution("modern", school.group, "aws-user-personalization-v2")
    with pytest.raises(refused, match="supported only by the recipe aws-user-personalization"):
        cloud.control.create_solution_version(solutionArn=modern, trainingMode="UPDATE")
    first = cloud.solution("classic", school.group, "aws-user-personalization")
    with pytest.raises(refused, match="needs an ACTIVE solution version"):
        cloud.control.create_solution_version(solutionArn=first, trainingMode="UPDATE")
    cloud.train(first)
    version = cloud.train(first, trainingMode="UPDATE")
    described = cloud.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert described["trainingMode"] == "UPDATE"


def test_a_group_without_interactions_cannot_be_trained_on(cloud: Cloud) -> None:
    solution = cloud.solution("empty", cloud.group("empty"), "aws-user-personalization-v2")
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="no ACTIVE Interactions dataset"):
        cloud.control.create_solution_version(solutionArn=solution)


def test_a_version_keeps_the_configuration_it_was_trained_with(cloud: Cloud) -> None:
    solution = cloud.solution("steady", filled(cloud, "steady"), "aws-popularity-count")

    def configuration(version: str) -> Any:
        found = cloud.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
        return found["solutionConfig"]

    first = cloud.train(solution)
    before = configuration(first)
    weights = [{"eventType": "view", "weight": 0.5}, {"eventType": "enroll", "weight": 1.0}]
    events = {"eventsConfig": {"eventParametersList": weights}}
    cloud.control.update_solution(solutionArn=solution, solutionUpdateConfig=events)
    cloud.wait(cloud.control.describe_solution, slot="latestSolutionUpdate", solutionArn=solution)
    assert configuration(first) == before
    assert configuration(cloud.train(solution)).items() >= events.items()
