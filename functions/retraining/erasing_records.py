"""The student's rows in the tables, the account, and the dead letters that name the student."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus import tables, throttle
from campus.clients import client
from campus.settings import settings
from retraining import tickets
from retraining.progress import Progress, code
from retraining.tickets import Ticket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

Key = dict[str, Any] | None
_INTERACTION, _ACTIVITY, _OPERATION = ("userId", "occurrence"), ("classId", "activity"), ("pk", "sk")
# Below the function's timeout; a table that takes longer is gone on with in the next call.
BUDGET_SECONDS = 600
# A dead letter that was looked at comes back after this: not while the function can still be reading.
_HIDDEN_SECONDS = 900
# A receive that waits asks all of SQS's servers, so an empty answer means an empty queue.
_WAIT_SECONDS = 1


def erase(ticket: Ticket) -> Progress:
    """Delete what is left, within a time budget.

    Returns:
        IN_PROGRESS where the budget ran out first, else ACTIVE.
    """
    deadline = time.monotonic() + BUDGET_SECONDS
    if "reached" not in ticket.row:
        _erase_what_has_a_key(ticket)
        if not all(_erase_letters(ticket, url) for url in settings.dead_letter_urls.split(",")):
            return {"outcome": "IN_PROGRESS", "status": "somebody else looks at dead letters"}
    reached = ticket.row.get("reached", {"scan": 0})
    # No index knows whose rows these are, and one for a rare erasure would cost with every write.
    for number, scan in enumerate((_scan_class_activity, _scan_operations)):
        if number < reached["scan"]:
            continue
        for last in scan(ticket, reached.get("key") if number == reached["scan"] else None):
            if time.monotonic() > deadline:
                tickets.reach(ticket.id, {"scan": number, "key": last} if last else {"scan": number + 1})
                return {"outcome": "IN_PROGRESS", "status": "the tables are being read"}
    return {"outcome": "ACTIVE"}


def _erase_what_has_a_key(ticket: Ticket) -> None:
    tables.students().delete_item(Key={"studentId": ticket.student_id})
    _erase_partition(ticket, "interactions", tables.interactions(), _INTERACTION, ticket.student_id)
    for kept in (f"CACHE#{ticket.student_id}", f"CALLER#{throttle.digest(ticket.student_id)}"):
        _erase_partition(ticket, "operations", tables.operations(), _OPERATION, kept)
    tickets.count(ticket.id, "accounts", _delete_account(ticket.student_id))


def _erase_partition(ticket: Ticket, store: str, table: "Table", key: tuple[str, str], value: str) -> None:
    pages = tables.pages(
        table,
        "query",
        KeyConditionExpression="#key = :value",
        ExpressionAttributeNames={"#key": key[0]},
        ExpressionAttributeValues={":value": value},
        ConsistentRead=True,
    )
    for page in pages:
        _delete(table, key, page)
        tickets.count(ticket.id, store, len(page))


def _scan_class_activity(ticket: Ticket, start: Key) -> Iterator[Key]:
    """Memberships, an assistant's too, and activities; yields the key reached after every page, None after the last."""
    scan = {
        "FilterExpression": "studentId = :student OR teacherId = :student",
        "ProjectionExpression": "classId, activity",
        "ExpressionAttributeValues": {":student": ticket.student_id},
    }
    for rows, last in _pages(tables.class_activity(), scan, start):
        _delete(tables.class_activity(), _ACTIVITY, rows)
        tickets.count(ticket.id, "classActivity", len(rows))
        yield last


def _scan_operations(ticket: Ticket, start: Key) -> Iterator[Key]:
    """Mail ledger, progress of announcements, and the outbox, whose events are JSON texts; the same yields."""
    scan = {
        "FilterExpression": "(studentId = :student OR contains(detail, :quoted)) AND NOT begins_with(pk, :tickets)",
        "ProjectionExpression": "pk, sk, studentId, detail",
        "ExpressionAttributeValues": {
            ":student": ticket.student_id,
            ":quoted": f'"{ticket.student_id}"',
            ":tickets": tickets.PREFIX,
        },
    }
    for rows, last in _pages(tables.operations(), scan, start):
        meant = [row for row in rows if _is_of(row, ticket.student_id)]
        _delete(tables.operations(), _OPERATION, meant)
        tickets.count(ticket.id, "operations", len(meant))
        yield last


def _is_of(row: tables.Item, student_id: str) -> bool:
    """Whether an operation is the student's, not one that only quotes the same word."""
    detail = json.loads(row.get("detail", "{}"))
    return student_id in (row.get("studentId"), detail.get("studentId"), detail.get("teacherId"))


def _pages(table: "Table", scan: dict[str, Any], start: Key) -> Iterator[tuple[list[tables.Item], Key]]:
    """Pages of a scan, each with the key to go on after; None after the last."""
    while True:
        after: dict[str, Any] = {"ExclusiveStartKey": start} if start else {}
        page = table.scan(**scan, ConsistentRead=True, **after)
        start = page.get("LastEvaluatedKey")
        yield page["Items"], start
        if not start:
            return


def _delete(table: "Table", key: tuple[str, str], rows: list[tables.Item]) -> None:
    with table.batch_writer() as batch:
        for row in rows:
            batch.delete_item({name: row[name] for name in key})


def _delete_account(student_id: str) -> int:
    try:
        client("cognito-idp").admin_delete_user(UserPoolId=settings.user_pool_id, Username=student_id)
    except ClientError as error:
        if code(error) != "UserNotFoundException":
            raise
        return 0
    return 1


def _erase_letters(ticket: Ticket, url: str) -> bool:
    """One pass through a dead-letter queue; what names somebody else goes back at its end, or by itself.

    Returns:
        False where some are hidden: to a call that died a moment ago, or to a person who looks at them.
    """
    hidden = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    if int(hidden["Attributes"]["ApproximateNumberOfMessagesNotVisible"]):
        return False
    others = []
    while (
        letters := client("sqs")
        .receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=_WAIT_SECONDS
        )
        .get("Messages")
    ):
        erased = 0
        for letter in letters:
            # An event may stand inside another as a JSON text, its quotes escaped.
            if f'"{ticket.student_id}"' in letter["Body"].replace("\\", ""):
                client("sqs").delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
                erased += 1
            else:
                others.append(letter["ReceiptHandle"])
        tickets.count(ticket.id, "deadLetters", erased)
    for receipt in others:
        client("sqs").change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return True
