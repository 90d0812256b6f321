"""Event trackers: one a group, its tracking id names the group in PutEvents."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local.personalize.errors import LimitExceeded
from local.personalize.lifecycle import CREATE, DELETE, procedure
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET_GROUP, EVENT_TRACKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account

CREATION = procedure("create event tracker", CREATE, 30)
DELETION = procedure("delete event tracker", DELETE, 30)


@operation("CreateEventTracker")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """A tracker with a tracking id of its own."""
    group = account.active(DATASET_GROUP, parameters["datasetGroupArn"])
    if account.store.select(EVENT_TRACKER, datasetGroupArn=group.arn):
        raise LimitExceeded(f"Only one event tracker can be associated with a dataset group: {group.arn}")
    record = {**parameters, "trackingId": str(uuid.uuid4()), "accountId": account.account_id}
    tracker = account.add(EVENT_TRACKER, account.arn(EVENT_TRACKER, parameters["name"]), record)
    account.lifecycle.begin(tracker, CREATION)
    return tracker.record


@operation("DeleteEventTracker")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The events recorded with it stay."""
    tracker = account.store.find(EVENT_TRACKER, parameters["eventTrackerArn"])
    account.settled(tracker)
    account.lifecycle.begin(tracker, DELETION)
    return {}
