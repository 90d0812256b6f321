"""Students who were erased, known by a hash alone: what still comes in about them leaves nothing behind.

Operations, pk `ERASED#<hash>`, sk `TOMBSTONE`. It lasts longer than any event can wait: 30 days in the archive and the
outbox, 14 in a dead-letter queue.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from campus import clock, tables
from campus.settings import settings

KEPT_SECONDS = 90 * 86_400


def digest(student_id: str) -> str:
    """How erasures know a student; its purpose prefix keeps it unlike every other hash of the same id."""
    return hashlib.sha256(f"erased:{student_id}".encode()).hexdigest()


def key(student_id: str) -> dict[str, str]:
    """Where a student's tombstone would stand in Operations."""
    return {"pk": f"ERASED#{digest(student_id)}", "sk": "TOMBSTONE"}


def put(student_id: str) -> None:
    """From now on, nothing about this student is written any more."""
    tables.operations().put_item(Item={**key(student_id), "expiresAt": clock.now() + KEPT_SECONDS})


def is_erased(student_id: str) -> bool:
    """Whether this student was erased, or is being."""
    found = tables.operations().get_item(Key=key(student_id), ConsistentRead=True)
    return "Item" in found


def unless_erased(student_id: str) -> Mapping[str, Any]:
    """The same as a condition for `tables.transact`."""
    return {
        "ConditionCheck": {
            "TableName": settings.operations_table,
            "Key": key(student_id),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }
