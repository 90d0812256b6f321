"""From the outbox to the bus. At least once: a crash between publishing and marking repeats the event, id and all."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from campus import bus, clock, tables
from campus.observability import logger
from publishing import outbox

# A younger item is still on its way through the stream.
SWEEP_AFTER_SECONDS = 60
# How long a relayed event answers a repeated Idempotency-Key; as long as the bus archive keeps it.
KEPT_SECONDS = 30 * 86_400
_ROUNDS = 8
_LONGEST_PAUSE = 2.0
# With less than this left, what is refused goes back to the stream or stays for the next sweep.
_ENOUGH_MILLISECONDS = 8_000

Spare = Callable[[], int]
"""Milliseconds that are left of the invocation."""


def from_stream(records: Sequence[Mapping[str, Any]], spare: Spare) -> dict[str, Any]:
    """Relay a batch of stream records.

    Args:
        records: of the table's stream.
        spare: for how long refused events may be tried again here, where none but they are repeated.

    Returns:
        Lambda's partial batch response: the stream is read again from the first record that stayed pending. When its
        retries are used up the sweep goes on, so a refused event holds up nobody.

    Raises:
        botocore.exceptions.ClientError: the bus or the table is away; the whole batch is tried again.
    """
    numbers = {
        record["dynamodb"]["Keys"]["pk"]["S"].removeprefix("OUTBOX#"): record["dynamodb"]["SequenceNumber"]
        for record in records
        if _is_news(record)
    }
    images = (record["dynamodb"]["NewImage"] for record in records if _is_news(record))
    entries = (_entry({name: value.get("S") for name, value in image.items()}) for image in images)
    _, failed = _relay(entries, spare)
    return {"batchItemFailures": [{"itemIdentifier": numbers[event_id]} for event_id in failed]}


def sweep(spare: Spare) -> dict[str, int]:
    """Relay what has been pending for a minute or more, oldest first.

    Args:
        spare: for how long refused events may be tried again here.

    Returns:
        How many events were relayed and how many are pending still.
    """
    pages = tables.pages(
        tables.operations(),
        "query",
        IndexName="byState",
        KeyConditionExpression="#state = :pending AND since <= :due",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":pending": outbox.PENDING, ":due": clock.now() - SWEEP_AFTER_SECONDS},
    )
    relayed, failed = _relay((_entry(item) for page in pages for item in page), spare)
    return {"relayed": relayed, "pending": len(failed)}


def _is_news(record: Mapping[str, Any]) -> bool:
    return record["eventName"] == "INSERT" and str(record["dynamodb"]["Keys"]["pk"]["S"]).startswith("OUTBOX#")


def _entry(item: Mapping[str, Any]) -> bus.Entry:
    return bus.Entry(str(item["eventId"]), str(item["source"]), str(item["detailType"]), str(item["detail"]))


def _relay(entries: Iterable[bus.Entry], spare: Spare) -> tuple[int, dict[str, str]]:
    """Publish and mark, one PutEvents call at a time, so that little is repeated after a crash.

    Returns:
        How many the bus took, and `{event_id: error code}` of the others.
    """
    relayed, failed = 0, dict[str, str]()
    remaining = iter(entries)
    while batch := list(islice(remaining, bus.MAX_ENTRIES)):
        refused = _publish(batch, spare)
        for entry in batch:
            if entry.event_id not in refused:
                _mark_relayed(entry.event_id)
        failed |= refused
        relayed += len(batch) - len(refused)
    if failed:
        logger().warning("events stay in the outbox", event_ids=list(failed), codes=sorted(set(failed.values())))
    return relayed, failed


def _publish(batch: Sequence[bus.Entry], spare: Spare) -> Mapping[str, str]:
    """Publish with some rounds for what is refused: EventBridge throttles single entries inside an accepted call.

    What is left after them makes the stream repeat all that follows it, published or not.
    """
    refused = bus.publish(batch)
    for attempt in range(1, _ROUNDS):
        if not refused or spare() < _ENOUGH_MILLISECONDS:
            break
        time.sleep(random.uniform(0, min(0.1 * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - jitter
        refused = bus.publish([entry for entry in batch if entry.event_id in refused])
    return refused


def _mark_relayed(event_id: str) -> None:
    now = clock.now()
    try:
        tables.operations().update_item(
            Key=outbox.key(event_id),
            ConditionExpression="attribute_exists(pk)",
            UpdateExpression="SET relayedAt = :now, expiresAt = :later REMOVE #state, since",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":now": now, ":later": now + KEPT_SECONDS},
        )
    except ClientError as error:
        # Erased meanwhile: nothing to mark, and no row may come back.
        if not tables.is_conditional_failure(error):
            raise
