"""What a person asks for: each command checks, writes fact and event in one transaction, and answers the event id."""

from typing import Any

from campus import validation
from campus.events import AnnouncementSent, AssignmentSubmitted, RankingUpdateRequested, StudentEnrolled
from campus.http import NotFoundError, Request
from campus.identity import ForbiddenError
from campus.settings import settings
from publishing import outbox, roster


def enroll(request: Request) -> str:
    """Enrol a student in a class.

    Returns:
        The event id; that of the first enrolment where the student is enrolled already.

    Raises:
        InvalidInputError: a bad id.
        ForbiddenError: the caller is neither the student nor an admin; a teacher who could enrol anybody in a class of
            theirs could read anybody's ranking.
        NotFoundError: no such class or student; classes are open to every student, so whoever enrols learns of them.
    """
    class_id = validation.identifier(request.path, "classId")
    student_id = validation.identifier(request.body, "studentId")
    envelope = outbox.metadata(request, f"POST /classes/{class_id}/enrollments")
    if request.caller.user_id != student_id and not request.caller.is_admin:
        raise ForbiddenError
    roster.require_class(class_id)
    roster.require_student(student_id)
    event = StudentEnrolled(student_id, class_id, metadata=envelope)
    if outbox.commit(event, [_membership(event)]):
        return envelope.event_id
    first = roster.membership(class_id, student_id).get("enrollmentEventId", envelope.event_id)
    return str(first)


def submit(request: Request) -> str:
    """Hand in a file for an assignment.

    An assignment that the class does not list is accepted, as it is on the bus: assignments are named by whoever sets
    them. What the class lists as something else is none.

    Returns:
        The event id.

    Raises:
        InvalidInputError: a bad id or URL.
        ForbiddenError: the student is not enrolled, or the caller may not act for the student.
        NotFoundError: the item is no assignment; no such class or student, which only an admin is told.
    """
    assignment_id = validation.identifier(request.path, "assignmentId")
    student_id = validation.identifier(request.body, "studentId")
    class_id = validation.identifier(request.body, "classId")
    file_url = validation.url(request.body, "fileUrl")
    envelope = outbox.metadata(request, f"POST /assignments/{assignment_id}/submissions")
    _require_self_or_staff(request, student_id)
    roster.require_may_act_for(request.caller, student_id, class_id)
    roster.require_enrolled(request.caller, class_id, student_id)
    if roster.item_type(class_id, assignment_id) not in (None, "assignment"):
        raise NotFoundError(f"{assignment_id} is not an assignment of class {class_id}")
    outbox.commit(AssignmentSubmitted(student_id, file_url, assignment_id, class_id, metadata=envelope))
    return envelope.event_id


def announce(request: Request) -> str:
    """Write to every student of a class.

    Returns:
        The event id.

    Raises:
        InvalidInputError: a bad id, or no text or too much of it.
        ForbiddenError: the caller neither teaches the class nor is an admin.
        NotFoundError: no such class, which only an admin is told.
    """
    class_id = validation.identifier(request.path, "classId")
    content = validation.text(request.body, "content", longest=validation.MAX_CONTENT)
    envelope = outbox.metadata(request, f"POST /classes/{class_id}/announcements")
    _require_staff(request)
    roster.require_teacher(request.caller, class_id)
    roster.require_class(class_id)
    # Cognito knows names that no consumer takes as an id.
    teacher_id = validation.identifier({"teacherId": request.caller.user_id}, "teacherId")
    outbox.commit(AnnouncementSent(teacher_id, content, class_id, metadata=envelope))
    return envelope.event_id


def request_ranking_update(request: Request) -> str:
    """Ask for a retraining now; the run's lease and policy decide what comes of it.

    Returns:
        The event id.

    Raises:
        InvalidInputError: no trigger.
        ForbiddenError: the caller is a student.
    """
    _require_staff(request)
    trigger = validation.text(request.body, "trigger", longest=64)
    envelope = outbox.metadata(request, "POST /ranking/updates")
    outbox.commit(RankingUpdateRequested(trigger, metadata=envelope))
    return envelope.event_id


def _require_staff(request: Request) -> None:
    if request.caller.role == "student":
        raise ForbiddenError


def _require_self_or_staff(request: Request, student_id: str) -> None:
    """Before anything is looked up, so that a student learns nothing about whom and what there is."""
    if request.caller.user_id != student_id:
        _require_staff(request)


def _membership(event: StudentEnrolled) -> dict[str, Any]:
    """The student's row of the class, unless enrolled before; engagement may have made the row, and keeps its score."""
    member = f"STUDENT#{event.student_id}"
    return {
        "Update": {
            "TableName": settings.class_activity_table,
            "Key": {"classId": event.class_id, "activity": member},
            "ConditionExpression": "attribute_not_exists(enrollmentEventId)",
            "UpdateExpression": (
                "SET studentId = :student, #member = :member, board = :board, score = if_not_exists(score, :zero), "
                "enrolledAt = if_not_exists(enrolledAt, :at), enrollmentEventId = :event"
            ),
            "ExpressionAttributeNames": {"#member": "member"},
            "ExpressionAttributeValues": {
                ":student": event.student_id,
                ":member": member,
                ":board": f"{event.class_id}#students",
                # log2 of a sum that is as good as none: see the engagement score.
                ":zero": 0,
                ":at": event.metadata.occurred_at,
                ":event": event.metadata.event_id,
            },
        }
    }
