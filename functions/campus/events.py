"""The events on `student-event-bus`. Each class owns its source and detail type; nobody else spells them.

The detail is flat and carries the specification's fields; `metadata` and the further fields are additive and optional,
so the bare examples of the specification are accepted as they are.
"""

import hashlib
import json
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

from campus import clock, validation
from campus.validation import InvalidInputError

SCHEMA_VERSION = "1"


@dataclass(frozen=True)
class Metadata:
    """The envelope: who this event is, when it happened, what caused it.

    `event_id` is the producer's and survives re-publishing and replay. Where the producer gave none it is EventBridge's
    `id`, which does not, and `is_named` is False; likewise `occurred_at`, EventBridge's `time`, and `is_dated`.
    """

    event_id: str
    occurred_at: str
    correlation_id: str
    causation_id: str | None = None
    schema_version: str = SCHEMA_VERSION
    is_named: bool = field(default=True, compare=False)
    is_dated: bool = field(default=True, compare=False)

    @property
    def occurred_at_epoch(self) -> int:
        """Epoch seconds."""
        return clock.epoch(self.occurred_at)

    @property
    def is_repeatable(self) -> bool:
        """True where its producer may tell of it again under another `occurred_at`: it gave an id and no instant."""
        return self.is_named and not self.is_dated

    def to_dict(self) -> dict[str, str]:
        """As it stands in the detail; absent fields are left out."""
        wire = {
            "eventId": self.event_id,
            "schemaVersion": self.schema_version,
            "occurredAt": self.occurred_at,
            "correlationId": self.correlation_id,
        }
        return wire | ({"causationId": self.causation_id} if self.causation_id else {})

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """From an EventBridge event; what the detail does not say comes from EventBridge's `id` and `time`."""
        stated = event["detail"].get("metadata")
        given = validation.mapping({} if stated is None else stated, "metadata")
        given = {key: value for key, value in given.items() if value is not None}
        defaults = {"eventId": event.get("id"), "occurredAt": event.get("time"), "schemaVersion": SCHEMA_VERSION}
        merged = defaults | given
        event_id = validation.identifier(merged, "eventId")
        occurred_at = validation.text(merged, "occurredAt", longest=40)
        try:
            clock.epoch(occurred_at)
        except ValueError:
            # Constant words, here and below: what is wrong with a message is logged, and it may hold anything.
            raise InvalidInputError(
                "metadata.occurredAt must be an ISO 8601 instant with a zone, 1970 to 2286"
            ) from None
        causation = given.get("causationId")
        return cls(
            event_id=event_id,
            occurred_at=occurred_at,
            correlation_id=validation.identifier({"correlationId": event_id, **given}, "correlationId"),
            causation_id=validation.identifier(given, "causationId") if causation is not None else None,
            schema_version=validation.text(merged, "schemaVersion", longest=16),
            is_named="eventId" in given,
            is_dated="occurredAt" in given,
        )


@dataclass(frozen=True)
class Event(ABC):
    """What all events share."""

    source: ClassVar[str]
    detail_type: ClassVar[str]

    metadata: Metadata = field(kw_only=True)

    @abstractmethod
    def fields(self) -> dict[str, str]:
        """The flat fields of the detail."""

    @property
    def identity(self) -> str:
        """What makes two events one: the producer's id; where it gave none, all that the event says, and its UTC day.

        A producer whose SDK repeats PutEvents sends the same bare event under two ids of EventBridge.
        """
        if self.metadata.is_named:
            return self.metadata.event_id
        said = [self.detail_type, sorted(self.fields().items()), clock.utc_day(self.metadata.occurred_at_epoch)]
        return f"bare-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]}"

    def detail(self) -> str:
        """The detail as JSON."""
        return json.dumps(self.fields() | {"metadata": self.metadata.to_dict()}, ensure_ascii=False)


@dataclass(frozen=True)
class StudentEnrolled(Event):
    """A student was enrolled in a class."""

    source: ClassVar[str] = "api.student"
    detail_type: ClassVar[str] = "student.enrolled"

    student_id: str
    class_id: str

    def fields(self) -> dict[str, str]:
        """`{studentId, classId}`."""
        return {"studentId": self.student_id, "classId": self.class_id}

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any], metadata: Metadata) -> Self:
        """Raises InvalidInputError naming the field."""
        return cls(
            validation.identifier(detail, "studentId"), validation.identifier(detail, "classId"), metadata=metadata
        )


