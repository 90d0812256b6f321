"""From our items to the rows that Personalize reads; what it would refuse or misread is rejected with a reason."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from campus.pseudonyms import pseudonym

Row = tuple[str, ...]

COLUMNS: dict[str, Row] = {
    "interactions": ("USER_ID", "ITEM_ID", "EVENT_TYPE", "EVENT_VALUE", "TIMESTAMP"),
    "items": ("ITEM_ID", "TYPE", "CLASS_ID", "CREATION_TIMESTAMP"),
    "users": ("USER_ID", "LOCALE"),
}
DATASETS = tuple(COLUMNS)
ITEM_TYPES = ("course", "document", "quiz", "assignment")
LOCALES = ("vi", "en")

_LONGEST_ID = 256
# Epoch seconds reach 1e11 in the year 5138; a larger number is milliseconds.
_MILLISECONDS = 100_000_000_000
_CLOCK_SKEW = 86_400


class RejectedRowError(ValueError):
    """Its text is the reason, one of a few words that the manifest counts."""


def interaction(item: Mapping[str, Any], user: str, latest: int) -> Row:
    """A row of Interactions.

    Args:
        item: an item of the Interactions table.
        user: its student's pseudonym.
        latest: epoch seconds of the cut-off; what claims to have happened after the next day is refused.

    Raises:
        RejectedRowError: with the reason.
    """
    return (
        user,
        _id(item.get("itemId"), "itemId"),
        _id(item.get("eventType"), "eventType"),
        _value(item.get("eventValue")),
        _timestamp(item.get("occurredAt"), latest),
    )


def user(item: Mapping[str, Any]) -> Row:
    """A row of Users, from an item of Students."""
    locale = item.get("locale", LOCALES[0])
    if locale not in LOCALES:
        raise RejectedRowError("unknown locale")
    return (pseudonym(student_id(item.get("studentId"))), locale)


def material(item: Mapping[str, Any], latest: int) -> Row:
    """A row of Items, from a class's material in ClassActivity."""
    kind = item.get("type")
    if kind not in ITEM_TYPES:
        raise RejectedRowError("unknown type")
    created = _timestamp(item.get("createdAt"), latest)
    return (_id(item.get("itemId"), "itemId"), kind, _id(item.get("classId"), "classId"), created)


def student_id(value: object) -> str:
    """The raw id, fit to be hashed."""
    return _id(value, "userId")


def _id(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise RejectedRowError(f"missing {name}")
    if len(value) > _LONGEST_ID:
        raise RejectedRowError(f"{name} longer than {_LONGEST_ID}")
    if '"' in value or not value.isprintable():
        raise RejectedRowError(f"control character or quote in {name}")
    return value


def _value(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise RejectedRowError("eventValue is not a number")
    return f"{value.normalize():f}"


def _timestamp(value: object, latest: int) -> str:
    if not isinstance(value, Decimal) or not value.is_finite() or value % 1 or value < 0:
        raise RejectedRowError("time is not whole epoch seconds")
    if value >= _MILLISECONDS:
        raise RejectedRowError("time in milliseconds")
    if value > latest + _CLOCK_SKEW:
        raise RejectedRowError("time in the future")
    return str(int(value))
