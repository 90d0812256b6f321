"""What SES says became of a mail: the ledger learns it, and an address that bounced or complained is suppressed.

SES's events are delivered best-effort, repeatedly and in any order; every step here may be repeated, and steps of
different events in any order come to the same end. They name the mail by the tag `ledger-id`, never the student.
"""

from collections.abc import Mapping
from typing import Any

from campus import clock, tables, validation
from campus.observability import logger, metrics
from campus.validation import InvalidInputError
from notifications import ledger, suppression

# SES's detail types (EventBridge events reference, "Amazon Simple Email Service events").
SENT = "Email Sent"
DELIVERIES = {"Email Delivery Delayed": "DELAYED", "Email Delivered": "DELIVERED"}
BOUNCE = "Email Bounced"
COMPLAINT = "Email Complaint Received"
REFUSALS = {"Email Rejected": "REJECTED", "Email Rendering Failed": "RENDERING_FAILURE"}
TYPES = {SENT, *DELIVERIES, BOUNCE, COMPLAINT, *REFUSALS}
# SES did not even try: the address stands on the account's suppression list.
_ON_LIST = "OnAccountSuppressionList"
_METRICS = {"DELIVERED": "MailDelivered", "BOUNCED": "MailBounced", "COMPLAINED": "MailComplained"}


def record(event: Mapping[str, Any]) -> None:
    """Note one event of SES, as the rule MailFeedbackRule has cut it down.

    A mail that is not ours, or whose ledger row has expired, is counted and nothing else.

    Raises:
        InvalidInputError: not such an event.
    """
    kind, message_id = validation.text(event, "type"), validation.text(event, "messageId")
    at = _moment(event)
    ledger_id = _ledger_id(event)
    row = ledger.row(ledger_id) if ledger_id and kind in TYPES else {}
    if not ledger_id or not row:
        metrics().add_metric("MailFeedbackIgnored", "Count", 1)
    elif kind in REFUSALS:
        _refuse(ledger_id, message_id, str(row["kind"]), REFUSALS[kind])
    else:
        # Whatever became of it: SES took it.
        ledger.sent(ledger_id, message_id)
        delivery, reason = _outcome(kind, event)
        _suppress(delivery, row, ledger_id)
        news = bool(delivery) and ledger.note_delivery(ledger_id, delivery, at, reason)
        if news and delivery in _METRICS and _ON_LIST not in reason:
            metrics().add_metric(_METRICS[delivery], "Count", 1)


def _refuse(ledger_id: str, message_id: str, kind: str, reason: str) -> None:
    if ledger.refuse(ledger_id, message_id, reason):
        logger().error("mail not sent after all", ledger_id=ledger_id, kind=kind, reason=reason)
        metrics().add_metric("MailFailed", "Count", 1)


def _outcome(kind: str, event: Mapping[str, Any]) -> tuple[str, str]:
    """One of the ledger's DELIVERIES, or nothing yet, and SES's words for it."""
    if kind == BOUNCE:
        delivery = "BOUNCED" if event.get("bounceType") == "Permanent" else "BOUNCED_SOFT"
        return delivery, f"{event.get('bounceType')}/{event.get('bounceSubType')}"
    if kind == COMPLAINT:
        if event.get("complaintSubType") == _ON_LIST:
            # Nobody complained of this mail; nobody got it.
            return "BOUNCED", _ON_LIST
        # A reader who says that it is no spam is reported in the same way.
        said = str(event.get("complaintType") or "")
        return ("DELIVERED" if said == "not-spam" else "COMPLAINED"), said
    return DELIVERIES.get(kind, ""), ""


def _suppress(delivery: str, row: tables.Item, ledger_id: str) -> None:
    match delivery:
        case "BOUNCED":
            suppression.bounced(str(row["recipient"]))
        case "BOUNCED_SOFT":
            suppression.soft_bounced(str(row["recipient"]), ledger_id)
        case "COMPLAINED":
            suppression.complained(str(row["recipient"]), str(row["kind"]))


def _ledger_id(event: Mapping[str, Any]) -> str | None:
    """The value of our tag; SES gives the values of a tag as a list."""
    match event.get("ledgerId"):
        case [str(value)] if value:
            return value
    return None


def _moment(event: Mapping[str, Any]) -> int:
    try:
        return clock.epoch(validation.text(event, "time"))
    except ValueError:
        raise InvalidInputError("time must be an ISO 8601 instant") from None
