"""Jobs that run beside each other on the same data."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

from local.personalize import lifecycle
from local.personalize.store import DATASET, IMPORT_JOB
from tests.unit.personalize.cloud import DEADLINE, INTERACTION_FIELDS, ROLE, filled, interaction_rows, until

if TYPE_CHECKING:
    import pytest

    from tests.unit.personalize.cloud import Cloud

HEADER = [field["name"] for field in INTERACTION_FIELDS]


def begin_together(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next two jobs begin their work only when both have looked up what there is to change."""
    pool = cloud.service._account.pool
    work, both, number = pool._work, threading.Event(), itertools.count(1)

    def begin(*job: Any) -> None:
        if next(number) == 2:
            both.set()
        assert both.wait(DEADLINE)
        work(*job)

    monkeypatch.setattr(pool, "_work", begin)


def test_two_incremental_imports_at_once_both_count(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = cloud.dataset(cloud.group("both"), "Interactions", cloud.schema("both", INTERACTION_FIELDS))
    cloud.run_import("both-0", dataset, cloud.upload("bucket/both.csv", HEADER, interaction_rows()))
    begin_together(cloud, monkeypatch)
    jobs = []
    for number in (1, 2):
        rows = [[f"new-{number}-{row[0]}", *row[1:]] for row in interaction_rows()]
        location = cloud.upload(f"bucket/both-{number}.csv", HEADER, rows)
        jobs.append(cloud.start_import(f"both-{number}", dataset, location, "INCREMENTAL"))
    for job in jobs:
        cloud.wait(cloud.control.describe_dataset_import_job, datasetImportJobArn=job)
    account = cloud.service._account
    bulk = account.serving.bulk(account.store.find(DATASET, dataset))
    assert len(bulk.interactions) == 3 * len(interaction_rows())


def test_an_import_whose_dataset_always_changes_ends(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = cloud.dataset(cloud.group("restless"), "Interactions", cloud.schema("restless", INTERACTION_FIELDS))
    location = cloud.upload("bucket/restless.csv", HEADER, interaction_rows())
    cloud.run_import("restless-0", dataset, location)
    account, tried = cloud.service._account, []
    work = account.pool._work

    def after_a_change(job: str, *rest: Any) -> None:
        tried.append(job)
        account.store.find(IMPORT_JOB, job).private["base"] = "files/of-another-job.npz"
        work(job, *rest)

    monkeypatch.setattr(account.pool, "_work", after_a_change)
    monkeypatch.setattr(lifecycle, "ATTEMPTS", 3)
    assert "kept changing the dataset" in cloud.failed_import("restless-1", dataset, location, "INCREMENTAL")
    assert len(tried) == 3


def test_two_deletion_jobs_at_once_both_delete(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    group = filled(cloud, "twice")
    begin_together(cloud, monkeypatch)
    jobs = []
    for user in ("user-1", "user-2"):
        location = cloud.upload(f"bucket/twice/{user}.csv", ["USER_ID"], [[user]])
        made = cloud.control.create_data_deletion_job(
            jobName=f"twice-{user}", datasetGroupArn=group, dataSource={"dataLocation": location}, roleArn=ROLE
        )
        jobs.append(made["dataDeletionJobArn"])
    for job in jobs:
        record = cloud.wait(cloud.control.describe_data_deletion_job, status="COMPLETED", dataDeletionJobArn=job)
        assert record["numDeleted"] == 8
    serving = cloud.service._account.serving
    assert [len(serving.past(group, f"user-{user}").items) for user in (1, 2, 3)] == [0, 0, 8]


def test_a_training_beside_a_full_import_trains_on_what_it_began_with(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = filled(cloud, "alongside")
    solution = cloud.solution("alongside", group, "aws-popularity-count")
    account = cloud.service._account
    ordered, imported, work = threading.Event(), threading.Event(), account.pool._work

    def begin(job: str, order: dict[str, Any], future: Any) -> None:
        if order["task"] == "train":
            ordered.set()
            assert imported.wait(cloud.patience)
        work(job, order, future)

    monkeypatch.setattr(account.pool, "_work", begin)
    version = cloud.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    assert ordered.wait(cloud.patience)
    dataset = account.serving.dataset(group, "INTERACTIONS")
    assert dataset is not None
    snapshot = account.directory / dataset.private["snapshot"]
    cloud.run_import("alongside-2", dataset.arn, "s3://bucket/alongside.csv")
    imported.set()
    cloud.wait(cloud.control.describe_solution_version, solutionVersionArn=version)
    until(lambda: not snapshot.exists())
