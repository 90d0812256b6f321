"""Who may read whose ranking: the student, a teacher of one of the student's classes, an admin.

Who belongs to a class is known only from ClassActivity. A foreign id and an absent one take the same path to the same
refusal, so that nobody learns from it who exists.
"""

from campus import tables
from campus.identity import Caller, ForbiddenError


def authorize(caller: Caller, student_id: str) -> frozenset[str]:
    """Let the caller read this student's ranking.

    Returns:
        The classes the student is enrolled in.

    Raises:
        ForbiddenError: the caller may not.
    """
    if caller.user_id != student_id and caller.role == "student":
        raise ForbiddenError
    enrolled = frozenset(str(row["classId"]) for row in _memberships(f"STUDENT#{student_id}") if "enrolledAt" in row)
    if caller.user_id == student_id or caller.is_admin:
        return enrolled
    taught = {str(row["classId"]) for row in _memberships(f"TEACHER#{caller.user_id}")}
    if not taught & enrolled:
        raise ForbiddenError
    return enrolled


def is_staff(caller: Caller, class_id: str) -> bool:
    """True if the caller is an admin or teaches the class."""
    return caller.is_admin or (caller.role == "teacher" and bool(_row(class_id, f"TEACHER#{caller.user_id}")))


def is_enrolled(student_id: str, class_id: str) -> bool:
    """True if the student is enrolled in the class, not just known to it by an activity."""
    return "enrolledAt" in _row(class_id, f"STUDENT#{student_id}")


def class_exists(class_id: str) -> bool:
    """True if there is such a class."""
    return bool(_row(class_id, "CLASS"))


def _row(class_id: str, activity: str) -> tables.Item:
    return tables.class_activity().get_item(Key={"classId": class_id, "activity": activity}).get("Item", {})


def _memberships(member: str) -> list[tables.Item]:
    return [row for page in tables.by_member(member) for row in page]
