"""How each dataset gets into Personalize, and why: as a whole, on top of what is there, one by one, or not at all."""

from collections.abc import Mapping
from typing import Any

from retraining import changes, lake, shaping
from retraining.rows import DATASETS

NONE = "NONE"
# As many users or items as are put one by one (PutUsers, PutItems); more are imported.
MAX_PUT = 1_000

Job = dict[str, Any]


def choose(run_id: str, export: Mapping[str, Any], mark: Mapping[str, Any]) -> list[Job]:
    """One job a dataset, or two where a removed row needs a FULL and changed ones a PUT.

    Args:
        run_id: this run, which may resume itself.
        export: the manifest without parts.
        mark: the watermark; it counts only where the export builds on it.

    Returns:
        `[{dataset, mode: FULL | INCREMENTAL | EVENTS | PUT | NONE, why, rows, location, base}]`.
    """
    before: Mapping[str, Any] = mark["datasets"] if export["base"] else {}
    jobs = []
    for dataset in DATASETS:
        for mode, why, count in _modes(dataset, run_id, export, before.get(dataset, {})):
            jobs.append(
                {
                    "dataset": dataset,
                    "mode": mode,
                    "why": why,
                    "rows": count,
                    "location": export["datasets"][dataset]["location"],
                    "base": before.get(dataset, {}).get("runId", ""),
                }
            )
    return jobs


def _modes(
    dataset: str, run_id: str, export: Mapping[str, Any], before: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    found = export["datasets"][dataset]
    rows, total = found["rows"], found["total"]
    if not total["rows"]:
        return [(NONE, "there are no rows", 0)]
    if not before:
        return [("FULL", f"first import: {export['why']}", rows)]
    # A failed run may have imported some of its users and items; the same run, resumed, adopts its own work.
    if before.get("unsure", run_id) != run_id:
        return [("INCREMENTAL", f"run {before['unsure']} failed after it had begun to import", rows)]
    if total["fingerprint"] == before["fingerprint"] and not export["asked"]:
        return [(NONE, f"the same {total['rows']} rows as run {before['runId']} imported", 0)]
    if dataset != "interactions":
        return _entities(dataset, run_id, before["runId"], rows, asked=export["asked"])
    if export["mode"] == "FULL":
        return [("FULL", f"{rows - before['rows']:+d} rows: {export['why']}", rows)]
    if rows >= shaping.FEW:
        return [("INCREMENTAL", f"{rows} new rows on top of {before['rows']}", rows)]
    return [("EVENTS", f"{rows} new rows: an incremental import takes {shaping.FEW} or more", rows)]


def _entities(dataset: str, run_id: str, base: str, rows: int, *, asked: bool) -> list[tuple[str, str, int]]:
    """FULL is the only way to drop rows, but it leaves what was once put one by one as it was put.

    So what differs is put again after a FULL; INCREMENTAL replaces known ids, however they came.
    """
    found = changes.between(dataset, lake.read_manifest(base), lake.existing_manifest(run_id))
    if found is None:
        why = f"too many or too old to compare with run {base}"
        return [("FULL", f"asked for; {why}", rows)] if asked else [("INCREMENTAL", f"changed; {why}", rows)]
    differing = len(found.rows)
    said = f"{differing} added or changed and {found.removed} removed since run {base}"
    if asked or found.removed:
        again = [("PUT", said, differing)] if differing else []
        return [("FULL", f"asked for; {said}" if asked else said, rows), *again]
    if differing <= MAX_PUT:
        return [("PUT", said, differing)]
    return [("INCREMENTAL", f"{said}, more than {MAX_PUT}", rows)]
