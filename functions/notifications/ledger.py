"""The mail ledger: one row a mail, so that a mail goes out once although SES knows no idempotency token.

    (none) ──claim──► CLAIMED ──sent──► SENT
       ▲                 │├──release──► RELEASED   SES took nothing; the next delivery claims again
       │                 │├──fail─────► FAILED     SES will never take it
       └──SKIPPED_*      │└──(grace over, no answer)──► a receipt is claimed anew, an announcement becomes UNKNOWN

A claim without an outcome is one whose worker died, or whose answer from SES was lost: the mail may be out. It is
settled by SES's own Send event, which carries the ledger id as a tag, and until the grace period is over it is not
sent again.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from campus import clock, tables
from campus.observability import logger, metrics
from campus.queue import PostponedError
from campus.settings import settings
from notifications.notice import Notice

# Longer than the bus archive keeps events: a replayed or re-published one still finds its row.
KEPT_SECONDS = 180 * 86_400
# A claim as young as this is most likely at work in another worker.
IN_FLIGHT_SECONDS = 60

_IS_HELD = "#status = :claimed AND claimToken = :held"
_NAMES = {"#status": "status", "#state": "state"}


def claim(notice: Notice, recipient: str) -> str | None:
    """Take the right to send this mail.

    A mail that was skipped is sent by a later delivery, once nothing is in its way.

    Args:
        notice: the mail.
        recipient: `address.digest` of the address, by which SES's feedback finds whom to suppress.

    Returns:
        A token for `release` and `fail`; None where the mail is settled: sent, failed, or waiting for an operator.

    Raises:
        PostponedError: somebody else claimed it and the outcome is not known yet.
    """
    token = uuid.uuid4().hex
    condition = "attribute_not_exists(pk) OR #status = :released OR begins_with(#status, :skipped)"
    if _claim(notice, recipient, token, condition, {":released": "RELEASED", ":skipped": "SKIPPED_"}):
        return token
    row = _row(notice.ledger_id)
    if row.get("status") != "CLAIMED":
        return None
    if row["claimToken"] == token:
        # The first answer was lost and the SDK asked again: the condition failed on our own claim.
        return token
    age = clock.now() - int(row["claimedAt"])
    rest = settings.mail_grace_seconds - age
    if rest > 0:
        raise PostponedError("outcome unknown", min(rest, IN_FLIGHT_SECONDS) if age < IN_FLIGHT_SECONDS else rest)
    return _overdue(notice, recipient, token, str(row["claimToken"]))


def _overdue(notice: Notice, recipient: str, token: str, former: str) -> str | None:
    """The grace period is over and SES never said: a receipt is better twice than never, an announcement is not."""
    logger().error("mail without outcome", ledger_id=notice.ledger_id, kind=notice.kind)
    metrics().add_metric("MailUnknown", "Count", 1)
    if not notice.is_receipt:
        _close(notice.ledger_id, former, "UNKNOWN", "NO_ANSWER")
        return None
    claimed = _claim(notice, recipient, token, _IS_HELD, _held(former))
    if claimed or _row(notice.ledger_id).get("claimToken") == token:
        return token
    raise PostponedError("claimed by another worker", IN_FLIGHT_SECONDS)


def sent(ledger_id: str, message_id: str) -> None:
    """SES took the mail: said by its answer, or later by its Send event, whoever holds the claim."""
    _update(
        ledger_id,
        "attribute_exists(pk)",
        "SET #status = :status, messageId = :message, sentAt = if_not_exists(sentAt, :now) REMOVE #state, since",
        {":status": "SENT", ":message": message_id, ":now": clock.now()},
    )


def release(ledger_id: str, token: str, reason: str) -> None:
    """SES definitely took nothing, for a reason that may pass: the next delivery claims again."""
    _close(ledger_id, token, "RELEASED", reason)


def fail(ledger_id: str, token: str, reason: str) -> None:
    """SES will never take this mail; `reason` is an error code, never a text that may hold an address."""
    _close(ledger_id, token, "FAILED", reason)


def skip(notice: Notice, why: str) -> None:
    """Record that there is nobody to send this mail to: status `SKIPPED_<why>`, unless it is known otherwise."""
    _update(
        notice.ledger_id,
        "attribute_not_exists(pk) OR begins_with(#status, :skipped)",
        "SET #status = :status, kind = :kind, studentId = :student, eventId = :event, expiresAt = :expires",
        {":status": f"SKIPPED_{why}", ":skipped": "SKIPPED_", **_origin(notice)},
    )


def _claim(notice: Notice, recipient: str, token: str, condition: str, values: Mapping[str, Any]) -> bool:
    return _update(
        notice.ledger_id,
        condition,
        "SET #status = :claimed, claimToken = :token, claimedAt = :now, #state = :state, since = :now, "
        "recipient = :recipient, kind = :kind, studentId = :student, eventId = :event, expiresAt = :expires "
        "REMOVE reason ADD attempts :one",
        {
            ":claimed": "CLAIMED",
            ":token": token,
            ":recipient": recipient,
            ":now": clock.now(),
            ":state": "MAIL#CLAIMED",
            ":one": 1,
            **_origin(notice),
            **values,
        },
    )


def _close(ledger_id: str, token: str, status: str, reason: str) -> None:
    """End the claim `token` with a status other than SENT; index byState goes on listing the row."""
    _update(
        ledger_id,
        _IS_HELD,
        "SET #status = :status, #state = :state, reason = :reason",
        {":status": status, ":state": f"MAIL#{status}", ":reason": reason, **_held(token)},
    )


def _held(token: str) -> dict[str, str]:
    return {":claimed": "CLAIMED", ":held": token}


def _origin(notice: Notice) -> dict[str, Any]:
    return {
        ":kind": notice.kind,
        ":student": notice.student_id,
        ":event": notice.event_id,
        ":expires": clock.now() + KEPT_SECONDS,
    }


def _key(ledger_id: str) -> dict[str, str]:
    return {"pk": f"MAIL#{ledger_id}", "sk": "MAIL"}


def _row(ledger_id: str) -> tables.Item:
    return tables.operations().get_item(Key=_key(ledger_id), ConsistentRead=True).get("Item", {})


def _update(ledger_id: str, condition: str, expression: str, values: Mapping[str, Any]) -> bool:
    """One conditional write; False where the condition did not hold."""
    used = f"{condition} {expression}"
    try:
        tables.operations().update_item(
            Key=_key(ledger_id),
            ConditionExpression=condition,
            UpdateExpression=expression,
            ExpressionAttributeNames={name: real for name, real in _NAMES.items() if name in used},
            ExpressionAttributeValues=dict(values),
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return False
        raise
    return True
