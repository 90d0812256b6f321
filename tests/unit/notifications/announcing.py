"""What tests of the fan-out do to it, and what they see of it."""

from typing import Any

from campus import tables
from notifications import fan_out_announcement
from tests.unit.notifications.school import Context, batch


def run(*events: Any) -> int:
    """How many messages stay on the AnnouncementQueue."""
    answer = fan_out_announcement.handler(batch(list(events)), Context(60_000))  # type: ignore[arg-type]
    return len(answer["batchItemFailures"])


def teach(teacher: str, *classes: str) -> None:
    for class_id in classes:
        member = f"TEACHER#{teacher}"
        tables.class_activity().put_item(Item={"classId": class_id, "activity": member, "member": member})


def activities() -> list[tuple[str, str]]:
    rows: list[Any] = list(tables.class_activity().scan()["Items"])
    return sorted((row["classId"], row["studentId"]) for row in rows if row["activity"].startswith("ACTIVITY#"))


def recipients(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(message["recipient"]["studentId"] for message in messages)
