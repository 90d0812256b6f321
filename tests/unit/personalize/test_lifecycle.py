"""Statuses, dependencies, quotas, restarts: how resources live and die."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.personalize.cloud import INTERACTION_FIELDS, filled, gone, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.personalize.cloud import Cloud, School

HEADER = [field["name"] for field in INTERACTION_FIELDS]
DEADLINE = 20.0


def statuses(describe: Callable[[], dict[str, Any]], last: str) -> list[str]:
    """The distinct statuses a poller sees, in order, until the last."""
    seen: list[str] = []
    deadline = time.monotonic() + DEADLINE
    while not seen or seen[-1] != last:
        assert time.monotonic() < deadline, seen
        status = str(describe()["status"])
        if not seen or seen[-1] != status:
            seen.append(status)
    return seen


def test_a_poller_sees_every_status_in_order(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path, time_scale=0.02)
    arn = cloud.control.create_dataset_group(name="slow")["datasetGroupArn"]
    began = time.monotonic()
    seen = statuses(lambda: cloud.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"], "ACTIVE")
    assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]
    assert time.monotonic() - began >= 60 * 0.02 * 0.9
    cloud.control.delete_dataset_group(datasetGroupArn=arn)
    assert cloud.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["status"] == "DELETE PENDING"
    with pytest.raises(cloud.control.exceptions.ResourceInUseException):
        cloud.control.delete_dataset_group(datasetGroupArn=arn)
    gone(cloud, cloud.control.describe_dataset_group, datasetGroupArn=arn)


def test_names_are_unique(cloud: Cloud, school: School, campaign: str) -> None:
    version = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    schema = cloud.control.describe_dataset(datasetArn=school.users)["dataset"]["schemaArn"]
    taken = cloud.control.exceptions.ResourceAlreadyExistsException
    attempts: list[Callable[[], object]] = [
        lambda: cloud.control.create_dataset_group(name="school"),
        lambda: cloud.schema("Users", INTERACTION_FIELDS),
        lambda: cloud.control.create_dataset(
            name="other", datasetGroupArn=school.group, datasetType="users", schemaArn=schema
        ),
        lambda: cloud.start_import("items", school.items, "s3://bucket/items.csv"),
        lambda: cloud.solution("personal", school.group, "aws-popularity-count"),
        lambda: cloud.control.create_campaign(name="personal", solutionVersionArn=version),
    ]
    for create in attempts:
        with pytest.raises(taken, match="already exists"):
            create()


def test_a_named_version_exists_once_in_its_solution(cloud: Cloud, school: School) -> None:
    solution = cloud.solution("named", school.group, "aws-popularity-count")
    cloud.train(solution, name="night-1")
    with pytest.raises(cloud.control.exceptions.ResourceAlreadyExistsException, match="night-1"):
        cloud.control.create_solution_version(solutionArn=solution, name="night-1")
    described = cloud.control.describe_solution(solutionArn=solution)["solution"]
    assert described["latestSolutionVersion"]["trainingType"] == "MANUAL"
    assert described["performAutoTraining"] is False


def test_nothing_is_deleted_while_others_depend_on_it(cloud: Cloud, school: School, campaign: str) -> None:
    deployed = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    solution = deployed.rpartition("/")[0]
    schema = cloud.control.describe_dataset(datasetArn=school.users)["dataset"]["schemaArn"]
    in_use = cloud.control.exceptions.ResourceInUseException
    attempts: list[Callable[[], object]] = [
        lambda: cloud.control.delete_dataset_group(datasetGroupArn=school.group),
        lambda: cloud.control.delete_schema(schemaArn=schema),
        lambda: cloud.control.delete_solution(solutionArn=solution),
    ]
    for delete in attempts:
        with pytest.raises(in_use, match="currently using"):
            delete()
    assert cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["status"] == "ACTIVE"


def test_what_is_not_ready_cannot_be_built_on(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path, time_scale=1.0)
    group = cloud.control.create_dataset_group(name="slow")["datasetGroupArn"]
    schema = cloud.schema("Interactions", INTERACTION_FIELDS)
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="CREATE PENDING"):
        cloud.control.create_dataset(name="d", datasetGroupArn=group, datasetType="Interactions", schemaArn=schema)
    # CreateFilter knows no ResourceInUse: the refusal takes the code its model lists.
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="CREATE PENDING"):
        cloud.control.create_filter(name="f", datasetGroupArn=group, filterExpression="x")


def test_after_a_kill_jobs_have_failed_and_the_rest_is_as_it_was(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path)
    group = filled(cloud, "killed")
    solution = cloud.solution("killed", group, "aws-user-personalization-v2", tags=[{"tagKey": "a", "tagValue": "b"}])
    campaign = cloud.deploy("killed", cloud.train(solution))
    expected = cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-3")["itemList"]
    cloud.service._account.faults.add({"job": "SolutionVersion", "effect": "hang"})
    cloud.service._account.faults.add({"job": "DatasetImportJob", "effect": "hang"})
    version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    dataset = group.replace(":dataset-group/", ":dataset/") + "/INTERACTIONS"
    job = cloud.start_import("never", dataset, "s3://bucket/killed.csv")
    cloud.service.close()

    again = launch(tmp_path)
    found = again.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert (found["status"], found["failureReason"]) == (
        "CREATE FAILED",
        "The service was stopped while this job was running.",
    )
    found = again.control.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"]
    assert found["status"] == "CREATE FAILED"
    assert again.runtime.get_recommendations(campaignArn=campaign, userId="user-3")["itemList"] == expected
    assert again.control.list_tags_for_resource(resourceArn=solution)["tags"] == [{"tagKey": "a", "tagValue": "b"}]
    again.train(solution)


def described(cloud: Cloud, version: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.control.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    return found


def test_a_pending_training_is_stopped_at_once_and_a_running_one_soon(
    launch: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = launch(tmp_path, time_scale=0.005)
    solution = cloud.solution("early", filled(cloud, "early"), "aws-popularity-count")
    for running in (False, True):
        version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
        assert described(cloud, version)["status"] == "CREATE PENDING"
        if running:
            statuses(lambda arn=version: described(cloud, arn), "CREATE IN_PROGRESS")  # type: ignore[misc]
        cloud.control.stop_solution_version_creation(solutionVersionArn=version)
        seen = statuses(lambda arn=version: described(cloud, arn), "CREATE STOPPED")  # type: ignore[misc]
        assert seen == ["CREATE STOPPING", "CREATE STOPPED"][not running :]


def test_a_stopped_training_ends_stopped(cloud: Cloud) -> None:
    group = filled(cloud, "stopping")
    solution = cloud.solution("stopping", group, "aws-user-personalization-v2")
    cloud.service._account.faults.add({"job": "SolutionVersion", "effect": "hang"})
    version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="not ACTIVE"):
        cloud.control.get_solution_metrics(solutionVersionArn=version)
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="currently using"):
        cloud.control.delete_solution(solutionArn=solution)
    statuses(lambda: described(cloud, version), "CREATE IN_PROGRESS")
    cloud.control.stop_solution_version_creation(solutionVersionArn=version)
    cloud.wait(cloud.control.describe_solution_version, status="CREATE STOPPED", solutionVersionArn=version)
    cloud.service._account.faults.clear()
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="cannot be stopped"):
        cloud.control.stop_solution_version_creation(solutionVersionArn=version)


def test_the_work_of_a_stopped_training_ends(cloud: Cloud) -> None:
    endless = {"algorithmHyperParameters": {"endless": "yes"}}
    solution = cloud.solution("endless", filled(cloud, "endless"), "aws-popularity-count", solutionConfig=endless)
    version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    busy = cloud.service._account.pool._busy
    until(lambda: version in busy)
    cloud.control.stop_solution_version_creation(solutionVersionArn=version)
    until(lambda: version not in busy)


def test_a_deleted_group_leaves_nothing(cloud: Cloud) -> None:
    group = filled(cloud, "leaving")
    solution = cloud.solution("leaving", group, "aws-popularity-count")
    version = cloud.train(solution)
    campaign = cloud.deploy("leaving", version)
    tracker = cloud.control.create_event_tracker(name="leaving", datasetGroupArn=group)["eventTrackerArn"]
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=tracker)
    dataset = group.replace(":dataset-group/", ":dataset/") + "/INTERACTIONS"
    control = cloud.control
    control.delete_campaign(campaignArn=campaign)
    gone(cloud, control.describe_campaign, campaignArn=campaign)
    control.delete_solution(solutionArn=solution)
    gone(cloud, control.describe_solution_version, solutionVersionArn=version)
    control.delete_event_tracker(eventTrackerArn=tracker)
    gone(cloud, control.describe_event_tracker, eventTrackerArn=tracker)
    control.delete_dataset(datasetArn=dataset)
    gone(cloud, control.describe_dataset, datasetArn=dataset)
    control.delete_dataset_group(datasetGroupArn=group)
    gone(cloud, control.describe_dataset_group, datasetGroupArn=group)
    control.delete_schema(schemaArn=group.replace(":dataset-group/", ":schema/"))


def test_a_status_does_not_go_back_over_a_restart(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path, time_scale=0.01)
    arn = cloud.control.create_dataset_group(name="interrupted")["datasetGroupArn"]

    def group(cloud: Cloud) -> dict[str, Any]:
        found: dict[str, Any] = cloud.control.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]
        return found

    statuses(lambda: group(cloud), "CREATE IN_PROGRESS")
    cloud.service.close()
    again = launch(tmp_path, time_scale=0.01)
    assert statuses(lambda: group(again), "ACTIVE") == ["CREATE IN_PROGRESS", "ACTIVE"]
