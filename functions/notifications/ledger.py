"""The mail ledger: one row a mail, so that a mail goes out once although SES knows no idempotency token.

    (none) ──claim──► CLAIMED ──sent──► SENT ──refuse──► FAILED     SES took it, and then did not send it after all
       ▲                 │├──release──► RELEASED   SES took nothing; the next delivery claims again
       │                 │├──fail─────► FAILED     SES will never take it
       └──SKIPPED_*      │└──(grace over, no answer)──► a receipt is claimed anew, an announcement becomes UNKNOWN

What became of a mail on its way is noted beside its status, as `delivery`.

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
from campus.queue import ParkedError
from campus.settings import settings
from notifications.notice import Notice

# Longer than the bus archive keeps events: a replayed or re-published one still finds its row.
KEPT_SECONDS = 180 * 86_400
# A claim as young as this is most likely at work in another worker.
IN_FLIGHT_SECONDS = 60

# What SES says of a mail it took, in rising order: in whatever order its events come, the last of these stays.
DELIVERIES = ("DELAYED", "DELIVERED", "BOUNCED_SOFT", "BOUNCED", "COMPLAINED")
_IS_OPEN = "attribute_not_exists(pk) OR #status = :released OR begins_with(#status, :skipped)"
_OPEN = {":released": "RELEASED", ":skipped": "SKIPPED_"}
_IS_HELD = "#status = :claimed AND claimToken = :held"
# What SES itself refused to send after it had taken it stays FAILED, though its Send event may come later.
_NOT_REFUSED = "attribute_exists(pk) AND NOT (#status = :failed AND reason IN (:rejected, :unrendered))"
_REFUSED = {":failed": "FAILED", ":rejected": "REJECTED", ":unrendered": "RENDERING_FAILURE"}
# Of the message that was sent last. A claim and a release stand for a message after the one that the row still names.
_LATEST = (
    "((#status = :claimed AND NOT messageId = :message) OR (NOT #status IN (:claimed, :released)"
    " AND (attribute_not_exists(messageId) OR messageId = :message)))"
)
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
        ParkedError: somebody else claimed it, and the outcome is not known yet or was that nothing was sent.
    """
    token = uuid.uuid4().hex
    if _claim(notice, recipient, token, _IS_OPEN, _OPEN):
        return token
    found = row(notice.ledger_id)
    if is_settled(found):
        return None
    if found.get("status") != "CLAIMED":
        # Claimed when we tried, and given back or erased since: worth another look.
        raise ParkedError("claimed by another worker", 1)
    if found["claimToken"] == token:
        # The first answer was lost and the SDK asked again: the condition failed on our own claim.
        return token
    _wait_for_outcome(found)
    return _overdue(notice, recipient, token, str(found["claimToken"]))


def _overdue(notice: Notice, recipient: str, token: str, former: str) -> str | None:
    """The grace period is over and SES never said: a receipt is better twice than never, an announcement is not."""
    if notice.is_receipt:
        ours = _claim(notice, recipient, token, _IS_HELD, _held(former))
    else:
        ours = _close(notice.ledger_id, former, "UNKNOWN", "NO_ANSWER", by=token)
    # As in `claim`, the condition may have failed on our own write.
    if not ours and row(notice.ledger_id).get("claimToken") != token:
        raise ParkedError("settled meanwhile, or by another worker", IN_FLIGHT_SECONDS)
    logger().error("mail without outcome", ledger_id=notice.ledger_id, kind=notice.kind)
    metrics().add_metric("MailUnknown", "Count", 1)
    return token if notice.is_receipt else None


def _wait_for_outcome(claimed: tables.Item) -> None:
    """Raise ParkedError while SES may still say what became of a claim; a message's receipts would not last so long."""
    age = clock.now() - int(claimed["claimedAt"])
    rest = settings.mail_grace_seconds - age
    if rest > 0:
        raise ParkedError("outcome unknown", min(rest, IN_FLIGHT_SECONDS) if age < IN_FLIGHT_SECONDS else rest)


def sent(ledger_id: str, message_id: str) -> None:
    """SES took the mail: said by its answer, or later by any of its events, whoever holds the claim."""
    _update(
        ledger_id,
        _NOT_REFUSED,
        "SET #status = :status, messageId = :message, sentAt = if_not_exists(sentAt, :now) REMOVE #state, since",
        {":status": "SENT", ":message": message_id, ":now": clock.now(), **_REFUSED},
    )


