"""How much of the interactions a run exports, and why: what is new since the run before, or everything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from campus.clients import client
from campus.settings import settings
from retraining import data_check, names, runs
from retraining.progress import code, is_busy

DAY_MS = 86_400_000
# What is new is read by one function, ten million rows in its time at best; everything, by as many as there are.
MANY = 5_000_000


@dataclass(frozen=True)
class Scope:
    """The decision on record.

    Attributes:
        mode: FULL | INCREMENTAL.
        base: the watermark that tonight's rows come on top of; {} where nothing imported before counts any more.
        asked: a FULL that somebody asked for, or for which Personalize could not be asked, is also imported as a whole,
            changed or not.
        gone: users or items that Personalize does not hold any more, each with the reason.
    """

    mode: str
    why: str
    base: Mapping[str, Any]
    asked: bool = False
    gone: Mapping[str, str] = field(default_factory=dict)

    @property
    def since(self) -> int:
        """Epoch milliseconds up to which rows are not new."""
        return int(self.base.get("cutOff", 0))


def choose(mark: Mapping[str, Any], now_ms: int, *, full: bool, workers: int = 1) -> Scope:
    """The scope of a run.

    Args:
        mark: the watermark; {} before the first import, and after an erasure.
        now_ms: epoch milliseconds.
        full: somebody asked for everything.
        workers: how many functions share a full export.
    """
    if not mark:
        return Scope("FULL", "a student was erased" if runs.is_void() else "nothing has been imported yet", {})
    imported = [name for name, known in mark["datasets"].items() if known["rows"]]
    try:
        gone = {name: why for name in imported if (why := _not_ours(name, mark))}
    except (ClientError, HTTPClientError) as error:
        if not is_busy(error):
            raise
        # Everything once more is always right, and cheaper than a night that waits for an answer.
        why = f"Personalize did not say whether its datasets still are those of run {mark['runId']}"
        return Scope("FULL", why, mark, asked=True)
    if "interactions" in gone:
        return Scope("FULL", gone["interactions"], {})
    if full:
        return Scope("FULL", "asked for", mark, asked=True, gone=gone)
    age = (now_ms - mark["full"]["at"]) / DAY_MS
    if age >= settings.full_export_days:
        why = f"the last full export is {age:.1f} days old (limit {settings.full_export_days:g})"
        return Scope("FULL", why, mark, gone=gone)
    if doubt := _doubt(mark["datasets"]["interactions"]["rows"], workers):
        return Scope("FULL", doubt, mark, gone=gone)
    return Scope("INCREMENTAL", f"what was recorded since run {mark['runId']}", mark, gone=gone)


def _doubt(known: int, workers: int) -> str | None:
    """Why the rows that are new do not tell enough, by the table's own count, which may be six hours old.

    New rows on top of the old ones hide that old ones are gone; a full export counts them, and the check sees it.
    """
    held = client("dynamodb").describe_table(TableName=settings.interactions_table)["Table"]["ItemCount"]
    if held < data_check.MIN_ROWS_OF_BEFORE * known:
        return f"the table holds some {held} interactions, the nights before imported {known}"
    if held - known > MANY and workers > 1:
        return f"some {held - known} interactions are new, more than one function reads in its time"
    return None


def _not_ours(name: str, mark: Mapping[str, Any]) -> str | None:
    """Why Personalize's dataset does not hold what the watermark says; None where it does."""
    try:
        dataset = client("personalize").describe_dataset(datasetArn=names.dataset_arn(name))["dataset"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return f"the dataset {name} that run {mark['runId']} imported into is gone"
    if dataset["creationDateTime"].timestamp() * 1000 > mark.get("importedAt", 0):
        return f"the dataset {name} was made anew after run {mark['runId']}"
    return None
