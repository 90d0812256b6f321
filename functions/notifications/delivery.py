"""From a message on the MailQueue to one mail: who, what, when, and then the ledger around SES."""

import random
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from campus import tables, tombstones
from campus.observability import logger, metrics
from campus.outages import is_outage
from campus.queue import ParkedError, PostponedError
from campus.settings import settings
from notifications import ledger, message, notice, pace, ses, subscription, suppression
from notifications.address import deliverable, digest
from notifications.inbox import Spare
from notifications.message import Message
from notifications.notice import Notice


def deliver(event: Mapping[str, Any], spare: Spare) -> None:
    """Send the mail an event calls for, unless it went out before. Events from the archive send none.

    Args:
        event: an EventBridge event, an announcement with its `recipient`.
        spare: time that can be spent before SES is called.

    Raises:
        InvalidInputError: the message can never be right.
        PostponedError: try again later; nothing was sent, or it is not known whether it was.
    """
    if notice.is_replayed(event):
        return
    told = notice.of(event)
    student, school_class, entry, tombstone = _rows(told)
    # Of whom was erased not even a skipped mail is noted.
    if ledger.is_settled(entry) or tombstone:
        return
    email = str(student.get("email") or "")
    if not email:
        _skip(told, "NO_ADDRESS" if student else "UNKNOWN")
        return
    # All that can go wrong by itself comes before the claim: a claim without an outcome costs a day.
    mail, headers = _composed(told, student, school_class)
    to = deliverable(email)
    if to is not None:
        if why := suppression.why_not(told.kind, student, to):
            _skip(told, why)
            return
        pace.wait(spare())
        if spare() < 0:
            raise ParkedError("no time left", 0)
    token = ledger.claim(told, digest(to or email))
    if token is None:
        return
    if to is None:
        _give_up(told, token, "ADDRESS")
    elif spare() < 0:
        # The claim took its time, and SES must not be cut short.
        ledger.release(told.ledger_id, token, "NO_TIME")
        raise ParkedError("no time left", 0)
    else:
        _send(told, token, mail, to, headers)


def _composed(told: Notice, student: tables.Item, school_class: tables.Item) -> tuple[Message, dict[str, str]]:
    """The mail and its headers; it waits where the key that signs its link is away, since nothing is wrong with it."""
    try:
        values = _values(told, student, school_class)
        return message.compose(told.kind, str(student.get("locale")), values), subscription.headers(told)
    except (ClientError, BotoCoreError) as error:
        if not is_outage(error):
            raise
        raise ParkedError("the key of its link is away", 60) from error


def _send(told: Notice, token: str, mail: Message, to: str, headers: Mapping[str, str]) -> None:
    try:
        message_id = ses.send(mail, to, ledger_id=told.ledger_id, kind=told.kind, headers=headers)
    except ses.HeldUpError as error:
        ledger.release(told.ledger_id, token, error.code)
        match error:
            case ses.SandboxError():
                _skip(told, "SANDBOX")
            case ses.QuotaSpentError():
                raise pace.parked() from error
            case ses.TooFastError():
                raise ParkedError(error.code, random.randint(1, 5)) from error  # noqa: S311 - jitter
            case _:
                raise PostponedError(error.code) from error
    except ses.RejectedError as error:
        _give_up(told, token, error.code)
    except ses.NoAnswerError as error:
        raise ParkedError(error.code, ledger.IN_FLIGHT_SECONDS) from error
    else:
        ledger.sent(told.ledger_id, message_id)
        metrics().add_metric("MailSent", "Count", 1)


def _skip(told: Notice, why: str) -> None:
    ledger.skip(told, why)
    metrics().add_metric("MailSkipped", "Count", 1)


def _give_up(told: Notice, token: str, reason: str) -> None:
    ledger.fail(told.ledger_id, token, reason)
    logger().error("mail refused for good", ledger_id=told.ledger_id, kind=told.kind, reason=reason)
    metrics().add_metric("MailFailed", "Count", 1)


def _rows(told: Notice) -> tuple[tables.Item, tables.Item, tables.Item, tables.Item]:
    """The rows of the student, of the class where there is one, of the ledger, and the student's tombstone.

    A row that does not exist is empty.
    """
    student = {"studentId": told.student_id}
    school_class = {"classId": told.class_id, "activity": "CLASS"}
    entry, tombstone = ledger.key(told.ledger_id), tombstones.key(told.student_id)
    # Consistent, so that whoever was registered a moment ago gets the mail, too.
    known = {
        settings.students_table: {"Keys": [student], "ConsistentRead": True},
        settings.operations_table: {"Keys": [entry, tombstone], "ConsistentRead": True},
    }
    found = tables.batch_get(
        {**known, settings.class_activity_table: {"Keys": [school_class]}} if told.class_id else known
    )

    def row(table: str, key: Mapping[str, Any]) -> tables.Item:
        return next((one for one in found.get(table, []) if key.items() <= one.items()), {})

    return (
        row(settings.students_table, student),
        row(settings.class_activity_table, school_class),
        row(settings.operations_table, entry),
        row(settings.operations_table, tombstone),
    )


def _values(told: Notice, student: Mapping[str, Any], school_class: Mapping[str, Any]) -> dict[str, str]:
    """What the templates say: the notice's own values, the student's name, the class's title."""
    values = {**told.values, "displayName": str(student.get("displayName") or told.student_id)}
    if told.class_id is not None:
        values["classTitle"] = str(school_class.get("title") or told.class_id)
    if told.kind in subscription.TOPICS:
        values["unsubscribeUrl"] = subscription.link(told.student_id, told.kind)
    return values