def refuse(ledger_id: str, message_id: str, reason: str) -> bool:
    """SES had taken the mail and did not send it, REJECTED or RENDERING_FAILURE.

    Returns:
        False where that was known, or said of a message that another one has taken the place of.
    """
    return _update(
        ledger_id,
        f"{_NOT_REFUSED} AND {_LATEST}",
        "SET #status = :failed, reason = :reason, #state = :state, since = :now, messageId = :message",
        {
            ":message": message_id,
            ":claimed": "CLAIMED",
            ":released": "RELEASED",
            ":reason": reason,
            ":state": "MAIL#FAILED",
            ":now": clock.now(),
            **_REFUSED,
        },
    )


def note_delivery(ledger_id: str, delivery: str, at: int, reason: str) -> bool:
    """Note what became of a mail on its way; False where that, or a later one of `DELIVERIES`, was known.

    Args:
        ledger_id: the mail.
        delivery: one of `DELIVERIES`.
        at: when, in epoch seconds.
        reason: SES's own words for it, such as `Permanent/NoEmail`; may be empty.
    """
    former = {f":former{n}": name for n, name in enumerate(DELIVERIES[: DELIVERIES.index(delivery)])}
    condition = "attribute_exists(pk) AND (attribute_not_exists(delivery)"
    condition += f" OR delivery IN ({', '.join(former)}))" if former else ")"
    return _update(
        ledger_id,
        condition,
        "SET delivery = :delivery, deliveryAt = :at, deliveryReason = :reason",
        {":delivery": delivery, ":at": at, ":reason": reason, **former},
    )


def release(ledger_id: str, token: str, reason: str) -> None:
    """SES definitely took nothing, for a reason that may pass: the next delivery claims again."""
    _close(ledger_id, token, "RELEASED", reason)


def fail(ledger_id: str, token: str, reason: str) -> None:
    """SES will never take this mail; `reason` is an error code, never a text that may hold an address."""
    _close(ledger_id, token, "FAILED", reason)


def skip(notice: Notice, why: str) -> None:
    """Record that this mail is not sent: status `SKIPPED_<why>`, unless it is known otherwise.

    Raises:
        ParkedError: a claim's outcome is not known yet; the mail may be out.
    """
    if _skip(notice, why, _IS_OPEN, _OPEN):
        return
    found = row(notice.ledger_id)
    if found.get("status") == "CLAIMED":
        _wait_for_outcome(found)
        _skip(notice, why, _IS_HELD, _held(str(found["claimToken"])))


def row(ledger_id: str) -> tables.Item:
    """What is known of a mail; empty where nothing is."""
    return tables.operations().get_item(Key=key(ledger_id), ConsistentRead=True).get("Item", {})


def _skip(notice: Notice, why: str, condition: str, values: Mapping[str, Any]) -> bool:
    return _update(
        notice.ledger_id,
        condition,
        "SET #status = :status, kind = :kind, studentId = :student, eventId = :event, expiresAt = :expires "
        "REMOVE #state, since, reason",
        {":status": f"SKIPPED_{why}", **_origin(notice), **values},
    )


def key(ledger_id: str) -> dict[str, str]:
    """Where a mail's row stands in Operations."""
    return {"pk": f"MAIL#{ledger_id}", "sk": "MAIL"}


def is_settled(row: Mapping[str, Any]) -> bool:
    """Whether no delivery will send this mail any more; a row that does not exist is empty."""
    return row.get("status") in {"SENT", "FAILED", "UNKNOWN"}


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


def _close(ledger_id: str, token: str, status: str, reason: str, by: str | None = None) -> bool:
    """End the claim `token` with a status other than SENT; index byState goes on listing the row.

    `by` takes the place of `token` where somebody else than the claim's owner ends it.
    """
    return _update(
        ledger_id,
        _IS_HELD,
        "SET #status = :status, #state = :state, reason = :reason, claimToken = :by",
        {":status": status, ":state": f"MAIL#{status}", ":reason": reason, ":by": by or token, **_held(token)},
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


def _update(ledger_id: str, condition: str, expression: str, values: Mapping[str, Any]) -> bool:
    """One conditional write; False where the condition did not hold."""
    used = f"{condition} {expression}"
    names = {name: real for name, real in _NAMES.items() if name in used}
    # DynamoDB refuses an empty map.
    aliases: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    try:
        tables.operations().update_item(
            Key=key(ledger_id),
            ConditionExpression=condition,
            UpdateExpression=expression,
            ExpressionAttributeValues=dict(values),
            **aliases,
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return False
        raise
    return True
