"""Erasure tickets: who is to be erased, and afterwards what was, and how long what remains elsewhere lasts.

Operations, pk `ERASURE#<ticket>`, sk `TICKET`, listed in index byState under `ERASURE`. Only the ticket travels through
the state machine, so that no execution history names the student; the row names them until the erasure is done, by this
ticket or by another one of the same student.
"""

import re
from dataclasses import dataclass
from typing import Any

from campus import clock, tables
from campus.validation import InvalidInputError
from retraining import runs
from retraining.runs import Record

ERASED = "ERASED"
# Another ticket's erasure, `supersededBy`, was this student's, too.
SUPERSEDED = "SUPERSEDED"
STATE = "ERASURE"
PREFIX = "ERASURE#"
STORES = ("students", "interactions", "classActivity", "operations", "accounts", "deadLetters", "objects")
# 16 characters leave 36 for the dataset group and 5 for the fencing token in Personalize's names.
_TICKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,15}")


@dataclass(frozen=True)
class Ticket:
    """An erasure that is not done."""

    id: str
    student_id: str
    row: Record


def key(ticket: str) -> dict[str, str]:
    """Where a ticket's row stands."""
    return {"pk": f"{PREFIX}{ticket}", "sk": "TICKET"}


def load(ticket: object) -> Record:
    """A ticket's row as plain values.

    Raises:
        InvalidInputError: there is no such ticket.
    """
    if not isinstance(ticket, str) or not _TICKET.fullmatch(ticket):
        raise InvalidInputError("ticket must be 1 to 16 letters, digits or '-'")
    item = tables.operations().get_item(Key=key(ticket), ConsistentRead=True).get("Item")
    if item is None:
        raise InvalidInputError(f"there is no erasure ticket {ticket}")
    return runs.from_item(item)


def audit_row(row: Record) -> Record | None:
    """The audit row of the erasure that a ticket ended with, which may be another ticket's; None while it is open."""
    if row["status"] == SUPERSEDED:
        return load(row["supersededBy"])
    return row if row["status"] == ERASED else None


def others(ticket: Ticket) -> list[Ticket]:
    """Open tickets of the same student: somebody asked again instead of starting a failed erasure again."""
    pages = tables.pages(
        tables.operations(),
        "query",
        IndexName="byState",
        KeyConditionExpression="#state = :erasure",
        FilterExpression="studentId = :student AND pk <> :own",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={
            ":erasure": STATE,
            ":student": ticket.student_id,
            ":own": key(ticket.id)["pk"],
        },
    )
    rows = [row for page in pages for row in page]
    return [Ticket(row["pk"].removeprefix(PREFIX), ticket.student_id, runs.from_item(row)) for row in rows]


def open_ticket(ticket: str) -> Ticket:
    """A ticket whose erasure is under way."""
    row = load(ticket)
    return Ticket(ticket, str(row["studentId"]), row)


def begin(ticket: str, execution: str) -> None:
    """Note who works on it; a scan that an earlier execution left half way begins anew."""
    tables.operations().update_item(
        Key=key(ticket),
        ConditionExpression="attribute_exists(studentId)",
        UpdateExpression=(
            "SET #status = :running, executionArn = :execution, begunAt = if_not_exists(begunAt, :now), "
            "#state = :state, since = if_not_exists(since, :now), erased = if_not_exists(erased, :nothing) "
            "REMOVE reached, why"
        ),
        ExpressionAttributeNames={"#status": "status", "#state": "state"},
        ExpressionAttributeValues={
            ":running": runs.RUNNING,
            ":execution": execution,
            ":now": clock.now(),
            ":state": STATE,
            ":nothing": dict.fromkeys(STORES, 0),
        },
    )


def count(ticket: str, store: str, number: int) -> None:
    """Add to what was erased from a store; after a crash in between, some rows go uncounted, none unerased."""
    if number:
        tables.operations().update_item(
            Key=key(ticket),
            UpdateExpression="SET erased.#store = erased.#store + :number",
            ExpressionAttributeNames={"#store": store},
            ExpressionAttributeValues={":number": number},
        )


def reach(ticket: str, where: dict[str, Any]) -> None:
    """Keep how far the scans have come: a key of a table names somebody, so it does not travel."""
    tables.operations().update_item(
        Key=key(ticket), UpdateExpression="SET reached = :where", ExpressionAttributeValues={":where": where}
    )


def fail(ticket: str, execution: str, why: str) -> None:
    """Note why it ended early, unless another execution works on it; the same ticket can be started again."""
    tables.operations().update_item(
        Key=key(ticket),
        ConditionExpression="executionArn = :execution AND #status = :running",
        UpdateExpression="SET #status = :failed, why = :why",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":execution": execution,
            ":running": runs.RUNNING,
            ":failed": runs.FAILED,
            ":why": why,
        },
    )
