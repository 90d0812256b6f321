"""Batch inference and data deletion jobs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from local.personalize.store import BATCH_JOB
from tests.unit.personalize.cloud import (
    INTERACTION_FIELDS,
    ITEMS,
    ROLE,
    T0,
    USER_FIELDS,
    filled,
    interaction_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.personalize.cloud import Cloud, School


def run_batch(cloud: Cloud, name: str, version: str, lines: list[Any], **more: Any) -> list[dict[str, Any]]:
    """What a batch job answers to the lines."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    cloud.store.objects[f"bucket/batch/{name}.json"] = "\n".join(texts).encode()
    job = cloud.control.create_batch_inference_job(
        jobName=name,
        solutionVersionArn=version,
        roleArn=ROLE,
        jobInput={"s3DataSource": {"path": f"s3://bucket/batch/{name}.json"}},
        jobOutput={"s3DataDestination": {"path": "s3://bucket/answers/"}},
        **more,
    )["batchInferenceJobArn"]
    cloud.wait(cloud.control.describe_batch_inference_job, batchInferenceJobArn=job)
    return [json.loads(line) for line in cloud.store.objects[f"bucket/answers/{name}.json.out"].splitlines()]


@pytest.fixture(scope="module")
def version(cloud: Cloud, campaign: str) -> str:
    arn: str = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    return arn


def test_a_batch_job_answers_as_the_campaign_does(cloud: Cloud, campaign: str, version: str) -> None:
    answers = run_batch(cloud, "batch", version, [{"userId": "user-0"}, {"userId": "user-7"}], numResults=4)
    assert [answer["error"] for answer in answers] == [None, None]
    for answer in answers:
        live = cloud.runtime.get_recommendations(campaignArn=campaign, numResults=4, **answer["input"])["itemList"]
        assert answer["output"]["recommendedItems"] == [item["itemId"] for item in live]
        assert answer["output"]["scores"] == pytest.approx([item["score"] for item in live])


def test_a_batch_job_applies_its_filter_line_by_line(cloud: Cloud, school: School, version: str) -> None:
    chosen = cloud.control.create_filter(
        name="batch", datasetGroupArn=school.group, filterExpression="INCLUDE ItemID WHERE Items.TYPE IN ($KIND)"
    )["filterArn"]
    cloud.wait(cloud.control.describe_filter, filterArn=chosen)
    lines = [{"userId": "user-0", "filterValues": {"KIND": '"quiz"'}}, {"userId": "user-0"}]
    quizzes, unfilled = run_batch(cloud, "filtered", version, lines, filterArn=chosen)
    assert set(quizzes["output"]["recommendedItems"]) == {ITEMS[at] for at in (0, 3, 6, 9)}
    assert "KIND is missing" in unfilled["error"]


def test_a_bad_line_is_told_and_does_not_stop_the_others(cloud: Cloud, version: str) -> None:
    bad, missing, good = run_batch(cloud, "lines", version, ["{", {"itemId": "x"}, {"userId": "user-1"}])
    assert bad["error"].startswith("User error")
    assert missing == {
        "input": {"itemId": "x"},
        "output": {"recommendedItems": []},
        "error": "User error: Required fields for the provided recipe are userId",
    }
    assert good["error"] is None


