"""Rows as the stack itself writes them, in DynamoDB's wire form. A contract test compares them with the functions'."""

import hashlib
import re
from datetime import UTC, datetime

from local.load.bulk import Wire
from local.load.catalogue import Material
from local.load.engagement import Engagement
from local.load.interactions_csv import Interaction

_DAY_SHARDS = 8
_EMAIL = re.compile(r"[A-Za-z0-9_+=-]+(\.[A-Za-z0-9_+=-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}")


def iso(epoch_seconds: float) -> str:
    """`2026-11-22T02:00:00Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(value: float) -> str:
    """A number with 12 significant digits."""
    return f"{value:.12g}"


def interaction_key(row: Interaction, interaction_id: str) -> Wire:
    """Primary key in Interactions."""
    return {"userId": {"S": row.user_id}, "occurrence": {"S": f"{row.occurred_at:010d}#{interaction_id}"}}


def interaction(row: Interaction, interaction_id: str, class_id: str) -> Wire:
    """A row of Interactions, but for what `recorded` adds when it is written."""
    wire = {
        **interaction_key(row, interaction_id),
        "itemId": {"S": row.item_id},
        "eventType": {"S": row.event_type},
        "occurredAt": {"N": str(row.occurred_at)},
        "interactionId": {"S": interaction_id},
        "classId": {"S": class_id},
    }
    if row.value is not None:
        wire["eventValue"] = {"N": row.value}
    return wire


def recorded(row: Wire, now_ms: int) -> Wire:
    """The row, stamped with the time of this write (epoch ms) and its place in index byRecordedDay."""
    shard = int(hashlib.blake2b(row["interactionId"]["S"].encode(), digest_size=2).hexdigest(), 16) % _DAY_SHARDS
    day = iso(now_ms / 1000)[:10]
    return {**row, "recordedAt": {"N": str(now_ms)}, "recordedDay": {"S": f"{day}#{shard}"}}


def student(student_id: str, created_at: float) -> Wire:
    """A row of Students for somebody known by id only: mail to them goes to a domain that cannot exist."""
    local_part = re.sub(r"[^A-Za-z0-9_+=-]", "-", student_id)[:64]
    email = student_id if _EMAIL.fullmatch(student_id) else f"{local_part}@students.example"
    return {
        "studentId": {"S": student_id},
        "email": {"S": email},
        "displayName": {"S": student_id},
        "locale": {"S": "vi"},
        "status": {"S": "ACTIVE"},
        "createdAt": {"S": iso(created_at)},
    }


def school_class(class_id: str, title: str | None, created_at: float) -> Wire:
    """The row by which a class exists."""
    return {
        "classId": {"S": class_id},
        "activity": {"S": "CLASS"},
        "title": {"S": title or class_id},
        "createdAt": {"S": iso(created_at)},
    }


def material_key(material: Material) -> Wire:
    """Primary key of an item in ClassActivity."""
    return {"classId": {"S": material.class_id}, "activity": {"S": f"ITEM#{material.item_id}"}}


def material(material: Material, created_at: int) -> Wire:
    """A row of ClassActivity for an item nobody has used yet; `created_at` is for one nobody has seen used."""
    return {
        **material_key(material),
        "itemId": {"S": material.item_id},
        "title": {"S": material.title or material.item_id},
        "type": {"S": material.type},
        "createdAt": {"N": str(created_at if material.created_at is None else material.created_at)},
        "member": {"S": f"ITEM#{material.item_id}"},
        "board": {"S": f"items#{material.type}"},
        "score": {"N": "0"},
    }


def member_key(class_id: str, student_id: str) -> Wire:
    """Primary key of a student's row in a class."""
    return {"classId": {"S": class_id}, "activity": {"S": f"STUDENT#{student_id}"}}


def member(class_id: str, student_id: str, engagement: Engagement) -> Wire:
    """A student's row in a class: engagement, and membership where there was an enrolment."""
    wire = {
        **member_key(class_id, student_id),
        "studentId": {"S": student_id},
        "member": {"S": f"STUDENT#{student_id}"},
        "board": {"S": f"{class_id}#students"},
        "score": {"N": number(engagement.score)},
        "events": {"N": str(engagement.events)},
    }
    if engagement.enrolled:
        wire |= {"enrolledAt": {"S": iso(engagement.enrolled[0])}, "enrollmentEventId": {"S": engagement.enrolled[1]}}
    return wire


def teacher(class_id: str, teacher_id: str) -> Wire:
    """A teacher's row in a class."""
    name = f"TEACHER#{teacher_id}"
    return {
        "classId": {"S": class_id},
        "activity": {"S": name},
        "teacherId": {"S": teacher_id},
        "member": {"S": name},
    }
