"""Individually recorded interactions (PutEvents), in SQLite.

An event is kept once per eventId, and equal events (user, item, type, second, value, further columns) are kept once.
Events of a session without user belong to the session's id until an event names the user.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from local.personalize.interactions import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from sqlite3 import Connection


class Event(NamedTuple):
    """One event; `value` is None without value, `extra` the further columns as text."""

    item: str
    type: str
    time: int
    value: float | None
    extra: str
    event_id: str | None = None


def record_events(database: Connection, dataset: str, session: str, user: str | None, events: Iterable[Event]) -> None:
    """Append events; repeated ones are ignored. A named user takes over the session's earlier events."""
    if user is not None:
        database.execute(
            "UPDATE OR REPLACE events SET user = ?, anonymous = 0 WHERE dataset = ? AND session = ? AND anonymous",
            (user, dataset, session),
        )
    database.executemany(
        "INSERT OR IGNORE INTO events (dataset, user, item, type, time, value, extra, session, anonymous, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(dataset, user or session, *event[:-1], session, user is None, event.event_id) for event in events],
    )


def events_of(database: Connection, dataset: str, user: str) -> list[Event]:
    """A user's recorded events, oldest first."""
    rows = database.execute(
        "SELECT item, type, time, value, extra FROM events WHERE dataset = ? AND user = ? ORDER BY time, position",
        (dataset, user),
    )
    return [Event(*row) for row in rows]


def event_rows(database: Connection, dataset: str) -> Rows:
    """All recorded events of a dataset as columns."""
    rows: Sequence[tuple[str, str, str, int, float | None, str]] = database.execute(
        "SELECT user, item, type, time, value, extra FROM events WHERE dataset = ? ORDER BY time, position", (dataset,)
    ).fetchall()
    users, items, types, times, values, extras = zip(*rows, strict=True) if rows else ((),) * 6
    return Rows(users, items, times, types, [math.nan if value is None else value for value in values], extras)


def forget_users(database: Connection, dataset: str, users: Iterable[str]) -> int:
    """Drop the events of some users; returns how many were dropped."""
    before = database.total_changes
    database.executemany("DELETE FROM events WHERE dataset = ? AND user = ?", [(dataset, user) for user in users])
    return database.total_changes - before


def forget_events(database: Connection, dataset: str) -> None:
    """Drop every recorded event of a dataset."""
    database.execute("DELETE FROM events WHERE dataset = ?", (dataset,))
