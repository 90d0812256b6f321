"""Checks on outside input: each returns the value or raises `InvalidInputError`, which names the field."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# What Personalize, DynamoDB keys ('#' is our separator), URLs and Cognito user names all take.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+=-]{0,127}")
_DIGITS = re.compile(r"-?[0-9]{1,9}")
# The two that UTF-8 carries and SQS does not (SendMessage, "MessageBody"); JSON escapes the controls.
_NOT_IN_MESSAGES = re.compile("[\ufffe\uffff]")
MAX_CONTENT = 10_000
MAX_URL = 2_048


class InvalidInputError(ValueError):
    """Input that can never be right: answered 400 by the API, sent to quarantine by consumers, never retried."""


def mapping(value: object, field: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{field} must be a JSON object")
    return value


def only(source: Mapping[str, Any], *known: str) -> Mapping[str, Any]:
    """The source itself, with no field but these: a misspelt one would be ignored without a word."""
    if unknown := sorted(source.keys() - set(known)):
        raise InvalidInputError(f"{unknown[0][:64]!r} is not known here; known: {', '.join(known)}")
    return source


def text(source: Mapping[str, Any], field: str, *, longest: int = 256) -> str:
    """A non-blank string of at most `longest` characters that UTF-8 and a queue can carry."""
    value = source.get(field)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(f"{field} is required and must be a non-empty string")
    if len(value) > longest:
        raise InvalidInputError(f"{field} has {len(value)} characters, at most {longest} are allowed")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"{field} is not valid Unicode text") from None
    if _NOT_IN_MESSAGES.search(value):
        raise InvalidInputError(f"{field} holds U+FFFE or U+FFFF, which are no characters")
    return value


def identifier(source: Mapping[str, Any], field: str) -> str:
    """An id: 1 to 128 of letters, digits and `_.:@+=-`, the first a letter or digit."""
    value = source.get(field)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidInputError(f"{field} is required: a letter or digit, then up to 127 more or any of _.:@+=-")
    return value


def url(source: Mapping[str, Any], field: str) -> str:
    """An absolute http, https or s3 URL with a host, without control or formatting signs and without a password."""
    value = text(source, field, longest=MAX_URL)
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    # urlsplit drops line ends and tabs without a word.
    is_printable = all(sign.isprintable() for sign in value)
    if parts.scheme not in {"http", "https", "s3"} or not parts.netloc or "@" in parts.netloc or not is_printable:
        raise InvalidInputError(f"{field} must be an absolute http, https or s3 URL")
    return value


def integer(source: Mapping[str, Any], field: str, *, default: int, low: int, high: int) -> int:
    """A whole number in [low, high], given as number or digits."""
    value = source.get(field, default)
    number = int(str(value)) if not isinstance(value, bool) and _DIGITS.fullmatch(str(value)) else None
    if number is None or not low <= number <= high:
        raise InvalidInputError(f"{field} must be a whole number from {low} to {high}")
    return number


def choice(source: Mapping[str, Any], field: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
    """One of `allowed`; `default` where absent."""
    value = source.get(field, default)
    if value not in allowed:
        raise InvalidInputError(f"{field} must be one of {', '.join(allowed)}")
    return str(value)
