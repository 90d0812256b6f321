"""What there is to tell whom: one notice is one mail to one student, made from an event on the MailQueue."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from campus import events, validation
from campus.validation import InvalidInputError

# The school's clock. Viet Nam has had no daylight saving time since 1975, so an offset says all.
_SCHOOL_TIME = timedelta(hours=7)


@dataclass(frozen=True)
class Notice:
    """A mail to be.

    Attributes:
        kind: enrollment | submission | announcement; the name of its templates.
        student_id: the one recipient.
        event_id: the producer's event behind it.
        fact: what, with kind and student, makes it the same mail: two notices of one fact are one mail.
        class_id: the class it is about, where there is one.
        values: what its templates say beyond the student's and the class's name.
    """

    kind: str
    student_id: str
    event_id: str
    fact: str
    class_id: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def ledger_id(self) -> str:
        """32 hex digits: the ledger's key and SES's message tag, so it shows neither student nor class."""
        key = json.dumps(["mail", self.kind, self.student_id, self.fact])
        return hashlib.sha256(key.encode()).hexdigest()[:32]

    @property
    def is_receipt(self) -> bool:
        """A receipt is sent again where nobody knows whether it went out; an announcement waits for an operator."""
        return self.kind != "announcement"


def is_replayed(event: Mapping[str, Any]) -> bool:
    """True for an event out of the archive: it tells nobody anything new."""
    return "replay-name" in event


def of(event: Mapping[str, Any]) -> Notice:
    """The notice an event calls for.

    An enrolment is the same fact however often it is published, so its key is student and class. A student may hand
    in a file twice, and a teacher say the same twice, so there the key is the event's identity.

    Args:
        event: an EventBridge event; an announcement carries the `recipient` that the fan-out put beside its detail.

    Raises:
        InvalidInputError: no such event, a bad field, or an announcement without recipient.
    """
    parsed = events.parse(event)
    match parsed:
        case events.StudentEnrolled(student_id=student, class_id=class_id, metadata=metadata):
            values = {"classId": class_id}
            return Notice("enrollment", student, metadata.event_id, class_id, class_id, values)
        case events.AssignmentSubmitted(student_id=student, metadata=metadata) as submission:
            values = {
                "assignmentId": submission.assignment_id,
                "fileName": _file_name(submission.file_url),
                "submittedAt": _school_time(metadata.occurred_at_epoch),
            }
            return Notice("submission", student, metadata.event_id, parsed.identity, submission.class_id, values)
        case events.AnnouncementSent(content=content, metadata=metadata):
            recipient = validation.mapping(event.get("recipient"), "recipient")
            student = validation.identifier(recipient, "studentId")
            class_id = validation.identifier(recipient, "classId")
            values = {"classId": class_id, "content": content}
            return Notice("announcement", student, metadata.event_id, parsed.identity, class_id, values)
        case _:
            raise InvalidInputError(f"{event.get('detail-type')} is told to nobody")


def _file_name(url: str) -> str:
    """The file's own name, without the address or the signature that may stand behind it."""
    parts = urlsplit(url)
    return PurePosixPath(unquote(parts.path)).name or parts.netloc


def _school_time(epoch_seconds: int) -> str:
    local = datetime.fromtimestamp(epoch_seconds, UTC) + _SCHOOL_TIME
    return local.strftime("%H:%M %d/%m/%Y (GMT+7)")
