"""How many of a kind there may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.personalize.cloud import ITEM_FIELDS, filled

if TYPE_CHECKING:
    from tests.unit.personalize.cloud import Cloud


def test_an_eleventh_filter_is_refused(cloud: Cloud) -> None:
    group = cloud.group("filters")
    cloud.dataset(group, "Items", cloud.schema("filters", ITEM_FIELDS))
    for number in range(10):
        cloud.control.create_filter(
            name=f"f{number}", datasetGroupArn=group, filterExpression=f"EXCLUDE ItemID WHERE Items.PRICE > {number}"
        )
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="More than 10 filters"):
        cloud.control.create_filter(
            name="f10", datasetGroupArn=group, filterExpression="EXCLUDE ItemID WHERE Items.PRICE > 11"
        )


def test_a_group_has_one_tracker(cloud: Cloud) -> None:
    group = cloud.group("tracked")
    cloud.control.create_event_tracker(name="first", datasetGroupArn=group)
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="Only one event tracker"):
        cloud.control.create_event_tracker(name="second", datasetGroupArn=group)


def test_in_one_group_are_ten_solutions_and_five_campaigns(cloud: Cloud) -> None:
    group = filled(cloud, "quotas")
    recipe = "arn:aws:personalize:::recipe/aws-popularity-count"
    ask = {"datasetGroupArn": group, "recipeArn": recipe, "performAutoTraining": False}
    solutions = [cloud.control.create_solution(name=f"quota-{n}", **ask)["solutionArn"] for n in range(10)]
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="More than 10 solutions"):
        cloud.control.create_solution(name="quota-10", **ask)
    cloud.wait(cloud.control.describe_solution, solutionArn=solutions[0])
    version = cloud.train(solutions[0])
    for number in range(5):
        cloud.control.create_campaign(name=f"quota-{number}", solutionVersionArn=version)
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="More than 5 campaigns"):
        cloud.control.create_campaign(name="quota-5", solutionVersionArn=version)


def test_a_twenty_first_version_in_training_is_refused(cloud: Cloud) -> None:
    solution = cloud.solution("crowded", filled(cloud, "crowded"), "aws-popularity-count")
    account = cloud.service._account
    account.faults.add({"job": "SolutionVersion", "effect": "hang"})
    versions = [cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"] for _ in range(20)]
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="More than 20"):
        cloud.control.create_solution_version(solutionArn=solution)
    for version in versions:
        cloud.control.stop_solution_version_creation(solutionVersionArn=version)


def test_the_filters_of_a_group_read_ten_fields(cloud: Cloud) -> None:
    fields = [{"name": f"F{number}", "type": ["null", "int"]} for number in range(11)]
    group = cloud.group("fields")
    cloud.dataset(group, "Items", cloud.schema("fields", [*ITEM_FIELDS, *fields]))
    for first in (0, 5):
        conditions = " AND ".join(f"Items.F{number} > 1" for number in range(first, first + 5))
        cloud.control.create_filter(
            name=f"fields-{first}", datasetGroupArn=group, filterExpression=f"EXCLUDE ItemID WHERE {conditions}"
        )
    eleventh = "EXCLUDE ItemID WHERE Items.F0 > 1 AND Items.F10 > 1"
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="10 distinct dataset fields"):
        cloud.control.create_filter(name="fields-10", datasetGroupArn=group, filterExpression=eleventh)
