"""Dataset import jobs: FULL replaces what was imported in bulk, INCREMENTAL adds to it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from local.personalize.entities import forget_records
from local.personalize.errors import InvalidInput, LimitExceeded, Outdated
from local.personalize.lifecycle import CREATE, UNFINISHED, procedure
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET, IMPORT_JOB, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

IN_PROGRESS_AT_MOST = 5
LOCATION = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")


def check_location(location: str | None) -> str:
    """The S3 location of a job's input or output.

    Raises:
        InvalidInput: Absent or not of the form s3://bucket/path.
    """
    if not location or not LOCATION.fullmatch(location):
        raise InvalidInput("Invalid Data location.")
    return location


@operation("CreateDatasetImportJob")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Start to read CSV files from S3 into a dataset."""
    if "roleArn" not in parameters:
        raise InvalidInput("Value null at 'roleArn' failed to satisfy constraint: Member must not be null")
    check_location(parameters["dataSource"].get("dataLocation"))
    dataset = account.active(DATASET, parameters["datasetArn"])
    parameters.setdefault("importMode", "FULL")
    if parameters["importMode"] == "INCREMENTAL" and not dataset.private.get("snapshot"):
        raise InvalidInput("The first import into a dataset must be a FULL import.")
    if sum(job.status in UNFINISHED for job in account.store.select(IMPORT_JOB)) >= IN_PROGRESS_AT_MOST:
        raise LimitExceeded(f"More than {IN_PROGRESS_AT_MOST} resources with PENDING or IN_PROGRESS status.")
    job = account.add(
        IMPORT_JOB, account.arn(IMPORT_JOB, parameters["jobName"]), parameters, target=account.new_file(".npz")
    )
    account.lifecycle.begin(job, IMPORT)
    return job.record


def _order(account: Account, job: Resource) -> Mapping[str, Any]:
    dataset = account.store.find(DATASET, job.record["datasetArn"])
    schema = account.store.find(SCHEMA, dataset.record["schemaArn"])
    previous = dataset.private.get("snapshot") if job.record["importMode"] == "INCREMENTAL" else None
    job.private["base"] = previous
    return {
        "task": "import",
        "endpoint": account.s3_endpoint_url(),
        "region": account.region,
        "role": job.record["roleArn"],
        "location": job.record["dataSource"]["dataLocation"],
        "dataset_type": dataset.record["datasetType"],
        "schema": schema.record["schema"],
        "previous": str(account.directory / previous) if previous else None,
        "target": str(account.directory / job.private["target"]),
    }


def _imported(account: Account, job: Resource, result: Mapping[str, Any]) -> None:
    dataset = account.store.find(DATASET, job.record["datasetArn"])
    with account.store.lock:
        old = dataset.private.get("snapshot")
        if job.record["importMode"] == "INCREMENTAL" and old != job.private["base"]:
            raise Outdated("Other jobs kept changing the dataset while this one was running.")
        dataset.private |= {"snapshot": job.private.pop("target"), "changed": time.time()}
        # Of equal ids the later record wins; what was put one by one survives a FULL import only.
        forget_records(account.store.database, dataset.arn, result["ids"])
        account.store.save(dataset)
    account.serving.changed(dataset)
    account.warm(dataset)
    account.discard_file(old)


IMPORT = procedure("import", CREATE, 240, _order, _imported)
