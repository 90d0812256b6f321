"""The end of a run, whatever it was: record, watermark, serving models and the lease in one transaction."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from campus import bus, clients, clock, events, tables
from campus.observability import logger
from campus.settings import settings
from retraining import lease, runs, serving
from retraining.lease import Lease
from retraining.summary import summarise

_TRAINED = ("PROMOTED", runs.APPROVED, "REJECTED")
_LEARNT = (*_TRAINED, "IMPORTED")


def finish(held: Lease, run: Mapping[str, Any], failure: Mapping[str, Any] | None = None) -> runs.Record:
    """Write down how the run ended, and let the next one begin.

    Args:
        held: the run's lease; one that was lost meanwhile changes nothing but the run's own record.
        run: what the states found out, as the state machine collected it.
        failure: `{Error, Cause}` of the state that failed.

    Returns:
        The run record. A repeated call answers the first one's.
    """
    before = runs.load(held.run_id)
    if before and before["status"] != runs.RUNNING and before.get("fencingToken") == held.fencing_token:
        record = before
    else:
        record = summarise(run, failure, clock.now_ms())
        record |= {"executionArn": held.owner, "fencingToken": held.fencing_token}
        _write(held, run, record)
    if record["status"] != runs.FAILED:
        _honour_requests(held)
    return record


def _write(held: Lease, run: Mapping[str, Any], record: runs.Record) -> None:
    puts = [runs.to_item(record), *serving.updated_rows(run, record), *_watermark(run, record)]
    actions = [{"Put": {"TableName": settings.operations_table, "Item": item}} for item in puts]
    try:
        lease.give_back(held, *actions)
    except ClientError as error:
        if "ConditionalCheckFailed" not in tables.refused(error):
            raise
        if record["status"] != runs.FAILED:
            raise lease.LeaseLostError(f"run {held.run_id} lost its lease before it was recorded") from None
        _write_own(record)


def _write_own(record: runs.Record) -> None:
    """Record a failure without the lease, unless another execution has resumed this very run."""
    try:
        tables.operations().put_item(
            Item=runs.to_item(record),
            ConditionExpression="executionArn = :me",
            ExpressionAttributeValues={":me": record["executionArn"]},
        )
    except ClientError as error:
        if not tables.is_conditional_failure(error):
            raise


def _watermark(run: Mapping[str, Any], record: runs.Record) -> list[dict[str, Any]]:
    """How far this run came; a failed or too small one leaves the last one's, so that nothing is skipped."""
    if record["status"] not in {*_LEARNT, "SKIPPED_UNCHANGED"}:
        return []
    mark = runs.watermark()
    export, run_id = run["export"], record["runId"]
    new: runs.Record = {
        "cutOff": export["cutOff"],
        "runId": run_id,
        "importedAt": mark["importedAt"] if record["status"] == "SKIPPED_UNCHANGED" else record["finishedAt"],
        "datasets": {name: {**found["total"], "runId": run_id} for name, found in export["datasets"].items()},
        "full": {"at": record["finishedAt"], "runId": run_id} if export["mode"] == "FULL" else mark["full"],
    }
    if record["status"] in _TRAINED:
        kinds = [model["kind"] for model in run["models"]]
        rows = export["datasets"]["interactions"]["total"]["rows"]
        new["trained"] = {"at": record["finishedAt"], "rows": rows, "kinds": kinds, "runId": run_id}
    elif "trained" in mark:
        new["trained"] = mark["trained"]
    return [runs.watermark_item(new)]


def _honour_requests(held: Lease) -> None:
    """One more run for requests that came during this one; it trains if the policy says so.

    This run is recorded by now, so nothing that goes wrong here may turn it red. The next one answers them, too.
    """
    event = events.RankingUpdateRequested(
        trigger=f"asked during run {held.run_id}",
        metadata=events.Metadata(f"{held.run_id}-again", clock.iso(clock.now()), held.run_id),
    )
    entry = bus.Entry(event.metadata.event_id, event.source, event.detail_type, event.detail())
    try:
        with clients.hurried():
            refused = bus.publish([entry]) if lease.another_requested() else {}
    except (ClientError, BotoCoreError) as error:
        refused = {entry.event_id: type(error).__name__}
    if refused:
        logger().error("a request during the run could not be published", run=held.run_id, error=[*refused.values()])
