"""From the items of a table to the rows of a dataset, one shaper a segment."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from campus import tables
from campus.pseudonyms import pseudonym
from retraining import rows
from retraining.rows import RejectedRowError, Row
from retraining.tally import digest

# Fewer rows than an incremental import takes; they go as single events instead.
FEW = 1_000


class Shaper(Protocol):
    """Turns items into rows."""

    def shape(self, item: tables.Item) -> Row | None:
        """The row; None where the item is not of this run. Raises RejectedRowError."""

    def trace(self, item: tables.Item) -> dict[str, object]:
        """What may be shown of a rejected item: enough to find it, no student's id."""

    def facts(self) -> Mapping[str, int]:
        """Counts beyond rows, added up over the segments."""


class EveryInteraction:
    """All interactions recorded up to the cut-off, as a scan of the table brings them.

    Counts people as they pass: a scan yields one student's rows together, because they share a partition key.
    """

    def __init__(self, cut_off: int, since: int) -> None:
        """Both in epoch milliseconds of recordedAt; `since` is the cut-off of the run before, 0 without one."""
        self._cut_off, self._since = cut_off, since
        self._raw: object = self
        self._user = ""
        self._rows_of_user = 0
        self._facts: Counter[str] = Counter()

    def shape(self, item: tables.Item) -> Row | None:
        """See Shaper."""
        recorded_at = _recorded_at(item)
        if recorded_at > self._cut_off:
            return None
        raw = item.get("userId")
        if raw != self._raw:
            self._user, self._raw, self._rows_of_user = pseudonym(rows.student_id(raw)), raw, 0
        row = rows.interaction(item, self._user, self._cut_off // 1000)
        self._rows_of_user += 1
        self._facts["users"] += self._rows_of_user == 1
        self._facts["usersWithTwo"] += self._rows_of_user == 2
        if recorded_at > self._since:
            self._facts["newRows"] += 1
        else:
            self._facts["earlierRows"] += 1
            self._facts["earlierFingerprint"] += digest(row)
        return row

    def trace(self, item: tables.Item) -> dict[str, object]:
        """See Shaper."""
        return _trace(item)

    def facts(self) -> Mapping[str, int]:
        """`users`, `usersWithTwo` (with two rows or more), `newRows`, and rows and fingerprint of what is not new."""
        return self._facts


class NewInteractions:
    """One night's interactions, as the day index brings them: no student's rows together, so people are remembered.

    Memory grows with the night's students, never with the table.

    Attributes:
        events: PutEvents entries of all rows with their users, as long as they are few; None once they are not.
    """

    def __init__(self, cut_off: int) -> None:
        """Epoch milliseconds; the index has nothing later to offer than what was asked for."""
        self._cut_off = cut_off
        self._once: set[str] = set()
        self._twice: set[str] = set()
        self._rows = 0
        self.events: list[dict[str, Any]] | None = []

    def shape(self, item: tables.Item) -> Row:
        """See Shaper."""
        user = pseudonym(rows.student_id(item.get("userId")))
        row = rows.interaction(item, user, self._cut_off // 1000)
        (self._twice if user in self._once else self._once).add(user)
        self._rows += 1
        if self.events is not None:
            self.events.append({"userId": user, "event": _event(item, row)})
            if self._rows >= FEW:
                self.events = None
        return row

    def trace(self, item: tables.Item) -> dict[str, object]:
        """See Shaper."""
        return _trace(item)

    def facts(self) -> Mapping[str, int]:
        """`users`, `usersWithTwo`, `newRows`: of this night alone."""
        return {"users": len(self._once), "usersWithTwo": len(self._twice), "newRows": self._rows}


class Users:
    """All students."""

    def shape(self, item: tables.Item) -> Row:
        """See Shaper."""
        return rows.user(item)

    def trace(self, item: tables.Item) -> dict[str, object]:
        """See Shaper."""
        return {"createdAt": item.get("createdAt"), "locale": item.get("locale")}

    def facts(self) -> Mapping[str, int]:
        """Nothing further."""
        return {}


class Items:
    """All materials of all classes; one that several classes use is one item, as the first of them has it."""

    def __init__(self, latest: int) -> None:
        """Epoch seconds of the cut-off."""
        self._latest = latest
        self._seen: set[str] = set()

    def shape(self, item: tables.Item) -> Row | None:
        """See Shaper."""
        row = rows.material(item, self._latest)
        if row[0] in self._seen:
            return None
        self._seen.add(row[0])
        return row

    def trace(self, item: tables.Item) -> dict[str, object]:
        """See Shaper."""
        return {name: item.get(name) for name in ("classId", "itemId", "type", "createdAt")}

    def facts(self) -> Mapping[str, int]:
        """Nothing further."""
        return {}


def _recorded_at(item: tables.Item) -> Decimal:
    recorded_at = item.get("recordedAt")
    if not isinstance(recorded_at, Decimal):
        raise RejectedRowError("missing recordedAt")
    return recorded_at


def _trace(item: tables.Item) -> dict[str, object]:
    return {name: item.get(name) for name in ("interactionId", "recordedAt", "occurredAt")}


def _event(item: tables.Item, row: Row) -> dict[str, Any]:
    """What engagement sent live for this very row: Personalize keeps equal events, and equal ids, once."""
    values = dict(zip(rows.COLUMNS["interactions"], row, strict=True))
    event: dict[str, Any] = {
        "eventId": item.get("interactionId"),
        "eventType": values["EVENT_TYPE"],
        "itemId": values["ITEM_ID"],
        "sentAt": int(values["TIMESTAMP"]),
    }
    return event | ({"eventValue": float(values["EVENT_VALUE"])} if values["EVENT_VALUE"] else {})
