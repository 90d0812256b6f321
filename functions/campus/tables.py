"""The four tables, their keys, and the transaction that writes to several of them.

Students        studentId
Interactions    userId, occurrence = "<occurredAt:010d>#<interactionId>"; index byRecordedDay (recordedDay, recordedAt)
ClassActivity   classId, activity = CLASS | ITEM#<itemId> | TEACHER#<id> | STUDENT#<id> | ACTIVITY#<at>#<eventId>;
                index byMember (member = the prefixed id, classId), index byScore (board, score)
Operations      pk, sk; index byState (state, since); time to live expiresAt; stream of new images
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from campus.clients import dynamodb
from campus.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.service_resource import Table

Item = dict[str, Any]
T = TypeVar("T")

# Of a cancelled transaction: two writes met on an item, or there was no capacity. The SDK repeats only single writes,
# and of those only what lacked capacity.
_PASSING = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_WRITES = 8

# DynamoDB hands keys back that it had no capacity for; the SDK does not ask again for them.
_ROUNDS = 6

# A day's rows are spread over this many index partitions, so that one busy evening does not throttle on one key.
DAY_SHARDS = 8


def _table(name: str) -> "Table":
    return _kept_table(dynamodb().meta.client, name)


@cache
def _kept_table(client: "DynamoDBClient", name: str) -> "Table":
    """Kept, since making a Table costs boto3 a good part of the call it is made for.

    By the client, because all DynamoDB resources are equal to each other.
    """
    del client
    return dynamodb().Table(name)


def students() -> "Table":
    """One row a student: studentId, email, displayName, locale (vi|en), status."""
    return _table(settings.students_table)


def interactions() -> "Table":
    """One row an interaction; the export reads it by `recordedDay`."""
    return _table(settings.interactions_table)


def class_activity() -> "Table":
    """A class, its materials, its people and what they did."""
    return _table(settings.class_activity_table)


def operations() -> "Table":
    """Outbox, mail ledger, lease, runs, cached rankings."""
    return _table(settings.operations_table)


def occurrence(occurred_at: int, interaction_id: str) -> str:
    """Interactions' sort key: time-ordered, unique per event."""
    return f"{occurred_at:010d}#{interaction_id}"


def recorded_day(day: str, interaction_id: str) -> str:
    """Partition of index byRecordedDay.

    Args:
        day: UTC day of recordedAt, `YYYY-MM-DD`.
        interaction_id: chooses one of `DAY_SHARDS` shards.
    """
    shard = int(hashlib.blake2b(interaction_id.encode(), digest_size=2).hexdigest(), 16) % DAY_SHARDS
    return f"{day}#{shard}"


def number(value: float) -> Decimal:
    """A float as the Decimal boto3 stores, without binary noise beyond 12 significant digits."""
    return Decimal(f"{value:.12g}")


def transact(actions: Sequence[Mapping[str, Any]]) -> None:
    """Write all or nothing (at most 100 actions).

    Raises:
        botocore.exceptions.ClientError: TransactionCanceledException with a reason per action; see `refused`.
    """
    dynamodb().meta.client.transact_write_items(TransactItems=list(actions))  # type: ignore[arg-type]  # the stubs ask for one TypedDict an action


def insist(write: Callable[[], T]) -> T:
    """Repeat a write, or a transaction, as long as another one on the same item, or a lack of capacity, refuses it.

    Raises:
        botocore.exceptions.ClientError: DynamoDB refused for another reason, or eight times.
    """
    for attempt in range(1, _WRITES):
        try:
            return write()
        except ClientError as error:
            if not _is_passing(error):
                raise
        time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
    return write()


def _is_passing(error: ClientError) -> bool:
    reasons = refused(error)
    if reasons:
        return _PASSING.issuperset(reasons)
    return error.response.get("Error", {}).get("Code") == "TransactionConflictException"


def batch_get(requests: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Item]]:
    """Rows of several tables in one call.

    Args:
        requests: BatchGetItem's RequestItems, table name -> Keys, ConsistentRead…; at most 100 keys.

    Returns:
        Table name -> the rows that exist.

    Raises:
        RuntimeError: DynamoDB goes on handing keys back.
    """
    found: dict[str, list[Item]] = {table: [] for table in requests}
    waiting: Mapping[str, Any] = requests
    for attempt in range(_ROUNDS):
        answer = dynamodb().meta.client.batch_get_item(RequestItems=waiting)
        for table, rows in answer["Responses"].items():
            found[table].extend(rows)
        waiting = answer.get("UnprocessedKeys", {})
        if not waiting:
            return found
        time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter
    raise RuntimeError("DynamoDB did not process all keys")


def refused(error: Exception) -> list[str]:
    """Reason codes of a cancelled transaction, one an action ("None", "ConditionalCheckFailed", …); else []."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    if response.get("Error", {}).get("Code") != "TransactionCanceledException":
        return []
    return [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]


def is_conditional_failure(error: Exception) -> bool:
    """True where a single write's condition did not hold."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return bool(response.get("Error", {}).get("Code") == "ConditionalCheckFailedException")


def pages(table: "Table", operation: str, **arguments: Any) -> Iterator[list[Item]]:  # noqa: ANN401 - DynamoDB's own arguments
    """Pages of a `query` or `scan`, following LastEvaluatedKey."""
    call = getattr(table, operation)
    start: dict[str, Any] = {}
    while True:
        page = call(**{**arguments, **start})
        yield page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def by_member(member: str) -> Iterator[list[Item]]:
    """Pages of the rows that a person or a material has in all classes; eventually consistent.

    Args:
        member: `STUDENT#<studentId>`, `TEACHER#<teacherId>` or `ITEM#<itemId>`.
    """
    return pages(
        class_activity(),
        "query",
        IndexName="byMember",
        KeyConditionExpression="#member = :member",
        ExpressionAttributeNames={"#member": "member"},
        ExpressionAttributeValues={":member": member},
    )
