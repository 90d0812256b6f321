"""What changed in a whole dataset (users, items) since earlier exports, by their parts in the lake."""

from collections.abc import Sequence
from dataclasses import dataclass

from retraining import lake
from retraining.rows import Row

# Beyond these the comparison would cost more memory than an import costs money.
MAX_COMPARED = 200_000


@dataclass(frozen=True)
class Changes:
    """Rows that an earlier export has not, or not like this, in the order of their ids; and how many ids are gone."""

    rows: list[Row]
    removed: int


def since(runs: Sequence[str], dataset: str, run_id: str) -> Changes | None:
    """The changes from the exports of earlier runs to that of `run_id`.

    Returns:
        None where an older export is gone or one of them is too large.
    """
    now = lake.existing_manifest(run_id)
    earlier = [manifest for run in runs if (manifest := lake.read_manifest(run))]
    if len(earlier) < len(runs) or max(one["datasets"][dataset]["rows"] for one in (now, *earlier)) > MAX_COMPARED:
        return None
    rows = list(lake.read_rows(dataset, now))
    differing: set[Row] = set()
    removed: set[str] = set()
    for manifest in earlier:
        known = {row[0]: row for row in lake.read_rows(dataset, manifest)}
        differing.update(row for row in rows if known.pop(row[0], None) != row)
        removed.update(known)
    return Changes(sorted(differing), len(removed))
