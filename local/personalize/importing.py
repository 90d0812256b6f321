"""The work of a dataset import job: CSV in S3 to a new snapshot file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.personalize.avro import parse_schema
from local.personalize.csv_source import S3, extra_text, read_table
from local.personalize.entities import Entities
from local.personalize.errors import JobFailed
from local.personalize.interactions import Interactions, Rows

MINIMUM_INTERACTIONS = 1_000
MAXIMUM_TYPES_AND_COLUMNS = 10
"""Distinct event types and optional metadata columns of an Interactions dataset, together."""
KEYS = {"USERS": "USER_ID", "ITEMS": "ITEM_ID"}


def import_data(
    *,
    endpoint: str,
    region: str,
    role: str,
    location: str,
    dataset_type: str,
    schema: str,
    previous: str | None,
    target: str,
) -> dict[str, Any]:
    """Read, check and store the rows at an S3 location.

    Args:
        endpoint: URL of S3.
        region: Of the S3 client.
        role: ARN of the role to read S3 with.
        location: `s3://bucket/path`, an object or a folder.
        dataset_type: INTERACTIONS, USERS or ITEMS.
        schema: The dataset's Avro schema.
        previous: Snapshot to add to (an INCREMENTAL job), or None (FULL).
        target: Snapshot file to write.

    Returns:
        `rows`: records now in the snapshot; `imported`: rows read; `ids`: for users and items of an incremental job,
        the ids read.

    Raises:
        JobFailed: With the job's failureReason.
    """
    fields = parse_schema(schema)
    columns = read_table(S3(endpoint, region, role), location, fields)
    base = Path(previous) if previous else None
    if dataset_type in KEYS:
        entities = Entities.from_columns(KEYS[dataset_type], columns)
        Entities.load(base).joined(entities).save(Path(target))
        read = len(columns[KEYS[dataset_type]])
        return {"imported": read, "ids": list(entities.records) if previous else []}
    rows = interaction_rows(columns)
    if len(rows.users) < MINIMUM_INTERACTIONS:
        raise JobFailed(
            f"The number of interactions ({len(rows.users)}) is less than the minimum of {MINIMUM_INTERACTIONS}"
            " for an import job."
        )
    interactions = Interactions.load(base).joined(rows) if base else Interactions.from_rows(rows)
    types, optional = [name for name in interactions.types if name], fields.metadata(dataset_type)
    if len(types) + len(optional) > MAXIMUM_TYPES_AND_COLUMNS:
        raise JobFailed(
            f"The dataset has more than {MAXIMUM_TYPES_AND_COLUMNS} distinct event types and metadata columns"
            f" ({len(types)} and {len(optional)})."
        )
    interactions.save(Path(target))
    return {"imported": len(rows.users), "ids": []}


def interaction_rows(columns: dict[str, list[Any]]) -> Rows:
    """Imported columns as interaction rows; what has no column of its own becomes further text."""
    count = len(columns["USER_ID"])
    core = {"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"}
    others = [name for name in columns if name not in core]
    extras = [""] * count
    if others:
        rows = zip(*(columns[name] for name in others), strict=True)
        extras = [extra_text(dict(zip(others, row, strict=True))) for row in rows]
    values = columns.get("EVENT_VALUE", [None] * count)
    return Rows(
        users=columns["USER_ID"],
        items=columns["ITEM_ID"],
        times=columns["TIMESTAMP"],
        types=[kind or "" for kind in columns.get("EVENT_TYPE", [""] * count)],
        values=[float("nan") if value is None else value for value in values],
        extras=extras,
    )