@dataclass(frozen=True)
class AssignmentSubmitted(Event):
    """A student handed in a file."""

    source: ClassVar[str] = "api.assignment"
    detail_type: ClassVar[str] = "student.submitAssignment"

    student_id: str
    file_url: str
    assignment_id: str
    class_id: str | None = None

    def fields(self) -> dict[str, str]:
        """`{studentId, fileUrl, assignmentId[, classId]}`."""
        wire = {"studentId": self.student_id, "fileUrl": self.file_url, "assignmentId": self.assignment_id}
        return wire | ({"classId": self.class_id} if self.class_id else {})

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any], metadata: Metadata) -> Self:
        """A bare `{studentId, fileUrl}` takes its assignment from the file's stem; raises InvalidInputError."""
        file_url, student = validation.url(detail, "fileUrl"), validation.identifier(detail, "studentId")
        named = detail if detail.get("assignmentId") is not None else {"assignmentId": _assignment(file_url, student)}
        return cls(
            student,
            file_url,
            validation.identifier(named, "assignmentId"),
            validation.identifier(detail, "classId") if detail.get("classId") is not None else None,
            metadata=metadata,
        )


@dataclass(frozen=True)
class AnnouncementSent(Event):
    """A teacher wrote to a class, or, without `class_id`, to all of their classes."""

    source: ClassVar[str] = "api.teacher"
    detail_type: ClassVar[str] = "teacher.sendAnnouncement"

    teacher_id: str
    content: str
    class_id: str | None = None

    def fields(self) -> dict[str, str]:
        """`{teacherId, content[, classId]}`."""
        wire = {"teacherId": self.teacher_id, "content": self.content}
        return wire | ({"classId": self.class_id} if self.class_id else {})

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any], metadata: Metadata) -> Self:
        """Raises InvalidInputError naming the field."""
        return cls(
            validation.identifier(detail, "teacherId"),
            validation.text(detail, "content", longest=validation.MAX_CONTENT),
            validation.identifier(detail, "classId") if detail.get("classId") is not None else None,
            metadata=metadata,
        )


@dataclass(frozen=True)
class RankingUpdateRequested(Event):
    """Somebody wants the ranking retrained now."""

    source: ClassVar[str] = "api.ranking"
    detail_type: ClassVar[str] = "ranking.requestUpdate"

    trigger: str

    def fields(self) -> dict[str, str]:
        """`{trigger}`."""
        return {"trigger": self.trigger}

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any], metadata: Metadata) -> Self:
        """Raises InvalidInputError naming the field."""
        return cls(validation.text(detail, "trigger", longest=64), metadata=metadata)


EventClass = type[StudentEnrolled] | type[AssignmentSubmitted] | type[AnnouncementSent] | type[RankingUpdateRequested]
EVENT_CLASSES: tuple[EventClass, ...] = (
    StudentEnrolled,
    AssignmentSubmitted,
    AnnouncementSent,
    RankingUpdateRequested,
)
_BY_TYPE: dict[tuple[str, str], EventClass] = {(kind.source, kind.detail_type): kind for kind in EVENT_CLASSES}

AnyEvent = StudentEnrolled | AssignmentSubmitted | AnnouncementSent | RankingUpdateRequested


def parse(event: Mapping[str, Any]) -> AnyEvent:
    """The typed event inside an EventBridge event.

    Args:
        event: as EventBridge delivers it: `id, time, source, detail-type, detail`.

    Raises:
        InvalidInputError: unknown type or a bad field; retrying cannot help.
    """
    event = validation.mapping(event, "event")
    key = (str(event.get("source")), str(event.get("detail-type")))
    if key not in _BY_TYPE:
        raise InvalidInputError("no event of a known source and detail-type")
    detail = validation.mapping(event.get("detail"), "detail")
    return _BY_TYPE[key].from_detail(detail, Metadata.of(event))


def _assignment(file_url: str, student_id: str) -> str:
    """`hw1` of `https://files/hw1.pdf?sig=…`; letters lose their marks, what an id cannot hold becomes `-`.

    A name that says whose file it is, since an assignment is nobody's; one without a letter or digit that an id can
    hold; or no name: the assignment is named by a hash of the path.
    """
    path = unquote(urlsplit(file_url).path)
    plain = unicodedata.normalize("NFKD", PurePosixPath(path).stem.replace("đ", "d").replace("Đ", "D"))
    stem = _as_id("".join(letter for letter in plain if not unicodedata.combining(letter)))
    theirs = re.search(rf"(?<![A-Za-z0-9]){re.escape(_as_id(student_id))}(?![A-Za-z0-9])", stem, re.IGNORECASE)
    return f"file-{hashlib.sha256(path.encode()).hexdigest()[:12]}" if theirs or not stem else stem[:64]


def _as_id(text: str) -> str:
    return re.sub(r"^[^A-Za-z0-9]+", "", re.sub(r"[^A-Za-z0-9_.-]", "-", text))