def test_a_line_of_the_wrong_types_is_told_and_does_not_stop_the_others(cloud: Cloud, version: str) -> None:
    lines = [
        {"userId": 12},
        {"userId": ["u"]},
        {"userId": "u" * 257},
        {"userId": "\ud800"},
        {"userId": "user-0", "filterValues": ["x"]},
        {"userId": "user-0", "filterValues": {"KIND": 1}},
        "[" * 2_000,
        '{"userId": NaN}',
        {"userId": "user-1", "promotions": 7, "filterArn": 8},
    ]
    *bad, good = run_batch(cloud, "types", version, lines, numResults=2)
    reasons = [
        "'12' at 'userId' .* type string",
        "'userId' .* type string",
        "'userId' .* length less than or equal to 256",
        "'userId' .* valid Unicode",
        "'filterValues' .* type map",
        "'1' at 'filterValues.KIND' .* type string",
        "nested more than 100 deep",
        "NaN is no number",
    ]
    for answer, reason in zip(bad, reasons, strict=True):
        assert answer["output"] == {"recommendedItems": []}
        assert re.search(f"^User error: .*{reason}", answer["error"]), answer
    assert good["error"] is None
    assert len(good["output"]["recommendedItems"]) == 2

    ranking = cloud.train(cloud.solution("lines", filled(cloud, "lines"), "aws-personalized-ranking-v2"))
    whole, single, good = run_batch(
        cloud, "lists", ranking, [{"userId": "u", "itemList": it} for it in (5, ["a", 5], [ITEMS[0]])]
    )
    assert "'5' at 'itemList' failed to satisfy constraint: Member must have type list" in whole["error"]
    assert "'5' at 'itemList.2.member'" in single["error"]
    assert good["output"]["recommendedItems"] == [ITEMS[0]]


def test_a_batch_job_without_input_fails(cloud: Cloud, version: str) -> None:
    job = cloud.control.create_batch_inference_job(
        jobName="inputless",
        solutionVersionArn=version,
        roleArn=ROLE,
        jobInput={"s3DataSource": {"path": "s3://bucket/nothing/"}},
        jobOutput={"s3DataDestination": {"path": "s3://bucket/answers/"}},
    )["batchInferenceJobArn"]
    record = cloud.wait(cloud.control.describe_batch_inference_job, status="CREATE FAILED", batchInferenceJobArn=job)
    assert "No JSON files" in record["failureReason"]


def test_a_deletion_job_leaves_no_trace_of_its_users(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path)
    group = cloud.group("erasing")
    interactions = cloud.dataset(group, "Interactions", cloud.schema("erasing-i", INTERACTION_FIELDS))
    users = cloud.dataset(group, "Users", cloud.schema("erasing-u", USER_FIELDS))
    header = [field["name"] for field in INTERACTION_FIELDS]
    cloud.run_import("erasing-i", interactions, cloud.upload("bucket/e/i.csv", header, interaction_rows(140)))
    people = [[f"user-{user}", "vi", 20] for user in range(3)]
    cloud.run_import("erasing-u", users, cloud.upload("bucket/e/u.csv", [f["name"] for f in USER_FIELDS], people))
    tracker = cloud.control.create_event_tracker(name="erasing", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    for user in ("user-1", "user-2"):
        event = {"eventType": "view", "itemId": ITEMS[0], "sentAt": T0 + 999}
        cloud.events.put_events(trackingId=tracker["trackingId"], userId=user, sessionId=user, eventList=[event])
    cloud.events.put_users(datasetArn=users, users=[{"userId": "user-1", "properties": '{"locale": "en"}'}])

    # Both the folder and its sub-folders are read.
    cloud.upload("bucket/gone/1.csv", ["USER_ID"], [["user-99"]])
    location = cloud.upload("bucket/gone/more/2.csv", ["USER_ID"], [["user-1"]]).removesuffix("more/2.csv")
    job = cloud.control.create_data_deletion_job(
        jobName="erasing", datasetGroupArn=group, dataSource={"dataLocation": location}, roleArn=ROLE
    )["dataDeletionJobArn"]
    record = cloud.wait(cloud.control.describe_data_deletion_job, status="COMPLETED", dataDeletionJobArn=job)

    serving = cloud.service._account.serving
    # 8 imported rows each, one live event, one imported and one put profile.
    assert record["numDeleted"] == 8 + 8 + 1 + 1 + 1
    assert serving.past(group, "user-1").items == serving.past(group, "user-99").items == []
    assert serving.user(group, "user-1") == {}
    assert len(serving.past(group, "user-2").items) == 9
    assert serving.user(group, "user-2") == {"LOCALE": "vi", "AGE": 20}
    files = cloud.service._account.directory / "files"
    for name in (path.name for path in files.iterdir()):
        resource = next((r for r in cloud.service._account.store if f"files/{name}" in r.private.values()), None)
        assert resource is not None, f"{name} belongs to nothing"


@pytest.mark.parametrize(
    ("header", "reason"), [(["user"], r"missing the following columns: [USER_ID]"), (["USER_ID"], "has no value")]
)
def test_a_deletion_list_that_cannot_be_read_fails_the_job(
    cloud: Cloud, school: School, header: list[str], reason: str
) -> None:
    name = f"bad-{header[0].lower().replace('_', '-')}"
    location = cloud.upload(f"bucket/e/{name}.csv", [*header, "X"], [["", "x"]])
    job = cloud.control.create_data_deletion_job(
        jobName=name, datasetGroupArn=school.group, dataSource={"dataLocation": location}, roleArn=ROLE
    )["dataDeletionJobArn"]
    record = cloud.wait(cloud.control.describe_data_deletion_job, status="FAILED", dataDeletionJobArn=job)
    assert reason in record["failureReason"]


def test_a_batch_job_explores_as_configured(cloud: Cloud, campaign: str, version: str) -> None:
    del campaign
    lines = [{"userId": "user-0"}]
    (plain,) = run_batch(cloud, "unexplored", version, lines, numResults=4)
    exploration = {"itemExplorationConfig": {"explorationWeight": "0.5"}}
    (found,) = run_batch(cloud, "explored", version, lines, numResults=4, batchInferenceJobConfig=exploration)
    assert len(set(found["output"]["recommendedItems"]) - set(plain["output"]["recommendedItems"])) == 2


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_job_has_at_most_500_results_a_line(cloud: Cloud, version: str, count: int) -> None:
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="numResults"):
        run_batch(cloud, "too-many", version, [], numResults=count)


