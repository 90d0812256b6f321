"""Dataset groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import LimitExceeded
from local.personalize.lifecycle import CREATE, DELETE, procedure
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET, DATASET_GROUP, EVENT_TRACKER, FILTER, SOLUTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

MAXIMUM = 500
CREATION = procedure("create dataset group", CREATE, 60)


@operation("CreateDatasetGroup")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """A group for datasets, event tracker, filters and solutions."""
    if len(account.store.select(DATASET_GROUP)) >= MAXIMUM:
        raise LimitExceeded(f"More than {MAXIMUM} dataset groups.")
    group = account.add(DATASET_GROUP, account.arn(DATASET_GROUP, parameters["name"]), parameters)
    account.lifecycle.begin(group, CREATION)
    return group.record


@operation("DeleteDatasetGroup")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Refused while event trackers, solutions or datasets are in the group; its filters go with it."""
    group = account.store.find(DATASET_GROUP, parameters["datasetGroupArn"])
    account.settled(group)
    for kind in (EVENT_TRACKER, SOLUTION, DATASET):
        account.refuse_users(group, account.store.select(kind, datasetGroupArn=group.arn))
    account.lifecycle.begin(group, DELETION)
    return {}


def _deleted(account: Account, group: Resource, _: Mapping[str, Any]) -> None:
    for chosen in account.store.select(FILTER, datasetGroupArn=group.arn):
        account.store.remove(chosen)


DELETION = procedure("delete dataset group", DELETE, 60, finish=_deleted)
