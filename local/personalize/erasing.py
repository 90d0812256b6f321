"""The work of a data deletion job: snapshots without some users."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.personalize.avro import Field, Schema
from local.personalize.csv_source import S3, read_table
from local.personalize.entities import Entities
from local.personalize.interactions import Interactions

if TYPE_CHECKING:
    from collections.abc import Mapping

USERS_FILE = Schema("Users", (Field("USER_ID", "string", nullable=False),))


def erase(
    *, endpoint: str, region: str, role: str, location: str, interactions: Mapping[str, str], users: Mapping[str, str]
) -> dict[str, Any]:
    """Read the ids to delete and write snapshots without them.

    Args:
        endpoint: URL of S3.
        region: Of the S3 client.
        role: ARN of the role to read S3 with.
        location: A CSV object with the one column USER_ID, or a folder of such, with its sub-folders.
        interactions: `base` and `target` snapshot files; empty if nothing was imported.
        users: Likewise.

    Returns:
        `users`: the ids; `deleted`: how many imported records they had.

    Raises:
        JobFailed: The list cannot be read.
    """
    gone = set(read_table(S3(endpoint, region, role), location, USERS_FILE, deep=True)["USER_ID"])
    deleted = 0
    if interactions:
        before = Interactions.load(Path(interactions["base"]))
        after = before.without_users(gone)
        after.save(Path(interactions["target"]))
        deleted += len(before) - len(after)
    if users:
        known = Entities.load(Path(users["base"]))
        kept = known.without(gone)
        kept.save(Path(users["target"]))
        deleted += len(known.records) - len(kept.records)
    return {"users": sorted(gone), "deleted": deleted}
