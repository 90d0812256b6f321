"""A student's interaction with an item: what Interactions stores, what Personalize learns from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campus import clock, events, tables
from campus.validation import InvalidInputError


@dataclass(frozen=True)
class Interaction:
    """One event of one student.

    Attributes:
        interaction_id: the producer's event id; Personalize's eventId, too.
        item_id: the class of an enrolment, the assignment of a submission.
        item_type: course | assignment.
        event_type: enroll | submitAssignment.
        class_id: None where the event does not say.
        occurred_at: ISO 8601, as the event says.
        is_repeatable: its producer may tell of it again under another `occurred_at`.
        event_value: a number for events that carry one (a quiz's result).
    """

    interaction_id: str
    student_id: str
    item_id: str
    item_type: str
    event_type: str
    class_id: str | None
    occurred_at: str
    event_value: float | None = None
    is_repeatable: bool = False

    @property
    def occurred_at_epoch(self) -> int:
        """Epoch seconds."""
        return clock.epoch(self.occurred_at)

    @property
    def is_enrollment(self) -> bool:
        """True where it makes its student a member of the class."""
        return self.event_type == "enroll"

    def row(self, class_id: str, recorded_at_ms: int) -> tables.Item:
        """The row of Interactions.

        Args:
            class_id: where the interaction belongs.
            recorded_at_ms: epoch milliseconds of this write attempt.
        """
        row: tables.Item = {
            "userId": self.student_id,
            "occurrence": tables.occurrence(self.occurred_at_epoch, self.interaction_id),
            "itemId": self.item_id,
            "eventType": self.event_type,
            "occurredAt": self.occurred_at_epoch,
            "recordedAt": recorded_at_ms,
            "recordedDay": tables.recorded_day(clock.utc_day(recorded_at_ms / 1000), self.interaction_id),
            "interactionId": self.interaction_id,
            "classId": class_id,
        }
        return row | ({} if self.event_value is None else {"eventValue": tables.number(self.event_value)})


def of(event: Mapping[str, Any]) -> Interaction:
    """The interaction inside an EventBridge event.

    Raises:
        InvalidInputError: an unknown event, a bad field, or one that is no interaction.
    """
    match events.parse(event):
        case events.StudentEnrolled(student_id=student, class_id=class_id, metadata=told):
            item, kind, act = class_id, "course", "enroll"
        case events.AssignmentSubmitted(student_id=student, assignment_id=item, class_id=class_id, metadata=told):
            kind, act = "assignment", "submitAssignment"
        case _:
            raise InvalidInputError(f"{event.get('detail-type')} is no interaction")
    at, again = told.occurred_at, told.is_repeatable
    return Interaction(told.event_id, student, item, kind, act, class_id, at, is_repeatable=again)
