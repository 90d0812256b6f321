"""The service as a server: listings, tags, faults, what is not there."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.personalize.cloud import USER_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.personalize.cloud import Cloud, School


def names(answer: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in answer["recipes"]]


def test_a_listing_comes_in_pages(cloud: Cloud) -> None:
    pages = cloud.control.get_paginator("list_recipes").paginate(PaginationConfig={"PageSize": 3})
    found = [names(page) for page in pages]
    assert [len(page) for page in found] == [3, 3, 2]
    assert [name for page in found for name in page] == names(cloud.control.list_recipes())


def test_a_listing_skips_nothing_when_what_it_showed_is_deleted(cloud: Cloud) -> None:
    made = {cloud.schema(f"paged-{number}", USER_FIELDS) for number in range(8)}
    for page in cloud.control.get_paginator("list_schemas").paginate(PaginationConfig={"PageSize": 3}):
        for arn in {schema["schemaArn"] for schema in page["schemas"]} & made:
            cloud.control.delete_schema(schemaArn=arn)
    assert not {schema["schemaArn"] for schema in cloud.control.list_schemas()["schemas"]} & made


def test_a_token_of_another_listing_is_refused(cloud: Cloud, school: School) -> None:
    token = cloud.control.list_recipes(maxResults=1)["nextToken"]
    for wrong in (token, "nonsense"):
        with pytest.raises(cloud.control.exceptions.InvalidNextTokenException):
            cloud.control.list_datasets(datasetGroupArn=school.group, maxResults=1, nextToken=wrong)


def test_listings_show_what_belongs_to_their_parent(cloud: Cloud, school: School) -> None:
    cloud.dataset(cloud.group("other-group"), "Users", cloud.schema("other-group", USER_FIELDS))
    found = cloud.control.list_datasets(datasetGroupArn=school.group)["datasets"]
    assert [entry["datasetType"] for entry in found] == ["INTERACTIONS", "ITEMS", "USERS"]
    assert all(entry["datasetArn"] for entry in found)


def test_recipes_describe_their_algorithm_and_transformation(cloud: Cloud) -> None:
    arn = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    recipe = cloud.control.describe_recipe(recipeArn=arn)["recipe"]
    assert recipe["recipeType"] == "USER_PERSONALIZATION"
    assert cloud.control.describe_algorithm(algorithmArn=recipe["algorithmArn"])["algorithm"]["algorithmArn"]
    transformation = cloud.control.describe_feature_transformation(
        featureTransformationArn=recipe["featureTransformationArn"]
    )
    assert transformation["featureTransformation"]["status"] == "ACTIVE"
    with pytest.raises(cloud.control.exceptions.ResourceNotFoundException):
        cloud.control.describe_recipe(recipeArn=arn + "-none")


@pytest.mark.parametrize(
    ("name", "algorithm", "transformation", "parameters"),
    [
        ("aws-trending-now", "aws-trending-now-custom", None, {"trend_discovery_frequency": "2 hours"}),
        ("aws-sims", "aws-sims", "sims", {"max_item_interaction_count_percentile": "0.9"}),
        ("aws-popularity-count", "aws-popularity-count", "sims", {"max_user_history_length_percentile": "0.995"}),
        (
            "aws-personalized-ranking",
            "aws-personalized-ranking",
            "JSON-percentile-filtering",
            {"max_user_history_length_percentile": "0.99"},
        ),
    ],
)
def test_algorithms_and_transformations_have_the_names_of_the_developer_guide(
    cloud: Cloud, name: str, algorithm: str, transformation: str | None, parameters: dict[str, str]
) -> None:
    found = cloud.control.describe_recipe(recipeArn=f"arn:aws:personalize:::recipe/{name}")["recipe"]
    assert found["algorithmArn"] == f"arn:aws:personalize:::algorithm/{algorithm}"
    arn = found["featureTransformationArn"]
    if transformation:
        assert arn == f"arn:aws:personalize:::feature-transformation/{transformation}"
    assert cloud.control.describe_algorithm(algorithmArn=found["algorithmArn"])["algorithm"]["name"] == algorithm
    told = cloud.control.describe_feature_transformation(featureTransformationArn=arn)["featureTransformation"]
    assert told["name"] == arn.rpartition("/")[2]
    assert told["defaultParameters"].items() >= parameters.items()
    for describe, member, unknown in (
        (cloud.control.describe_algorithm, "algorithmArn", "arn:aws:personalize:::algorithm/sims"),
        (cloud.control.describe_feature_transformation, "featureTransformationArn", f"{arn}-none"),
    ):
        with pytest.raises(cloud.control.exceptions.ResourceNotFoundException):
            describe(**{member: unknown})


def test_tags_are_added_replaced_and_removed(cloud: Cloud) -> None:
    arn = cloud.control.create_dataset_group(name="tagged", tags=[{"tagKey": "a", "tagValue": "1"}])["datasetGroupArn"]
    cloud.control.tag_resource(
        resourceArn=arn, tags=[{"tagKey": "a", "tagValue": "2"}, {"tagKey": "trường", "tagValue": ""}]
    )
    assert cloud.control.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"tagKey": "a", "tagValue": "2"},
        {"tagKey": "trường", "tagValue": ""},
    ]
    cloud.control.untag_resource(resourceArn=arn, tagKeys=["a", "absent"])
    assert [tag["tagKey"] for tag in cloud.control.list_tags_for_resource(resourceArn=arn)["tags"]] == ["trường"]


def test_too_many_tags_are_refused(cloud: Cloud, school: School) -> None:
    tags = [{"tagKey": f"k{number}", "tagValue": "v"} for number in range(51)]
    with pytest.raises(cloud.control.exceptions.TooManyTagsException):
        cloud.control.create_dataset_group(name="many", tags=tags)
    with pytest.raises(cloud.control.exceptions.TooManyTagsException):
        cloud.control.tag_resource(resourceArn=school.group, tags=tags)
    with pytest.raises(cloud.control.exceptions.TooManyTagKeysException):
        cloud.control.untag_resource(resourceArn=school.group, tagKeys=[tag["tagKey"] for tag in tags])
    with pytest.raises(cloud.control.exceptions.ResourceNotFoundException):
        cloud.control.list_tags_for_resource(resourceArn=school.group + "-none")


@pytest.mark.parametrize("tag", [{"tagKey": "aws:a", "tagValue": "b"}, {"tagKey": "a", "tagValue": "aws:b"}])
def test_tags_that_are_reserved_for_aws_are_refused(cloud: Cloud, school: School, tag: dict[str, str]) -> None:
    refused = cloud.control.exceptions.InvalidInputException
    with pytest.raises(refused, match="cannot start with aws:"):
        cloud.control.create_dataset_group(name="reserved", tags=[tag])
    with pytest.raises(refused, match="cannot start with aws:"):
        cloud.control.tag_resource(resourceArn=school.group, tags=[tag])


def test_what_is_not_implemented_says_what_is(cloud: Cloud, school: School) -> None:
    with pytest.raises(ClientError, match=r"CreateRecommender is not implemented here. Implemented: .*CreateCampaign"):
        cloud.control.create_recommender(
            name="r", datasetGroupArn=school.group, recipeArn="arn:aws:personalize:::recipe/aws-vod-top-picks"
        )
    with pytest.raises(ClientError) as refused:
        cloud.runtime.get_action_recommendations(campaignArn=school.group)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.fixture
def faults(cloud: Cloud) -> Iterator[Callable[..., int]]:
    """Change the fault rules over HTTP."""

    def change(method: str = "POST", **rule: Any) -> int:
        body = json.dumps(rule).encode()
        request = urllib.request.Request(f"{cloud.url}/_personalize/faults", body, method=method)
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)

    yield change
    change("DELETE")


def test_a_share_of_calls_can_be_throttled(cloud: Cloud, faults: Callable[..., int]) -> None:
    assert faults(operation="List*", effect="throttle", share=0.5) == 200
    codes = []
    for _ in range(40):
        try:
            cloud.control.list_schemas()
            codes.append("")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert set(codes) == {"", "ThrottlingException"}
    assert 8 < codes.count("ThrottlingException") < 32
    assert cloud.control.describe_recipe(recipeArn="arn:aws:personalize:::recipe/aws-sims")


def test_answers_can_be_slowed(cloud: Cloud, faults: Callable[..., int]) -> None:
    faults(operation="ListSchemas", effect="delay", seconds=0.3, times=1)
    began = time.monotonic()
    cloud.control.list_schemas()
    assert time.monotonic() - began >= 0.3


def test_jobs_can_be_failed_and_stopped(cloud: Cloud, school: School, faults: Callable[..., int]) -> None:
    solution = cloud.solution("faulty", school.group, "aws-popularity-count")
    faults(job="SolutionVersion", name="night-*", effect="fail", reason="out of luck", times=1)
    faults(job="SolutionVersion", effect="stop", times=1)
    described = []
    for name, status in (("night-1", "CREATE FAILED"), ("night-2", "CREATE STOPPED"), ("night-3", "ACTIVE")):
        arn = cloud.control.create_solution_version(solutionArn=solution, name=name)["solutionVersionArn"]
        described.append(cloud.wait(cloud.control.describe_solution_version, status=status, solutionVersionArn=arn))
    assert described[0]["failureReason"] == "out of luck"


SOME = {"operation": "*", "effect": "throttle"}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"job": "Campaign", "effect": "throttle"}, "names a job"),
        ({"effect": "fail"}, "names a job"),
        ({"job": "Campaign", "effect": "stop"}, "Only a SolutionVersion can be stopped"),
        ({"colour": "red"}, "has the fields effect, job"),
        (7, "has the fields"),
        ([["effect"]], "has the fields"),
        ({"effect": ["fail"], "job": "Campaign"}, "effect of a fault rule must be a string"),
        ({"effect": "fail", "job": "Nope"}, "job of a fault rule must be one of DatasetGroup, Dataset, .*not 'Nope'"),
        ({"effect": "fail", "job": "Schema"}, "job of a fault rule must be one of"),
        ({"effect": "fail", "job": "Campaign", "name": 5}, "name of a fault rule must be a string"),
        ({"effect": "fail", "job": "Campaign", "reason": None}, "reason of a fault rule must be a string"),
        ({**SOME, "operation": "GetRecommandations"}, "must be an operation, or a pattern that fits one"),
        ({**SOME, "share": "a"}, "share of a fault rule must be a number above 0, at most 1, not 'a'"),
        ({**SOME, "share": 1.5}, "share of a fault rule"),
        ({**SOME, "share": 0}, "share of a fault rule"),
        ({**SOME, "times": -1}, "times of a fault rule must be a whole number, at least 1, not -1"),
        ({**SOME, "times": 1.5}, "times of a fault rule"),
        ({**SOME, "times": True}, "times of a fault rule"),
        ({**SOME, "effect": "delay", "seconds": "long"}, "seconds of a fault rule must be a number, at least 0"),
        ([SOME, {**SOME, "seconds": -1}], "seconds of a fault rule"),
    ],
)
def test_a_senseless_fault_is_refused_with_its_reason_and_leaves_no_rule(cloud: Cloud, rule: Any, reason: str) -> None:
    request = urllib.request.Request(f"{cloud.url}/_personalize/faults", json.dumps(rule).encode(), method="POST")
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        urllib.request.urlopen(request)
    assert re.search(reason, json.loads(refused.value.read())["message"])
    assert cloud.control.list_schemas()


def test_the_side_door_is_shut_unless_opened(
    launch: Callable[..., Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def knock(name: str) -> int:
        url = launch(tmp_path / name).url
        with urllib.request.urlopen(urllib.request.Request(f"{url}/_personalize/faults", method="DELETE")) as answer:
            return int(answer.status)

    with pytest.raises(urllib.error.HTTPError, match="501"):
        knock("shut")
    monkeypatch.setenv("PERSONALIZE_ALLOW_FAULTS", "1")
    assert knock("open") == 200
