"""One interaction, one transaction: the fact, the class's activity, the student's score and the item's popularity."""

import random
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from campus import clock, tables, tombstones
from campus.observability import metrics
from campus.settings import settings
from engagement import score
from engagement.interaction import Interaction

# Where a submission belongs that names no class and whose assignment no class lists.
UNASSIGNED = "UNASSIGNED"
_ATTEMPTS = 8
_FACT, _TOMBSTONE = 0, -1


class ErasedStudentError(Exception):
    """The student was erased, or is being."""


def record(interaction: Interaction) -> bool:
    """Record an interaction once, however often and in however many workers at once it arrives.

    Returns:
        False where it was recorded before; nothing changed then.

    Raises:
        ErasedStudentError: nothing is recorded of whom the school has erased.
        botocore.exceptions.ClientError: DynamoDB refused, or the items stayed contended.
    """
    class_id = interaction.class_id or _class_of(interaction)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            tables.transact(_actions(interaction, class_id))
        except ClientError as error:
            reasons = tables.refused(error)
            if reasons and reasons[_TOMBSTONE] == "ConditionalCheckFailed":
                raise ErasedStudentError from None
            if reasons and reasons[_FACT] == "ConditionalCheckFailed":
                return False
            if not reasons or "ValidationError" in reasons or attempt == _ATTEMPTS:
                raise
            # Another event of this student or of this item was quicker: read the score again and repeat.
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter
        else:
            metrics().add_metric("InteractionRecorded", "Count", 1)
            return True
    raise AssertionError("unreachable: the last attempt returns or raises")


def _class_of(interaction: Interaction) -> str:
    """The class that lists the item; of several, the first one its student is enrolled in."""
    classes = [row["classId"] for row in _by_member(f"ITEM#{interaction.item_id}") if row["classId"] != UNASSIGNED]
    if len(classes) > 1:
        own = {row["classId"] for row in _by_member(f"STUDENT#{interaction.student_id}") if "enrolledAt" in row}
        classes = [class_id for class_id in classes if class_id in own] or classes
    return min(classes, default=UNASSIGNED)


def _by_member(member: str) -> list[tables.Item]:
    return [row for page in tables.by_member(member) for row in page]


def _actions(interaction: Interaction, class_id: str) -> list[Mapping[str, Any]]:
    fact = {
        "TableName": settings.interactions_table,
        "Item": interaction.row(class_id, clock.now_ms()),
        "ConditionExpression": "attribute_not_exists(userId)",
    }
    activity = {
        "classId": class_id,
        "activity": f"ACTIVITY#{interaction.occurred_at_epoch:010d}#{interaction.interaction_id}",
        "eventType": interaction.event_type,
        "studentId": interaction.student_id,
        "itemId": interaction.item_id,
        "eventId": interaction.interaction_id,
    }
    return [
        {"Put": fact},
        {"Put": {"TableName": settings.class_activity_table, "Item": activity}},
        {"Update": _student(interaction, class_id)},
        {"Update": _item(interaction, class_id)},
        tombstones.unless_erased(interaction.student_id),
    ]


def _student(interaction: Interaction, class_id: str) -> Mapping[str, Any]:
    """The student's row in the class, on condition that its score still is the one just read."""
    member = f"STUDENT#{interaction.student_id}"
    key = {"classId": class_id, "activity": member}
    row: tables.Item = tables.class_activity().get_item(Key=key, ConsistentRead=True).get("Item", {})
    old: Decimal | None = row.get("score")
    new = _score(interaction, old)
    sets = ["studentId = :student", "#member = :member", "board = :board", "score = :new"]
    values: dict[str, Any] = {
        ":student": interaction.student_id,
        ":member": member,
        ":board": f"{class_id}#students",
        ":new": new,
        ":one": 1,
    }
    if interaction.is_enrollment:
        sets += ["enrolledAt = if_not_exists(enrolledAt, :at)"]
        sets += ["enrollmentEventId = if_not_exists(enrollmentEventId, :event)"]
        values |= {":at": interaction.occurred_at, ":event": interaction.interaction_id}
    if old is not None:
        values[":old"] = old
    return {
        "TableName": settings.class_activity_table,
        "Key": key,
        "ConditionExpression": "attribute_not_exists(score)" if old is None else "score = :old",
        "UpdateExpression": f"SET {', '.join(sets)} ADD events :one",
        "ExpressionAttributeNames": {"#member": "member"},
        "ExpressionAttributeValues": values,
    }


def _score(interaction: Interaction, old: Decimal | None) -> Decimal:
    # A clock that runs ahead must not put its student on top until the others catch up.
    at = min(interaction.occurred_at_epoch, clock.now())
    weight = score.weight(interaction.event_type)
    new = score.add(None if old is None else float(old), weight, at, settings.half_life_days)
    return tables.number(0.0 if new is None else new)


def _item(interaction: Interaction, class_id: str) -> Mapping[str, Any]:
    """The item's row, made where the class does not list it yet; its score counts interactions."""
    member = f"ITEM#{interaction.item_id}"
    made = {
        "itemId": interaction.item_id,
        "type": interaction.item_type,
        # A clock that ran ahead would keep the item out of every export.
        "createdAt": min(interaction.occurred_at_epoch, clock.now()),
        "member": member,
        "board": f"items#{interaction.item_type}",
    }
    sets = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in made)
    return {
        "TableName": settings.class_activity_table,
        "Key": {"classId": class_id, "activity": member},
        "UpdateExpression": f"SET {sets} ADD score :one",
        "ExpressionAttributeNames": {f"#{name}": name for name in made},
        "ExpressionAttributeValues": {f":{name}": value for name, value in made.items()} | {":one": 1},
    }
