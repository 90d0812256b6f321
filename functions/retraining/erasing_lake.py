"""The lake without what any run ever exported: parts, quarantine and manifests, with all their versions."""

import time
from typing import TYPE_CHECKING

from campus.clients import client
from campus.settings import settings
from retraining import tickets
from retraining.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# Manifests first: what has no manifest was never exported.
PREFIXES = ("manifests/", "training-data/", "quarantine/")
# Below the function's timeout; what is left is deleted in the next call.
BUDGET_SECONDS = 600


class NotDeletedError(RuntimeError):
    """S3 did not delete some objects."""


def erase(ticket: str) -> Progress:
    """Delete all of it within a time budget: a run's files hold everybody's rows, and the next run writes them anew.

    Returns:
        IN_PROGRESS where the budget ran out first, else ACTIVE.
    """
    deadline = time.monotonic() + BUDGET_SECONDS
    for prefix in PREFIXES:
        for page in _versions(prefix):
            _delete(page)
            tickets.count(ticket, "objects", len(page))
            if time.monotonic() > deadline:
                return {"outcome": "IN_PROGRESS", "status": f"emptying {prefix}"}
    return {"outcome": "ACTIVE"}


def erase_folder(prefix: str) -> None:
    """Delete a small folder with all versions."""
    for page in _versions(prefix):
        _delete(page)


def _versions(prefix: str) -> "Iterator[list[ObjectIdentifierTypeDef]]":
    """Versions and delete markers, at most a thousand a page; no page is empty."""
    pages = client("s3").get_paginator("list_object_versions").paginate(Bucket=settings.lake_bucket, Prefix=prefix)
    for page in pages:
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]


def _delete(objects: "list[ObjectIdentifierTypeDef]") -> None:
    answer = client("s3").delete_objects(Bucket=settings.lake_bucket, Delete={"Objects": objects, "Quiet": True})
    if errors := answer.get("Errors"):
        raise NotDeletedError(f"{len(errors)} objects not deleted: {errors[0].get('Code')}")
