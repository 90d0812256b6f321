"""A disk without space left: jobs fail and say so, nothing hangs, and once there is space everything goes on."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.personalize import work
from tests.unit.personalize.cloud import filled, gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.personalize.cloud import Cloud, School

NO_SPACE = "The job could not read or write its files: No space left on device."
UNWRITTEN = "The service could not write its state: database or disk is full."
FULL_DEVICE = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")


class FullFrom:
    """A database in which the `at`-th writing statement, and all after it, find no space."""

    def __init__(self, database: Any, at: int) -> None:
        self.database, self.left = database, at

    def execute(self, statement: str, *values: Any) -> Any:
        if not statement.startswith("SELECT"):
            if self.left == 0:
                raise sqlite3.OperationalError("database or disk is full")
            self.left -= 1
        return self.database.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)


def ended(cloud: Cloud, job: str) -> tuple[str, str]:
    """Status and failureReason of an import job that passes through no further status."""
    deadline = time.monotonic() + cloud.patience
    while True:
        found = cloud.control.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"]
        if found["status"] not in {"CREATE PENDING", "CREATE IN_PROGRESS"}:
            return found["status"], found.get("failureReason", "")
        assert time.monotonic() < deadline, found


@FULL_DEVICE
def test_an_import_that_cannot_write_its_rows_fails_and_says_so(cloud: Cloud) -> None:
    dataset = filled(cloud, "no-rows").replace(":dataset-group/", ":dataset/") + "/INTERACTIONS"
    cloud.service._account.faults.add({"job": "DatasetImportJob", "name": "full", "effect": "full disk"})
    reason = cloud.failed_import("full", dataset, "s3://bucket/no-rows.csv")
    assert reason == NO_SPACE
    cloud.run_import("space-again", dataset, "s3://bucket/no-rows.csv")


@FULL_DEVICE
def test_a_training_that_cannot_write_its_model_fails_and_says_so(cloud: Cloud, school: School) -> None:
    solution = cloud.solution("no-model", school.group, "aws-popularity-count")
    cloud.service._account.faults.add({"job": "SolutionVersion", "name": "full", "effect": "full disk"})
    arn = cloud.control.create_solution_version(solutionArn=solution, name="full")["solutionVersionArn"]
    found = cloud.wait(cloud.control.describe_solution_version, status="CREATE FAILED", solutionVersionArn=arn)
    assert found["failureReason"] == NO_SPACE
    cloud.train(solution)
    cloud.control.delete_solution(solutionArn=solution)
    gone(cloud, cloud.control.describe_solution, solutionArn=solution)


def test_half_a_file_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = tmp_path / "half.npz"

    def train(target: str) -> dict[str, Any]:
        Path(target).write_bytes(b"PK")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setitem(work.TASKS, "train", train)
    assert work._answer({"task": "train", "target": str(half)}) == {"failure": NO_SPACE}
    assert not half.exists()


def test_whichever_write_fails_the_import_ends(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path)
    dataset = filled(cloud, "sweep").replace(":dataset-group/", ":dataset/") + "/INTERACTIONS"
    store, outcomes = cloud.service._account.store, []
    database = store.database
    for at in range(20):
        store.database = FullFrom(database, at)  # type: ignore[assignment]
        try:
            outcomes.append(ended(cloud, cloud.start_import(f"sweep-{at}", dataset, "s3://bucket/sweep.csv")))
        except cloud.control.exceptions.ClientError as error:
            outcomes.append((error.response["Error"]["Code"], ""))
        finally:
            store.database = database
        if outcomes[-1][0] == "ACTIVE":
            break
    assert outcomes[0] == ("InternalServerException", "")
    assert set(outcomes[1:-1]) == {("CREATE FAILED", UNWRITTEN)}, outcomes
    assert (outcomes[-1][0], len(outcomes) > 4) == ("ACTIVE", True)
    jobs = cloud.control.list_dataset_import_jobs(datasetArn=dataset)["datasetImportJobs"]
    assert not any(job["jobName"] == "sweep-0" for job in jobs)
    cloud.service.close()
    again = launch(tmp_path)
    again.run_import("afterwards", dataset, "s3://bucket/sweep.csv")


def test_what_hangs_goes_on_when_the_rules_are_dropped(cloud: Cloud) -> None:
    dataset = filled(cloud, "released").replace(":dataset-group/", ":dataset/") + "/INTERACTIONS"
    cloud.service._account.faults.add({"job": "DatasetImportJob", "name": "waits", "effect": "hang"})
    job = cloud.start_import("waits", dataset, "s3://bucket/released.csv")
    describe = cloud.control.describe_dataset_import_job
    cloud.wait(describe, status="CREATE IN_PROGRESS", datasetImportJobArn=job)
    request = urllib.request.Request(f"{cloud.url}/_personalize/faults", method="DELETE")
    urllib.request.urlopen(request, timeout=10).close()
    cloud.wait(describe, datasetImportJobArn=job)
