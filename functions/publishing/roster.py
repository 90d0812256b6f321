"""Who and what exists, and who belongs to which class, asked before a request is believed.

Belonging is asked first: to whom a class is closed it does not exist either, at the same cost.
"""

from campus import tables
from campus.http import NotFoundError
from campus.identity import Caller, ForbiddenError


def require_class(class_id: str) -> None:
    """Raises NotFoundError unless the class exists."""
    if not _has(class_id, "CLASS"):
        raise NotFoundError(f"class {class_id} does not exist")


def require_student(student_id: str) -> None:
    """Raises NotFoundError unless the student exists."""
    if "Item" not in tables.students().get_item(Key={"studentId": student_id}, ConsistentRead=True):
        raise NotFoundError(f"student {student_id} does not exist")


def require_enrolled(caller: Caller, class_id: str, student_id: str) -> None:
    """Raises ForbiddenError unless the student is enrolled in the class; only an admin is told what does not exist."""
    if "enrolledAt" not in membership(class_id, student_id):
        if caller.is_admin:
            require_class(class_id)
            require_student(student_id)
        raise ForbiddenError


def require_teacher(caller: Caller, class_id: str) -> None:
    """Raises ForbiddenError unless the caller is an admin or teaches the class."""
    if not caller.is_admin and not (caller.role == "teacher" and _has(class_id, f"TEACHER#{caller.user_id}")):
        raise ForbiddenError


def require_may_act_for(caller: Caller, student_id: str, class_id: str) -> None:
    """Raises ForbiddenError unless the caller is the student, a teacher of the class or an admin."""
    if caller.user_id != student_id:
        require_teacher(caller, class_id)


def membership(class_id: str, student_id: str) -> tables.Item:
    """The student's row in the class, {} where there is none; enrolled only if it has `enrolledAt`."""
    return _row(class_id, f"STUDENT#{student_id}")


def item_type(class_id: str, item_id: str) -> str | None:
    """Type of a material of the class, None where the class has no such material."""
    kind = _row(class_id, f"ITEM#{item_id}").get("type")
    return None if kind is None else str(kind)


def _row(class_id: str, activity: str) -> tables.Item:
    key = {"classId": class_id, "activity": activity}
    return tables.class_activity().get_item(Key=key, ConsistentRead=True).get("Item", {})


def _has(class_id: str, activity: str) -> bool:
    return bool(_row(class_id, activity))
