"""From a message on the MailQueue to one mail: who, what, and then the ledger around SES."""

from collections.abc import Mapping
from typing import Any

from campus import tables
from campus.observability import logger, metrics
from campus.queue import PostponedError
from notifications import ledger, message, notice, ses
from notifications.address import deliverable, digest
from notifications.notice import Notice


def deliver(event: Mapping[str, Any]) -> None:
    """Send the mail an event calls for, unless it went out before. Events from the archive send none.

    Args:
        event: an EventBridge event, an announcement with its `recipient`.

    Raises:
        InvalidInputError: the message can never be right.
        PostponedError: try again later; nothing was sent, or it is not known whether it was.
    """
    if notice.is_replayed(event):
        return
    told = notice.of(event)
    student = tables.students().get_item(Key={"studentId": told.student_id}).get("Item")
    if student is None or not student.get("email"):
        ledger.skip(told, "UNKNOWN" if student is None else "NO_ADDRESS")
        metrics().add_metric("MailSkipped", "Count", 1)
        return
    # All that can go wrong by itself comes before the claim: a claim without an outcome costs a day.
    mail = message.compose(told.kind, str(student.get("locale")), _values(told, student))
    to = deliverable(str(student["email"]))
    token = ledger.claim(told, digest(to or str(student["email"])))
    if token is None:
        return
    if to is None:
        _give_up(told, token, "ADDRESS")
    else:
        _send(told, token, mail, to)


def _send(told: Notice, token: str, mail: message.Message, to: str) -> None:
    try:
        message_id = ses.send(mail, to, ledger_id=told.ledger_id, kind=told.kind)
    except ses.HeldUpError as error:
        ledger.release(told.ledger_id, token, error.code)
        raise PostponedError(error.code) from error
    except ses.RejectedError as error:
        _give_up(told, token, error.code)
    except ses.NoAnswerError as error:
        raise PostponedError(error.code, ledger.IN_FLIGHT_SECONDS) from error
    else:
        ledger.sent(told.ledger_id, message_id)
        metrics().add_metric("MailSent", "Count", 1)


def _give_up(told: Notice, token: str, reason: str) -> None:
    ledger.fail(told.ledger_id, token, reason)
    logger().error("mail refused for good", ledger_id=told.ledger_id, kind=told.kind, reason=reason)
    metrics().add_metric("MailFailed", "Count", 1)


def _values(told: Notice, student: Mapping[str, Any]) -> dict[str, str]:
    """What the templates say: the notice's own values, the student's name, the class's title."""
    values = {**told.values, "displayName": str(student.get("displayName") or told.student_id)}
    if told.class_id is None:
        return values
    key = {"classId": told.class_id, "activity": "CLASS"}
    row = tables.class_activity().get_item(Key=key).get("Item", {})
    return values | {"classTitle": str(row.get("title") or told.class_id)}
