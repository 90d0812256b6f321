"""Data deletion jobs: all that is known of some users disappears from a dataset group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.entities import forget_records
from local.personalize.errors import LimitExceeded, Outdated
from local.personalize.events import forget_users
from local.personalize.lifecycle import ERASE, UNFINISHED, procedure
from local.personalize.operations.import_jobs import check_location
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET_GROUP, DELETION_JOB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

IN_PROGRESS_AT_MOST = 5
ERASED = ("INTERACTIONS", "USERS")


@operation("CreateDataDeletionJob")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Start to delete the users listed in a CSV file in S3."""
    check_location(parameters["dataSource"].get("dataLocation"))
    account.active(DATASET_GROUP, parameters["datasetGroupArn"])
    if sum(job.status in UNFINISHED for job in account.store.select(DELETION_JOB)) >= IN_PROGRESS_AT_MOST:
        raise LimitExceeded(f"More than {IN_PROGRESS_AT_MOST} resources with PENDING or IN_PROGRESS status.")
    files = {kind: account.new_file(".npz") for kind in ERASED}
    job = account.add(DELETION_JOB, account.arn(DELETION_JOB, parameters["jobName"]), parameters, **files)
    account.lifecycle.begin(job, ERASURE)
    return job.record


def _order(account: Account, job: Resource) -> Mapping[str, Any]:
    files = {}
    for kind in ERASED:
        dataset = account.serving.dataset(job.record["datasetGroupArn"], kind)
        base = dataset.private.get("snapshot") if dataset else None
        job.private[f"base {kind}"] = base
        files[kind.lower()] = (
            {"base": str(account.directory / base), "target": str(account.directory / job.private[kind])}
            if base
            else {}
        )
    return {
        "task": "erase",
        "endpoint": account.s3_endpoint_url(),
        "region": account.region,
        "role": job.record["roleArn"],
        "location": job.record["dataSource"]["dataLocation"],
        **files,
    }


def _erased(account: Account, job: Resource, result: Mapping[str, Any]) -> None:
    deleted, users, old = int(result["deleted"]), result["users"], []
    with account.store.lock:
        found = {kind: account.serving.dataset(job.record["datasetGroupArn"], kind) for kind in ERASED}
        datasets = {kind: dataset for kind, dataset in found.items() if dataset is not None}
        for kind, dataset in datasets.items():
            if dataset.private.get("snapshot") != job.private[f"base {kind}"]:
                raise Outdated("Other jobs kept changing the datasets while users were being deleted.")
        for kind, dataset in datasets.items():
            if dataset.private.get("snapshot"):
                old.append(dataset.private["snapshot"])
                dataset.private["snapshot"] = job.private.pop(kind)
            before = account.store.database.total_changes
            forget_users(account.store.database, dataset.arn, users)
            forget_records(account.store.database, dataset.arn, users)
            deleted += account.store.database.total_changes - before
            account.store.save(dataset)
        job.record["numDeleted"] = deleted
    for dataset in datasets.values():
        account.serving.changed(dataset)
        account.warm(dataset)
    for name in old:
        account.discard_file(name)
    account.store.compact()


ERASURE = procedure("erase", ERASE, 600, _order, _erased)
