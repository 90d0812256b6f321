"""Students who did something: rows of Interactions, Students and ClassActivity for the export to find."""

from typing import Any

from campus import clock, tables
from tests.unit.campus import school

NOVEMBER = 1_795_000_000


def interaction(user: str, number: int, **changes: Any) -> dict[str, Any]:
    """One row of Interactions; `changes` set attributes, None removes one."""
    event_id = f"{user}-{number}"
    occurred_at = NOVEMBER + number
    recorded_at = changes.get("recordedAt", clock.now_ms())
    day = clock.utc_day(recorded_at / 1000) if isinstance(recorded_at, int) else "never"
    row: dict[str, Any] = {
        "userId": user,
        "occurrence": tables.occurrence(occurred_at, event_id),
        "itemId": f"item-{number % 7}",
        "eventType": "submitAssignment",
        "eventValue": 80,
        "occurredAt": occurred_at,
        "recordedAt": recorded_at,
        "interactionId": event_id,
        "recordedDay": tables.recorded_day(day, event_id),
        **changes,
    }
    return {name: value for name, value in row.items() if value is not None}


def put(*rows: dict[str, Any]) -> None:
    """Write rows of Interactions."""
    with tables.interactions().batch_writer() as batch:
        for row in rows:
            batch.put_item(row)


def term(people: int = 30, each: int = 4) -> None:
    """A class whose students did something: 120 interactions of 30 students by default."""
    school.add_class("C1")
    for number in range(7):
        add_material(f"item-{number}")
    add_material("C1", "course")
    with tables.students().batch_writer() as batch:
        for person in range(people):
            batch.put_item({"studentId": f"s{person}", "email": f"s{person}@example.edu", "locale": "vi"})
    put(*(interaction(f"s{person}", number) for person in range(people) for number in range(each)))


def add_material(item_id: str, kind: str = "assignment", class_id: str = "C1") -> None:
    """An item as publishing writes it."""
    member = f"ITEM#{item_id}"
    row: dict[str, Any] = {"itemId": item_id, "type": kind, "member": member, "board": f"items#{kind}", "score": 0}
    tables.class_activity().put_item(Item={"classId": class_id, "activity": member, "createdAt": NOVEMBER, **row})
