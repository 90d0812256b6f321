"""Before anything is imported: is there enough, is there anything new, and can it be trusted?"""

from collections.abc import Iterable, Mapping
from typing import Any

from retraining import import_mode

# Personalize trains on nothing smaller ("Amazon Personalize endpoints and quotas").
MIN_INTERACTIONS = 1_000
MIN_USERS_WITH_TWO = 25
MIN_SHARE_WITH_TWO = 0.01
# Nor does it take more than this in one incremental import (ibid.); FULL takes a hundred times as much.
MAX_INCREMENTAL_BYTES = 1_000_000_000

# Beyond these something broke upstream, and a model of the rest would be worse than the one that serves.
MAX_REJECTED_ROWS = 100
MAX_REJECTED_SHARE = 0.01
MIN_ROWS_OF_BEFORE = 0.8


def check(run_id: str, export: Mapping[str, Any], mark: Mapping[str, Any], *, force: bool) -> dict[str, Any]:
    """The verdict on an export.

    Args:
        run_id: the run that checks.
        export: the manifest's datasets with their counts.
        mark: the watermark of the last import; {} where there was none.
        force: train also on what did not change or has shrunk.

    Returns:
        `{verdict: OK | SKIPPED_MIN_DATA | SKIPPED_UNCHANGED | REFUSED, why, importMode, imports}`: the interactions'
        mode, and the jobs of `import_mode.choose`, [] where the data was not good enough to look for any.
    """
    datasets: Mapping[str, Any] = export["datasets"]
    if export["base"] and not mark:
        why = f"the export builds on run {export['base']}, which counts no longer: start a new run"
        return _without_import("REFUSED", why)
    before: Mapping[str, Any] = mark["datasets"] if export["base"] else {}
    if trouble := _untrustworthy(datasets) or (None if force else _shrunk(datasets, before)):
        return _without_import("REFUSED", trouble)
    if missing := _too_little(datasets["interactions"]["total"]):
        return _without_import("SKIPPED_MIN_DATA", missing)
    jobs = import_mode.choose(run_id, export, mark)
    if trouble := _too_much(jobs, datasets):
        return _without_import("REFUSED", trouble)
    why = "; ".join(f"{job['dataset']}: {job['why']}" for job in jobs)
    verdict = "OK"
    if not force and all(job["mode"] == import_mode.NONE for job in jobs):
        verdict, why = "SKIPPED_UNCHANGED", f"the same rows as run {mark['runId']} imported"
    return {"verdict": verdict, "why": why, "importMode": jobs[0]["mode"], "imports": jobs}


def _without_import(verdict: str, why: str) -> dict[str, Any]:
    return {"verdict": verdict, "why": why, "importMode": import_mode.NONE, "imports": []}


def _untrustworthy(datasets: Mapping[str, Any]) -> str | None:
    for name, dataset in datasets.items():
        rejected = sum(dataset["rejected"].values())
        allowed = max(MAX_REJECTED_ROWS, MAX_REJECTED_SHARE * (dataset["rows"] + rejected))
        if rejected > allowed:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(dataset["rejected"].items()))
            return f"{rejected} rows of {name} were rejected, at most {allowed:.0f} are tolerated ({reasons})"
    return None


def _shrunk(datasets: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    for name, dataset in datasets.items():
        earlier = before.get(name, {}).get("rows", 0)
        rows = dataset["total"]["rows"]
        if rows < MIN_ROWS_OF_BEFORE * earlier:
            return f"{name} fell from {earlier} rows to {rows}; force the run if that is meant"
    return None


def _too_little(interactions: Mapping[str, Any]) -> str | None:
    rows, users, with_two = interactions["rows"], interactions["users"], interactions["usersWithTwo"]
    if rows < MIN_INTERACTIONS:
        return f"{rows} interactions, Personalize needs {MIN_INTERACTIONS}"
    if with_two < MIN_USERS_WITH_TWO:
        return f"{with_two} students with two interactions or more, Personalize needs {MIN_USERS_WITH_TWO}"
    if with_two < MIN_SHARE_WITH_TWO * users:
        return f"{with_two} of {users} students have two interactions or more, Personalize needs one in a hundred"
    return None


def _too_much(jobs: Iterable[import_mode.Job], datasets: Mapping[str, Any]) -> str | None:
    for name in (job["dataset"] for job in jobs if job["mode"] == "INCREMENTAL"):
        if (size := datasets[name]["bytes"]) > MAX_INCREMENTAL_BYTES:
            return f"{name}: {size:,} bytes are too many for an incremental import; ask for a full one"
    return None
