"""What changed in a whole dataset (users, items) between two exports, by their parts in the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retraining import lake
from retraining.rows import Row

# Beyond these the comparison would cost more memory than an import costs money.
MAX_COMPARED = 200_000


@dataclass(frozen=True)
class Changes:
    """Rows that were added or are not what they were, in the order of their ids, and how many ids are gone."""

    rows: list[Row]
    removed: int


def between(dataset: str, before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Changes | None:
    """The changes from one manifest to the next; None where the older export is gone or one of them is too large."""
    if before is None or max(one["datasets"][dataset]["rows"] for one in (before, now)) > MAX_COMPARED:
        return None
    known = {row[0]: row for row in lake.read_rows(dataset, before)}
    differing = [row for row in lake.read_rows(dataset, now) if known.pop(row[0], None) != row]
    return Changes(sorted(differing), len(known))
