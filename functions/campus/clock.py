"""Instants: epoch seconds inside, ISO 8601 UTC on the wire."""

import time
from datetime import UTC, datetime


def now() -> int:
    """Epoch seconds."""
    return int(time.time())


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def iso(epoch_seconds: float) -> str:
    """`2026-11-22T02:00:00Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_day(epoch_seconds: float) -> str:
    """`2026-11-22`."""
    return iso(epoch_seconds)[:10]


def epoch(text: str) -> int:
    """Epoch seconds of an ISO 8601 instant with a zone, between 1970 and 2286: ten digits, as sort keys have them.

    Raises:
        ValueError: not such an instant.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    seconds = int(instant.timestamp())
    if not 0 <= seconds < 10**10:
        raise ValueError(f"{text!r} is not between 1970 and 2286")
    return seconds
