"""How much of the interactions a run exports, and why: what is new since the run before, or everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from campus.clients import client
from campus.settings import settings
from retraining import names
from retraining.progress import code, is_busy

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Scope:
    """The decision on record.

    Attributes:
        mode: FULL | INCREMENTAL.
        base: the watermark that tonight's rows come on top of; {} where nothing imported before counts any more.
        asked: a FULL that somebody asked for is also imported as a whole, changed or not.
    """

    mode: str
    why: str
    base: Mapping[str, Any]
    asked: bool = False

    @property
    def since(self) -> int:
        """Epoch milliseconds up to which rows are not new."""
        return int(self.base.get("cutOff", 0))


def choose(mark: Mapping[str, Any], now_ms: int, *, full: bool) -> Scope:
    """The scope of a run.

    Args:
        mark: the watermark; {} before the first import, and after an erasure.
        now_ms: epoch milliseconds.
        full: somebody asked for everything.
    """
    if not mark:
        return Scope("FULL", "nothing has been imported yet", {})
    if trouble := _not_ours(mark):
        return Scope("FULL", trouble, {})
    if full:
        return Scope("FULL", "asked for", mark, asked=True)
    age = (now_ms - mark["full"]["at"]) / DAY_MS
    if age >= settings.full_export_days:
        return Scope("FULL", f"the last full export is {age:.1f} days old (limit {settings.full_export_days:g})", mark)
    return Scope("INCREMENTAL", f"what was recorded since run {mark['runId']}", mark)


def _not_ours(mark: Mapping[str, Any]) -> str | None:
    """Why Personalize's dataset may not hold what the watermark says; None where it does."""
    try:
        dataset = client("personalize").describe_dataset(datasetArn=names.dataset_arn("interactions"))["dataset"]
    except (ClientError, HTTPClientError) as error:
        if isinstance(error, ClientError) and code(error) == "ResourceNotFoundException":
            return f"the dataset that run {mark['runId']} imported into is gone"
        if is_busy(error):
            # Everything once more is always right, and cheaper than a night that waits for an answer.
            return f"Personalize did not say whether its dataset still is the one of run {mark['runId']}"
        raise
    if dataset["creationDateTime"].timestamp() * 1000 > mark.get("importedAt", 0):
        return f"the dataset was made anew after run {mark['runId']}"
    return None
