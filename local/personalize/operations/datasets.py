"""Datasets: one of each type in a group."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from local.personalize.avro import REQUIRED, check_fits, parse_schema
from local.personalize.entities import forget_records
from local.personalize.errors import InvalidInput, NotImplementedHere, ResourceInUse
from local.personalize.events import forget_events
from local.personalize.lifecycle import CREATE, DELETE, UNFINISHED, procedure
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET, DATASET_GROUP, IMPORT_JOB, SCHEMA, SOLUTION_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.avro import Schema
    from local.personalize.store import Resource

CREATION = procedure("create dataset", CREATE, 30)
ELSEWHERE = ("ACTIONS", "ACTION_INTERACTIONS")
UPDATE_SLOT = "latestDatasetUpdate"


def schema_of(account: Account, dataset: Resource) -> Schema:
    """The schema that a dataset has now."""
    return parse_schema(account.store.find(SCHEMA, dataset.record["schemaArn"]).record["schema"])


@operation("CreateDataset")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """An empty dataset of a type its schema fits."""
    kind = parameters["datasetType"].upper()
    if kind in ELSEWHERE:
        raise NotImplementedHere(f"Datasets of type {parameters['datasetType']} are not implemented here.")
    if kind not in REQUIRED:
        raise InvalidInput(f"Invalid datasetType '{parameters['datasetType']}': one of Interactions, Users, Items.")
    schema = account.store.find(SCHEMA, parameters["schemaArn"])
    group = account.active(DATASET_GROUP, parameters["datasetGroupArn"])
    check_fits(parse_schema(schema.record["schema"]), kind)
    arn = account.arn(DATASET, group.record["name"], kind)
    dataset = account.add(DATASET, arn, {**parameters, "datasetType": kind})
    account.lifecycle.begin(dataset, CREATION)
    return dataset.record


@operation("UpdateDataset")
def update(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Give Items or Users another schema, which must keep every field of the present one unchanged."""
    dataset = account.active(DATASET, parameters["datasetArn"])
    if dataset.record["datasetType"] == "INTERACTIONS":
        raise InvalidInput("The schema of an Interactions dataset cannot be replaced.")
    if dataset.record.get(UPDATE_SLOT, {}).get("status") in UNFINISHED:
        raise ResourceInUse(f"An update of {dataset.arn} is in progress.")
    new = parse_schema(account.store.find(SCHEMA, parameters["schemaArn"]).record["schema"])
    check_fits(new, dataset.record["datasetType"])
    old = schema_of(account, dataset)
    lost = [field.name for field in old.fields if field not in new.fields]
    if lost:
        raise InvalidInput(f"The new schema must keep the fields of the present one as they are: {', '.join(lost)}.")
    strict = [field.name for field in new.fields if field.name not in old and not field.nullable]
    if strict:
        raise InvalidInput(f"Fields that the new schema adds must allow null: {', '.join(strict)}.")
    dataset.record[UPDATE_SLOT] = {"schemaArn": parameters["schemaArn"], "creationDateTime": time.time()}
    account.lifecycle.begin(dataset, CHANGE, UPDATE_SLOT)
    return dataset.record


@operation("DeleteDataset")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Refused while an import into it or a training on it is under way; its import jobs go with it."""
    dataset = account.store.find(DATASET, parameters["datasetArn"])
    account.settled(dataset)
    jobs = account.store.select(IMPORT_JOB, datasetArn=dataset.arn)
    versions = account.store.select(SOLUTION_VERSION, datasetGroupArn=dataset.record["datasetGroupArn"])
    account.refuse_users(dataset, [user for user in (*jobs, *versions) if user.status in UNFINISHED])
    account.lifecycle.begin(dataset, DELETION)
    return {}


def _changed(account: Account, dataset: Resource, _: Mapping[str, Any]) -> None:
    """The schema is replaced; solutions older than that will not train on the columns it adds."""
    old = schema_of(account, dataset)
    dataset.record["schemaArn"] = dataset.record[UPDATE_SLOT]["schemaArn"]
    added = [field.name for field in schema_of(account, dataset).fields if field not in old.fields]
    dataset.private.setdefault("added", {}).update(dict.fromkeys(added, time.time()))
    account.store.save(dataset)


def _deleted(account: Account, dataset: Resource, _: Mapping[str, Any]) -> None:
    with account.store.lock:
        forget_events(account.store.database, dataset.arn)
        forget_records(account.store.database, dataset.arn)
        for job in account.store.select(IMPORT_JOB, datasetArn=dataset.arn):
            account.store.remove(job)
    account.discard_file(dataset.private.get("snapshot"))
    account.serving.forget(dataset.arn)


CHANGE = procedure("update dataset", CREATE, 30, finish=_changed)
DELETION = procedure("delete dataset", DELETE, 60, finish=_deleted)
