"""Run records and the watermark: what a run did and why, and how far the last one came."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from campus import tables
from campus.settings import settings
from campus.validation import InvalidInputError

Record = dict[str, Any]

RUNNING = "RUNNING"
FAILED = "FAILED"
# A model passed the gate while the campaigns were parked.
APPROVED = "APPROVED"
# What a person asks of the campaigns, and how it ends; such a run neither reads nor trains.
ROLLBACK, PARK, UNPARK = "rollback", "park", "unpark"
BY_HAND = {ROLLBACK: "ROLLED_BACK", PARK: "PARKED", UNPARK: "UNPARKED"}
WATERMARK = {"pk": "RETRAINING", "sk": "WATERMARK"}
ERASURE = {"pk": "RETRAINING", "sk": "ERASURE"}
# 18 characters leave 36 for the dataset group in Personalize's names (see names.of_run).
_RUN_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,17}")


def run_id(execution: str, started_at: str) -> str:
    """`261122-020000-3f9a`: UTC second of the execution's start and four digits of its ARN's hash."""
    instant = datetime.fromisoformat(started_at)
    # A storm of requests starts many executions in one second.
    return f"{instant:%y%m%d-%H%M%S}-{hashlib.sha256(execution.encode()).hexdigest()[:4]}"


def checked_run_id(value: object) -> str:
    """A run id that somebody typed; raises InvalidInputError."""
    if not isinstance(value, str) or not _RUN_ID.fullmatch(value):
        raise InvalidInputError("runId must be 1 to 18 letters, digits or '-'")
    return value


def key(run: str) -> dict[str, str]:
    """Where a run's record lies."""
    return {"pk": f"RUN#{run}", "sk": "RECORD"}


def load(run: str) -> Record | None:
    """The record of a run that began, finished or not."""
    item = tables.operations().get_item(Key=key(run), ConsistentRead=True).get("Item")
    return from_item(item) if item else None


def save_begun(record: Record) -> None:
    """Keep what a resumed run must find again: its cut-off and its trigger."""
    tables.operations().put_item(Item=to_item(record))


def to_item(record: Record) -> dict[str, Any]:
    """The record as an Operations item, listed by start time in index byState."""
    return {**key(record["runId"]), "state": "RUN", "since": record["startedAt"] // 1000, **_decimal(record)}


def from_item(item: Mapping[str, Any]) -> Record:
    """A record as plain JSON values."""
    plain = to_plain(item)
    return {name: value for name, value in plain.items() if name not in {"pk", "sk", "state", "since"}}


def watermark() -> Record:
    """How far the last import came, and what Personalize holds since.

    `{cutOff, runId, importedAt, datasets: {name: {rows, fingerprint, runId, unsure?}}, full: {at, runId}, trained?}`,
    where `unsure` lists the runs that may have begun to import later and did not end well; {} before the first import,
    after an erasure, and after the dataset group was replaced by another.
    """
    item = tables.operations().get_item(Key=WATERMARK, ConsistentRead=True).get("Item", {})
    mark = to_plain(item)
    return mark if mark.get("datasetGroup") == settings.dataset_group else {}


def watermark_item(mark: Record) -> dict[str, Any]:
    """The watermark as an Operations item."""
    return {**WATERMARK, **_decimal({**mark, "datasetGroup": settings.dataset_group})}


def erased_items(at_ms: int) -> list[dict[str, Any]]:
    """Operations items of an erasure: a void watermark, since nothing imported until then counts, and its moment."""
    return [{**WATERMARK, "voidedAt": at_ms}, {**ERASURE, "erasedAt": at_ms}]


def is_void() -> bool:
    """Whether an erasure is newer than the last import."""
    return "voidedAt" in tables.operations().get_item(Key=WATERMARK, ConsistentRead=True).get("Item", {})


def erased_at() -> int:
    """Epoch milliseconds at which the latest erasure was done, or 0; what was trained before knows the student."""
    item = tables.operations().get_item(Key=ERASURE, ConsistentRead=True).get("Item", {})
    return int(str(item.get("erasedAt", 0)))


def to_plain(value: Any) -> Any:  # noqa: ANN401 - any DynamoDB value
    """DynamoDB's Decimals as int or float, all the way down."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: to_plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [to_plain(inner) for inner in value]
    return value


def _decimal(record: Record) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(record), parse_float=Decimal)
    return document
