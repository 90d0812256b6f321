"""Whom not to write to: addresses that bounced or complained, and students who unsubscribed.

An address is known here only by its hash: Operations, pk `SUPPRESSION#<hash>`, sk `ALL` (it bounced for good), the
kind of mail that was complained about, or `SOFT` (which mails bounced softly; that suppresses nothing). What suppresses
stays until a person removes it.
"""

from collections.abc import Mapping
from typing import Any

from campus import clock, tables
from notifications import address
from notifications.ledger import KEPT_SECONDS


def why_not(kind: str, student: Mapping[str, Any], to: str) -> str | None:
    """Why this kind of mail shall not go to this student: SUPPRESSED | UNSUBSCRIBED; None: it may.

    Args:
        kind: enrollment | submission | announcement.
        student: the row of Students.
        to: the address as SES would take it.
    """
    if kind in student.get("unsubscribed", ()):
        return "UNSUBSCRIBED"
    rows = tables.operations().query(
        KeyConditionExpression="pk = :address",
        ExpressionAttributeValues={":address": _pk(address.digest(to))},
        ProjectionExpression="sk",
        ConsistentRead=True,
    )["Items"]
    return "SUPPRESSED" if {"ALL", kind} & {row["sk"] for row in rows} else None


def bounced(recipient: str) -> None:
    """There is no such mailbox: nothing goes there any more.

    Args:
        recipient: `address.digest` of the address.
    """
    _suppress(recipient, "ALL")


def complained(recipient: str, kind: str) -> None:
    """This kind of mail was called spam there: never again this kind."""
    _suppress(recipient, kind)


def soft_bounced(recipient: str, ledger_id: str) -> None:
    """The mailbox was full or away. Mails are kept as a set, so that one counts once however often SES reports it."""
    tables.operations().update_item(
        Key={"pk": _pk(recipient), "sk": "SOFT"},
        UpdateExpression="SET expiresAt = :expires ADD mails :mail",
        ExpressionAttributeValues={":expires": clock.now() + KEPT_SECONDS, ":mail": {ledger_id}},
    )


def _suppress(recipient: str, what: str) -> None:
    tables.operations().update_item(
        Key={"pk": _pk(recipient), "sk": what},
        UpdateExpression="SET suppressedAt = if_not_exists(suppressedAt, :now)",
        ExpressionAttributeValues={":now": clock.now()},
    )


def _pk(recipient: str) -> str:
    return f"SUPPRESSION#{recipient}"
