"""Few rows, one by one: PutEvents, PutUsers and PutItems, ten a call, as often as need be without counting twice.

Personalize keeps an event id, and a user's or item's id, once: what was sent already may be sent again.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError, HTTPClientError

from campus import tables
from campus.clients import client
from retraining import changes, lake, names
from retraining.preparation import TRACKER
from retraining.progress import Progress, busy, is_busy
from retraining.rows import COLUMNS, Row

if TYPE_CHECKING:
    from mypy_boto3_personalize_events import PersonalizeEventsClient

T = TypeVar("T")
# The arguments of one call.
Call = dict[str, Any]

MODES = ("EVENTS", "PUT")
# Personalize's limit.
A_CALL = 10
# Then the state machine is told how far it came; one more slow call fits into the function's 90 seconds.
STEP_SECONDS = 60


def put(run_id: str, dataset: str, mode: str, base: str, sent: int) -> Progress:
    """Send the next rows of a quiet night.

    Args:
        run_id: whose export is sent.
        dataset: interactions (mode EVENTS), users or items (mode PUT).
        mode: EVENTS | PUT.
        base: the runs that users and items are compared with, separated by spaces.
        sent: calls that were made before, by this answer's `sent`.

    Returns:
        ACTIVE after the last call; BUSY with `sent` while some remain, or where Personalize asked to wait.
    """
    ends = monotonic() + STEP_SECONDS
    calls = _events(run_id) if mode == "EVENTS" else _records(run_id, dataset, base)
    personalize = client("personalize-events")
    for position in range(sent, len(calls)):
        try:
            _send(personalize, dataset, calls[position])
        except (ClientError, HTTPClientError) as error:
            if not is_busy(error):
                raise
            return {**busy(str(error)[:300]), "sent": position}
        sent = position + 1
        if monotonic() >= ends:
            break
    if sent < len(calls):
        return {**busy(f"{sent} of {len(calls)} calls are made"), "sent": sent}
    return {"outcome": "ACTIVE", "status": "ACTIVE", "sent": sent}


def _send(personalize: "PersonalizeEventsClient", dataset: str, call: Call) -> None:
    if dataset == "interactions":
        personalize.put_events(**call)
    elif dataset == "users":
        personalize.put_users(**call)
    else:
        personalize.put_items(**call)


def _events(run_id: str) -> list[Call]:
    """One session a student, as engagement's live events have it."""
    tracking_id = tables.operations().get_item(Key=TRACKER)["Item"]["trackingId"]
    by_user = groupby(sorted(lake.read_events(run_id), key=_user), key=_user)
    return [
        {"trackingId": tracking_id, "userId": user, "sessionId": user, "eventList": some}
        for user, group in by_user
        for some in _tens([one["event"] for one in group])
    ]


def _user(event: dict[str, Any]) -> str:
    return str(event["userId"])


def _records(run_id: str, dataset: str, base: str) -> list[Call]:
    found = changes.since(base.split(), dataset, run_id)
    if found is None:
        raise lake.MissingExportError(f"the {dataset} of run {base} or {run_id} are no longer in the lake")
    arn, key = names.dataset_arn(dataset), {"users": "userId", "items": "itemId"}[dataset]
    records = [{key: row[0], "properties": _properties(dataset, row)} for row in found.rows]
    return [{"datasetArn": arn, dataset: some} for some in _tens(records)]


def _properties(dataset: str, row: Row) -> str:
    """A row's metadata as PutUsers and PutItems take it: camel case keys, times as numbers."""
    named = zip(COLUMNS[dataset][1:], row[1:], strict=True)
    return json.dumps({_camel(name): int(value) if name == "CREATION_TIMESTAMP" else value for name, value in named})


def _camel(column: str) -> str:
    first, *others = column.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def _tens(rows: Sequence[T]) -> list[Sequence[T]]:
    return [rows[start : start + A_CALL] for start in range(0, len(rows), A_CALL)]
