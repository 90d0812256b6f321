"""The recommender's dataset from the files that `load` reads: a bad line costs itself and is told with its reason."""

from __future__ import annotations

import csv
import io
import math
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from local.load.interactions_csv import (
    CLOCK_SKEW,
    REQUIRED,
    RejectedRowError,
    UnreadableFileError,
    event_value,
    fields,
    lines,
    opened,
    timestamp,
)
from local.recommender import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local.recommender.dataset import Cell

Record: TypeAlias = "dict[str, Cell]"


class Event(NamedTuple):
    """A good row; its value is nan if it has none."""

    user: str
    item: str
    time: int
    type: str
    value: float


def read_interactions(
    data: Path, *, items: Path | None = None, users: Path | None = None, tell: Callable[[str], None] = lambda _: None
) -> Dataset:
    """The dataset of a CSV file with header USER_ID,ITEM_ID,TIMESTAMP[,EVENT_TYPE][,EVENT_VALUE], gzipped or not.

    What `load` leaves out is left out here, too, except that ids may be of any letters and event types of any number;
    further columns are ignored.

    Args:
        data: Interactions, epoch seconds.
        items: CSV of item metadata with column ITEM_ID.
        users: CSV of user metadata with column USER_ID.
        tell: Called with a sentence if rows were left out.

    Raises:
        UnreadableFileError: A file cannot be read, has not the columns it needs, or holds no good row.
    """
    left_out: Counter[str] = Counter()
    events = _events(data, left_out)
    if left_out:
        reasons = ", ".join(f"{reason} ({rows:,})" for reason, rows in left_out.most_common())
        tell(f"{data.name}: {left_out.total():,} of {left_out.total() + len(events):,} rows left out: {reasons}")
    if not events:
        raise UnreadableFileError(f"{data} has no interactions to learn from")
    columns = zip(*events, strict=True)
    return Dataset.from_columns(*columns, items=_metadata(items, "ITEM_ID"), users=_metadata(users, "USER_ID"))


def _events(path: Path, left_out: Counter[str]) -> list[Event]:
    latest = int(time.time()) + CLOCK_SKEW
    events: list[Event] = []
    with opened(path) as stream:
        places = _places(next(lines(stream), b""), path)
        for line in lines(stream):
            try:
                events.append(_event(fields(line), places, latest))
            except RejectedRowError as reason:
                left_out[str(reason)] += 1
    return events


def _places(line: bytes, path: Path) -> dict[str, int]:
    """Column name to position, from the first line."""
    try:
        names = [name.strip() for name in fields(line.removeprefix(b"\xef\xbb\xbf"))]
    except RejectedRowError:
        names = []
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise UnreadableFileError(f"{path} has no column {', '.join(missing)}")
    return {name: place for place, name in enumerate(names)}


def _event(row: Sequence[str], places: Mapping[str, int], latest: int) -> Event:
    if len(row) != len(places):
        raise RejectedRowError("wrong number of columns")
    user, item = row[places["USER_ID"]].strip(), row[places["ITEM_ID"]].strip()
    if not user or not item:
        raise RejectedRowError("USER_ID or ITEM_ID missing")
    # Tables that once had an empty cell write their whole numbers with a point.
    seconds = timestamp(row[places["TIMESTAMP"]].strip().removesuffix(".0"), latest)
    kind = row[places["EVENT_TYPE"]].strip() if "EVENT_TYPE" in places else ""
    value = event_value(row[places["EVENT_VALUE"]].strip()) if "EVENT_VALUE" in places else None
    return Event(user, item, seconds, kind, math.nan if value is None else float(value))


def _metadata(path: Path | None, key: str) -> dict[str, Record]:
    if path is None:
        return {}
    with opened(path) as stream:
        rows = csv.DictReader(io.TextIOWrapper(stream, "utf-8-sig", newline=""))
        if key not in (rows.fieldnames or ()):
            raise UnreadableFileError(f"{path} has no column {key}")
        try:
            # A row that is too long has its surplus under None.
            return {row.pop(key): {name: cell or None for name, cell in row.items() if name} for row in rows}
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableFileError(f"{path} is no CSV in UTF-8: {error}") from None
