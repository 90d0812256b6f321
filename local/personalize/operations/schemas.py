"""Schemas: immutable, without a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.avro import parse_schema
from local.personalize.errors import LimitExceeded
from local.personalize.lifecycle import UNFINISHED
from local.personalize.operations.datasets import UPDATE_SLOT
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account

MAXIMUM = 500


@operation("CreateSchema")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Keep a schema that follows the rules of Avro and of Personalize."""
    parse_schema(parameters["schema"])
    if len(account.store.select(SCHEMA)) >= MAXIMUM:
        raise LimitExceeded(f"More than {MAXIMUM} schemas.")
    return account.add(SCHEMA, account.arn(SCHEMA, parameters["name"]), parameters).record


@operation("DeleteSchema")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Refused while a dataset uses it, or is about to."""
    schema = account.store.find(SCHEMA, parameters["schemaArn"])
    coming = [
        dataset
        for dataset in account.store.select(DATASET)
        if (update := dataset.record.get(UPDATE_SLOT, {})).get("schemaArn") == schema.arn
        and update["status"] in UNFINISHED
    ]
    account.refuse_users(schema, account.store.select(DATASET, schemaArn=schema.arn) + coming)
    account.store.remove(schema)
    return {}
