"""The export: DynamoDB to CSV parts in the lake, segment by segment, with memory that does not grow with the tables."""

from collections.abc import Mapping
from typing import Any

from campus.settings import settings
from retraining import lake, reading, rows, segments, shares
from retraining.scope import Scope
from retraining.shaping import Items, NewInteractions, Users
from retraining.tally import Tally, added, merged

# Names and addresses of students do not even enter this process.
_STUDENT = ("studentId", "locale", "createdAt")
_EMPTY: Mapping[str, Any] = {"rows": 0, "fingerprint": "0", "users": 0, "usersWithTwo": 0}


def export(run_id: str, cut_off: int, scope: Scope, workers: int = 1) -> dict[str, Any]:
    """Write the training data of a run, or find it already written.

    Args:
        run_id: names the folders; the same id, cut-off and scope write the same rows.
        cut_off: epoch milliseconds; interactions recorded later belong to a later run.
        scope: whether all interactions are written, or those since the run before.
        workers: how many wrote a share of all interactions before (`shares.write`); what they did not, is written here.

    Returns:
        The manifest: `{runId, cutOff, since, mode, why, asked, base, gone, warnings, datasets: {name: {rows, bytes,
        total, rejected, parts, …}}}`. `total` is what Personalize holds once the rows are imported.
    """
    written = lake.read_manifest(run_id)
    if written:
        return written
    few = NewInteractions(cut_off)
    if scope.mode == "INCREMENTAL":
        recorded = reading.recorded(settings.interactions_table, scope.since, cut_off)
        interactions = segments.write("interactions", run_id, [(0, recorded, few)])
    else:
        interactions = merged(shares.write(run_id, cut_off, scope, number, workers) for number in range(workers))
    students = enumerate(reading.scan(settings.students_table, _STUDENT))
    tallies = {
        "interactions": interactions,
        "users": segments.write("users", run_id, [(number, pages, Users()) for number, pages in students]),
        "items": segments.write("items", run_id, [(0, _materials(), Items(cut_off // 1000))]),
    }
    if scope.mode == "INCREMENTAL" and few.events:
        lake.write_events(run_id, few.events)
    shares.forget_others(run_id, scope, workers)
    for dataset, tally in tallies.items():
        lake.remove_leftovers(lake.prefix(dataset, run_id), {part["key"] for part in tally.parts})
    quarantined = {part["key"] for tally in tallies.values() for part in tally.quarantined}
    lake.remove_leftovers(lake.quarantine(run_id), quarantined)
    manifest = {
        "runId": run_id,
        "cutOff": cut_off,
        "since": scope.since,
        "mode": scope.mode,
        "why": scope.why,
        "asked": scope.asked,
        "base": scope.base.get("runId"),
        "gone": dict(scope.gone),
        "warnings": _disagreement(scope, tallies["interactions"]),
        "datasets": {dataset: _described(dataset, run_id, tally, scope) for dataset, tally in tallies.items()},
    }
    lake.write_manifest(manifest)
    return manifest


def brief(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest as the state machine carries it: counts and places, no list of parts."""
    datasets = {
        name: {key: value for key, value in found.items() if key not in {"parts", "quarantine"}}
        for name, found in manifest["datasets"].items()
    }
    return {**{key: value for key, value in manifest.items() if key != "runId"}, "datasets": datasets}


def _materials() -> reading.Pages:
    """Items by the board of their type: ClassActivity's other rows, one an event, are never read."""
    for kind in rows.ITEM_TYPES:
        yield from reading.query(settings.class_activity_table, "byScore", "board", f"items#{kind}")


def _described(dataset: str, run_id: str, tally: Tally, scope: Scope) -> dict[str, Any]:
    return {
        "location": lake.location(dataset, run_id),
        "rows": tally.rows,
        "bytes": sum(part["bytes"] for part in tally.parts),
        "total": _total(dataset, tally, scope),
        "rejected": dict(tally.rejected),
        **({"newRows": tally.facts["newRows"]} if dataset == "interactions" else {}),
        "parts": tally.parts,
        "quarantine": [part["key"] for part in tally.quarantined],
    }


def _total(dataset: str, tally: Tally, scope: Scope) -> dict[str, Any]:
    """Rows and fingerprint of the dataset as it is after the import.

    People of an incremental night may be known or new, so `users` is then at most, `usersWithTwo` at least, what is
    said; the next FULL counts them.
    """
    on_top = dataset == "interactions" and scope.mode == "INCREMENTAL"
    before = scope.base["datasets"][dataset] if on_top else _EMPTY
    total = {
        "rows": before["rows"] + tally.rows,
        "fingerprint": added(before["fingerprint"], tally.fingerprint),
    }
    if dataset == "interactions":
        total["users"] = before["users"] + tally.facts["users"]
        total["usersWithTwo"] = max(before["usersWithTwo"], tally.facts["usersWithTwo"])
    return total


def _disagreement(scope: Scope, tally: Tally) -> list[str]:
    """What a full export finds wrong with the sum of the nights before; [] where they agree."""
    if scope.mode == "INCREMENTAL" or not scope.base:
        return []
    before, rows_now = scope.base["datasets"]["interactions"], tally.facts["earlierRows"]
    if added("0", tally.facts["earlierFingerprint"]) == before["fingerprint"]:
        return []
    warning = (
        f"up to the cut-off of run {scope.base['runId']} there are {rows_now} interactions now, the nights imported "
        f"{before['rows']}: some were changed, removed or written late"
    )
    return [warning]
