"""What tests let SES say of a mail, and how it is heard."""

from collections.abc import Callable
from typing import Any

from notifications import record_feedback
from tests.unit.notifications.school import Context, School, batch, enrolled

SENT, DELAYED, DELIVERED = "Email Sent", "Email Delivery Delayed", "Email Delivered"
BOUNCE, COMPLAINT = "Email Bounced", "Email Complaint Received"
REJECTED, UNRENDERED = "Email Rejected", "Email Rendering Failed"


def said(school: School, kind: str, **fields: object) -> dict[str, Any]:
    """What the rule MailFeedbackRule makes of SES's event for the first mail it accepted."""
    tags = {tag["Name"]: tag["Value"] for tag in school.accepted[0]["EmailTags"]}
    return {
        "type": kind,
        "time": "2026-11-20T08:00:01Z",
        "messageId": "message-1",
        "ledgerId": [tags["ledger-id"]],
        "bounceType": "",
        "bounceSubType": "",
        "complaintType": "",
        "complaintSubType": "",
        **fields,
    }


def hear(*events: Any) -> int:
    """How many messages stay on the FeedbackQueue."""
    answer = record_feedback.handler(batch(list(events)), Context())  # type: ignore[arg-type]
    return len(answer["batchItemFailures"])


def one_mail(open_school: Callable[[], School], misfortune: Callable[[], None] | None = None) -> School:
    """A school from which one mail went out, or was lost."""
    school = open_school()
    school.student()
    school.ses = [misfortune] if misfortune else []
    school.deliver(enrolled())
    assert len(school.accepted) == 1
    return school