def test_five_jobs_of_a_kind_run_at_a_time(cloud: Cloud, school: School, version: str) -> None:
    account = cloud.service._account
    for kind in ("BatchInferenceJob", "DataDeletionJob"):
        account.faults.add({"job": kind, "effect": "hang"})
    batch = {
        "solutionVersionArn": version,
        "roleArn": ROLE,
        "jobInput": {"s3DataSource": {"path": "s3://bucket/in.json"}},
        "jobOutput": {"s3DataDestination": {"path": "s3://bucket/out/"}},
    }
    deletion = {
        "datasetGroupArn": school.group,
        "roleArn": ROLE,
        "dataSource": {"dataLocation": "s3://bucket/gone.csv"},
    }
    for create, given in (
        (cloud.control.create_batch_inference_job, batch),
        (cloud.control.create_data_deletion_job, deletion),
    ):
        made = [create(jobName=f"crowd-{number}", **given) for number in range(5)]
        with pytest.raises(cloud.control.exceptions.LimitExceededException, match="More than 5"):
            create(jobName="crowd-6", **given)
        for answer in made:
            arn = next(value for name, value in answer.items() if name.endswith("Arn"))
            job = account.store.get(arn)
            assert job is not None
            account.lifecycle.cancel(job)
            account.store.remove(job)


def test_a_solution_stays_while_a_batch_job_works_with_it(cloud: Cloud) -> None:
    solution = cloud.solution("batching", filled(cloud, "batching"), "aws-popularity-count")
    account = cloud.service._account
    account.faults.add({"job": "BatchInferenceJob", "name": "batching", "effect": "hang"})
    arn = cloud.control.create_batch_inference_job(
        jobName="batching",
        solutionVersionArn=cloud.train(solution),
        roleArn=ROLE,
        jobInput={"s3DataSource": {"path": "s3://bucket/in.json"}},
        jobOutput={"s3DataDestination": {"path": "s3://bucket/out/"}},
    )["batchInferenceJobArn"]
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match=f"currently using .*{arn}"):
        cloud.control.delete_solution(solutionArn=solution)
    account.lifecycle.cancel(account.store.find(BATCH_JOB, arn))
    account.store.remove(account.store.find(BATCH_JOB, arn))
    cloud.control.delete_solution(solutionArn=solution)
