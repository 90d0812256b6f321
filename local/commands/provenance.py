"""Where a mail comes from: its row of the ledger, and the event behind it."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from local.cloud import loopback
from local.commands.instance import Instance

_BATCH = 100
_TIMEOUT = 40
_UNKNOWN: Mapping[str, Any] = {"status": None, "eventId": None}


def traced(instance: Instance, mails: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The mails with `status` and `eventId` of their ledger row, and `event`: source, detail-type, detail.

    The event is in the outbox where the API published it, in the bus's archive where somebody else did; None where
    neither holds it any more.
    """
    for batch in _batches(mails):
        rows = _rows(instance, [f"MAIL#{mail['ledgerId']}" for mail in batch if mail["ledgerId"]], "MAIL")
        origins = [rows.get(f"MAIL#{mail['ledgerId']}", _UNKNOWN) for mail in batch]
        events = _events(instance, {row["eventId"] for row in origins if row["eventId"]})
        for mail, row in zip(batch, origins, strict=True):
            event_id = row["eventId"]
            yield {**mail, "status": row["status"], "eventId": event_id, "event": events.get(event_id)}


def _events(instance: Instance, event_ids: set[str]) -> dict[str, dict[str, Any]]:
    rows = _rows(instance, [f"OUTBOX#{event_id}" for event_id in event_ids], "EVENT")
    published = {
        row["eventId"]: {"source": row["source"], "detail-type": row["detailType"], "detail": json.loads(row["detail"])}
        for row in rows.values()
    }
    missing = event_ids - published.keys()
    return {**published, **_archived(instance, missing)} if missing else published


def _archived(instance: Instance, event_ids: set[str]) -> dict[str, dict[str, Any]]:
    wanted = json.dumps({"eventIds": sorted(event_ids)}).encode()
    with loopback.open(f"{instance.endpoint}/_nightclass/events", wanted, timeout=_TIMEOUT) as answer:
        found: dict[str, dict[str, Any]] = json.load(answer)["events"]
    return found


def _rows(instance: Instance, keys: Iterable[str], sort_key: str) -> dict[str, dict[str, Any]]:
    """Rows of the Operations table by their partition key."""
    dynamodb, table, read = instance.client("dynamodb"), instance.outputs["OperationsTable"], TypeDeserializer()
    rows: dict[str, dict[str, Any]] = {}
    for batch in _batches(dict.fromkeys(keys)):
        wanted = {table: {"Keys": [{"pk": {"S": key}, "sk": {"S": sort_key}} for key in batch]}}
        while wanted:
            answer = dynamodb.batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(table, []):
                row = {name: read.deserialize(value) for name, value in item.items()}
                rows[row["pk"]] = row
            wanted = answer.get("UnprocessedKeys")
    return rows


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch
