"""The beginning of a run: who asked, which run it is, and whether it may go on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from campus import clock, events, validation
from campus.validation import InvalidInputError
from retraining import lease, runs, serving

Started = dict[str, Any]

# force: train whatever the policy says; full: export and import everything, not only what is new.
_WISHES = ("force", "full")
# Somebody waits for these; the other runs come again tomorrow, or whoever asked sees that they were skipped.
_NOTED = {"request", "erasure"}


class SupersededError(RuntimeError):
    """Going on with the old run would put the model back in time: before newer data, or before an erasure."""


def start(request: Mapping[str, Any], execution: str, started_at: str) -> Started:
    """Take the lease and fix what this run reads.

    Args:
        request: the execution's input as it came: `{"trigger": "schedule"}`, `{"trigger": "manual", "force"?,
            "full"?, "runId"?}`, `{"trigger": "rollback", "to"?: version}`, `{"trigger": "park"}`,
            `{"trigger": "unpark"}`, or a whole `ranking.requestUpdate` event.
        execution: the execution's ARN; it owns the lease.
        started_at: ISO 8601 start of the execution.

    Returns:
        `{"outcome": "ACQUIRED", "lease": {…}, "run": {…}}`; `LOCKED` and `FINISHED` come with the `record` that the
        execution ends with.

    Raises:
        InvalidInputError: an input that can never start a run.
        SupersededError: a resume that comes too late.
    """
    asked = _parse(request)
    run_id = asked.pop("runId", None) or runs.run_id(execution, started_at)
    before = runs.load(run_id)
    if _ended_well(before):
        return {"outcome": "FINISHED", "record": before}
    # What is done by hand, or was begun before, reads nothing that was asked for since.
    answers = before is None and asked["trigger"] not in runs.BY_HAND
    held = _acquire(execution, run_id, asked["trigger"], answers_requests=answers)
    if held is None:
        return {"outcome": "LOCKED", "record": _skipped(run_id, asked["trigger"])}
    with lease.returned_on_error(held):
        # Whoever held the lease a moment ago may have been this very run.
        before = runs.load(run_id)
        if _ended_well(before):
            lease.give_back(held)
            return {"outcome": "FINISHED", "record": before}
        if before and (why := _superseded(before)):
            _close(before, f"{why}: start a new run")
            raise SupersededError(f"{why}: start a new run")
        run = _begin(run_id, asked, execution, started_at, before) | {"parked": serving.parked()}
    return {"outcome": "ACQUIRED", "lease": held.to_dict(), "run": run}


def _acquire(execution: str, run_id: str, trigger: str, *, answers_requests: bool) -> lease.Lease | None:
    """The lease; where it is taken, what must not be forgotten is noted for the run that holds it."""
    held = lease.acquire(execution, run_id, answers_requests=answers_requests)
    while held is None and trigger in _NOTED and not lease.request_another():
        # Given back between the two calls.
        held = lease.acquire(execution, run_id, answers_requests=answers_requests)
    return held


def _ended_well(before: runs.Record | None) -> bool:
    """Whether nothing is left to be done of a run."""
    return before is not None and before["status"] not in {runs.RUNNING, runs.FAILED}


def _superseded(before: runs.Record) -> str | None:
    """Why an unfinished run is not resumed any more; None where it may be."""
    mark = runs.watermark()
    if mark.get("cutOff", 0) > before["cutOff"]:
        return f"run {mark['runId']} has imported newer data than run {before['runId']}"
    if before["trigger"] in runs.BY_HAND:
        return None
    if before["cutOff"] <= runs.erased_at():
        # What it imported and trained is found by name, and knows the student.
        return f"a student was erased after run {before['runId']} had begun"
    for name in sorted({run for known in mark.get("datasets", {}).values() for run in known.get("unsure", [])}):
        later = runs.load(name)
        if later and later["cutOff"] > before["cutOff"]:
            return f"run {name}, which failed, had begun to import newer data than run {before['runId']}"
    return None


def _begin(
    run_id: str, asked: dict[str, Any], execution: str, started_at: str, before: runs.Record | None
) -> dict[str, Any]:
    if before:
        # The inputs of a run never change: a resumed one reads up to the cut-off it began with.
        kept = {name: before[name] for name in ("runId", "trigger", "cutOff", "startedAt")}
        kept |= {name: before[name] for name in ("to", "fingerprints") if name in before}
        kept |= {wish: before.get(wish, False) or asked[wish] for wish in _WISHES}
        runs.save_begun({**kept, "status": runs.RUNNING, "executionArn": execution})
        return kept | {"resumed": True, "marks": {}}
    run = {
        "runId": run_id,
        **asked,
        "cutOff": clock.now_ms(),
        "startedAt": int(datetime.fromisoformat(started_at).timestamp() * 1000),
    }
    runs.save_begun({**run, "status": runs.RUNNING, "executionArn": execution})
    return run | {"resumed": False, "marks": {}}


def _close(before: runs.Record, why: str) -> None:
    """Let the record of a run that nobody finished, and nobody can, say so."""
    if before["status"] == runs.RUNNING:
        ended = {"status": runs.FAILED, "error": SupersededError.__name__, "why": why, "finishedAt": clock.now_ms()}
        runs.save_begun({**before, **ended})


def _skipped(run_id: str, trigger: str) -> runs.Record:
    return {
        "runId": run_id,
        "status": "SKIPPED_LOCKED",
        "trigger": trigger,
        "why": "another run holds the lease" + ("; it was told of this request" if trigger in _NOTED else ""),
    }


def _parse(request: Mapping[str, Any]) -> dict[str, Any]:
    """`{trigger, force, full, requestedBy?, runId?, to?}`; raises InvalidInputError."""
    if "detail-type" in request:
        event = events.parse(request)
        if not isinstance(event, events.RankingUpdateRequested):
            raise InvalidInputError(f"{event.detail_type} does not start a run")
        return {"trigger": "request", **dict.fromkeys(_WISHES, False), "requestedBy": event.trigger}
    trigger = validation.choice(request, "trigger", ("schedule", "manual", "erasure", *runs.BY_HAND), default="manual")
    wishes = {wish: request.get(wish, False) for wish in _WISHES}
    for wish, value in wishes.items():
        if not isinstance(value, bool):
            raise InvalidInputError(f"{wish} must be true or false")
    given = {"runId": runs.checked_run_id(request["runId"])} if request.get("runId") is not None else {}
    if "to" in request:
        if trigger != runs.ROLLBACK:
            raise InvalidInputError("only a rollback goes to a version")
        given["to"] = validation.text(request, "to")
    return {"trigger": trigger, **wishes, **given}
