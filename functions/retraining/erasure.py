"""The beginning and the end of an erasure: nobody writes any more; nothing is left but an audit row."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from campus import clock, tables, tombstones
from campus.settings import settings
from retraining import deletion, lease, runs, tickets
from retraining.lease import Lease
from retraining.progress import Progress
from retraining.runs import Record
from retraining.tickets import Ticket

_DAY = 86_400
# What no erasure reaches, and the days after which it is gone by itself (docs/operations.md, "What remains where").
REMAINS = {
    "queues": 14,
    "archive": 30,
    "backups": 35,
    "executionHistory": 90,
    "logs": 90,
}


def begin(ticket: object, execution: str) -> Progress:
    """Let nothing more be written about the student, and take the lease.

    Returns:
        `{"outcome": "ACQUIRED", "lease": {…}}`; `LOCKED` while a run or another erasure holds the lease; `FINISHED`
        with the audit `record` where this ticket is done, or another one of the same student.

    Raises:
        InvalidInputError: no such ticket.
    """
    row = tickets.load(ticket)
    if record := tickets.audit_row(row):
        return {"outcome": "FINISHED", "record": record}
    asked = Ticket(str(ticket), str(row["studentId"]), row)
    tombstones.put(asked.student_id)
    held = lease.acquire(execution, asked.id)
    if held is None:
        return {"outcome": "LOCKED"}
    with lease.returned_on_error(held):
        # Whoever held the lease a moment ago may have erased this very student.
        if record := tickets.audit_row(tickets.load(ticket)):
            lease.give_back(held)
            return {"outcome": "FINISHED", "record": record}
        tickets.begin(asked.id, execution)
        _withdraw(asked)
    return {"outcome": "ACQUIRED", "lease": held.to_dict()}


def _withdraw(ticket: Ticket) -> None:
    """Delete what writers find the student by; what they write meanwhile is swept after they had time to end."""
    student = tables.students().delete_item(Key={"studentId": ticket.student_id}, ReturnValues="ALL_OLD")
    tickets.count(ticket.id, "students", int("Attributes" in student))
    for page in tables.by_member(f"STUDENT#{ticket.student_id}"):
        with tables.class_activity().batch_writer() as batch:
            for row in page:
                batch.delete_item({"classId": row["classId"], "activity": row["activity"]})
        tickets.count(ticket.id, "classActivity", len(page))


def finish(held: Lease) -> Record:
    """Delete the list of users, void the watermark, give the lease back and close every ticket of the student.

    Without a watermark the next run exports everything and trains, whoever starts it; runs of before are not resumed.

    Returns:
        The audit row. A repeated call answers the first one's.

    Raises:
        LeaseLostError: somebody else took the lease over; the ticket stays open.
    """
    row = tickets.load(held.run_id)
    if record := tickets.audit_row(row):
        return record
    others = tickets.others(Ticket(held.run_id, str(row["studentId"]), row))
    for ticket in (held.run_id, *(other.id for other in others)):
        deletion.remove_list(ticket)
    record = _audit(held.run_id, row)
    closed = {held.run_id: record, **{other.id: _superseded(other, record) for other in others}}
    actions: list[Mapping[str, Any]] = [
        lease.release(held),
        *(
            {"Put": {"TableName": settings.operations_table, "Item": item}}
            for item in (
                *runs.erased_items(clock.now_ms()),
                *({**tickets.key(ticket), **row} for ticket, row in closed.items()),
            )
        ),
    ]
    try:
        tables.insist(lambda: tables.transact(actions))
    except ClientError as error:
        if "ConditionalCheckFailed" not in tables.refused(error):
            raise
        raise lease.LeaseLostError(f"erasure {held.run_id} lost its lease before it was recorded") from None
    return tickets.load(held.run_id)


def abandon(held: Lease, failure: Mapping[str, Any]) -> Record:
    """Give the lease back after a failure; the ticket keeps naming the student, so that it can be started again.

    Returns:
        `{status: FAILED, why}`, or the audit row where the erasure was done before whatever failed.
    """
    if record := tickets.audit_row(tickets.load(held.run_id)):
        return record
    why = f"{failure.get('Error')}: {failure.get('Cause')}"
    _unless_overtaken(lambda: tickets.fail(held.run_id, held.owner, why))
    _unless_overtaken(lambda: lease.give_back(held))
    return {"status": runs.FAILED, "why": why}


def _unless_overtaken(act: Callable[[], None]) -> None:
    """Nothing where another execution of this ticket, or another holder of the lease, has gone on."""
    try:
        act()
    except ClientError as error:
        if not tables.is_conditional_failure(error) and "ConditionalCheckFailed" not in tables.refused(error):
            raise


def _audit(ticket: str, row: Record) -> Record:
    """What may be known of an erasure afterwards: a hash, times, counts, and when the rest is gone."""
    now = clock.now()
    return {
        "ticket": ticket,
        "status": tickets.ERASED,
        "student": tombstones.digest(str(row["studentId"])),
        "requestedAt": row.get("requestedAt", row["begunAt"]),
        "begunAt": row["begunAt"],
        "finishedAt": now,
        "erased": row["erased"],
        "remains": {store: clock.iso(now + days * _DAY) for store, days in REMAINS.items()},
        "executionArn": row["executionArn"],
        "state": tickets.STATE,
        "since": row["begunAt"],
    }


def _superseded(ticket: Ticket, record: Record) -> Record:
    """The audit row of a ticket that another one has done the work of."""
    asked = (record | ticket.row)["requestedAt"]
    return {
        "ticket": ticket.id,
        "status": tickets.SUPERSEDED,
        "supersededBy": record["ticket"],
        "student": record["student"],
        "requestedAt": asked,
        "finishedAt": record["finishedAt"],
        "state": tickets.STATE,
        "since": asked,
    }
