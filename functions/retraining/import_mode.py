"""How each dataset gets into Personalize, and why: as a whole, on top of what is there, one by one, or not at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from retraining import changes, shaping
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
        `[{dataset, mode: FULL | INCREMENTAL | EVENTS | PUT | NONE, why, rows, location, base}]`; `base` is the runs
        that a PUT compares with, separated by spaces.
    """
    before: Mapping[str, Any] = mark["datasets"] if export["base"] else {}
    before = {name: known for name, known in before.items() if name not in export["gone"]}
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
                    "base": " ".join(_runs_before(before.get(dataset, {}), run_id)),
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
        return [("FULL", f"first import: {export['gone'].get(dataset, export['why'])}", rows)]
    before_it, *failed = _runs_before(before, run_id)
    if total["fingerprint"] == before["fingerprint"] and not export["asked"] and not failed:
        return [(NONE, f"the same {total['rows']} rows as run {before_it} imported", 0)]
    if dataset != "interactions":
        return _entities(dataset, run_id, [before_it, *failed], export)
    if export["mode"] == "FULL":
        return [("FULL", f"{rows - before['rows']:+d} rows: {export['why']}", rows)]
    if rows >= shaping.FEW:
        return [("INCREMENTAL", f"{rows} new rows on top of {before['rows']}", rows)]
    return [("EVENTS", f"{rows} new rows: an incremental import takes {shaping.FEW} or more", rows)]


def _runs_before(before: Mapping[str, Any], run_id: str) -> list[str]:
    """The run that imported last, and those that have failed since after they had begun to; [] where none has.

    They may have imported some of their users and items. The same run, resumed, adopts its own work.
    """
    return [before["runId"], *(run for run in before.get("unsure", []) if run != run_id)] if before else []


def _entities(
    dataset: str, run_id: str, before: Sequence[str], export: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    """FULL is the only way to drop rows, but it leaves what was once put one by one as it was put.

    So what differs is put again after a FULL; INCREMENTAL replaces known ids, however they came.
    """
    rows, failed = export["datasets"][dataset]["rows"], before[1:]
    reasons = [export["why"]] if export["asked"] else []
    reasons += [f"run {run} failed after it had begun to import" for run in failed]
    earlier = " and ".join(f"run {run}" for run in before)
    found = changes.since(before, dataset, run_id)
    if found is None:
        mode = "FULL" if export["asked"] and not failed else "INCREMENTAL"
        return [(mode, "; ".join([*(reasons or ["changed"]), f"too many or too old to compare with {earlier}"]), rows)]
    differing = len(found.rows)
    said = f"{differing} added or changed and {found.removed} removed since {earlier}"
    if reasons or found.removed:
        again = [("PUT", said, differing)] if differing else []
        return [("FULL", "; ".join([*reasons, said]), rows), *again]
    if differing <= MAX_PUT:
        return [("PUT", said, differing)]
    return [("INCREMENTAL", f"{said}, more than {MAX_PUT}", rows)]
