"""Reading interactions from a CSV file, a line at a time: a bad line costs itself and is counted by its reason."""

import csv
import gzip
import hashlib
import math
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

REQUIRED = ("USER_ID", "ITEM_ID", "TIMESTAMP")
OPTIONAL = ("EVENT_TYPE", "EVENT_VALUE")
# A file that does not say what happened says that something was looked at.
DEFAULT_EVENT_TYPE = "view"
# Personalize takes ten event types in a dataset.
MAX_EVENT_TYPES = 10

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+=-]{0,127}")
_EVENT_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
# Epoch seconds reach 1e11 in the year 5138; what is larger is in milliseconds.
_MILLISECONDS = 100_000_000_000
CLOCK_SKEW = 300
_LONGEST_LINE = 65_536


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read: its text is one line for the person who named it."""


class RejectedRowError(ValueError):
    """A row that is left out; its text is the reason, a few words to count by."""


class Interaction(NamedTuple):
    """One row: somebody did something with an item.

    `value` is a number as DynamoDB and CSV write it, or None.
    """

    user_id: str
    item_id: str
    occurred_at: int
    event_type: str
    value: str | None

    @property
    def interaction_id(self) -> str:
        """32 hex digits that only an equal row has, so that loading a row twice writes it once."""
        return hashlib.sha256("\x1f".join(map(str, self)).encode()).hexdigest()[:32]


@dataclass
class InteractionsFile:
    """A CSV file, plain or gzipped, of header `USER_ID,ITEM_ID,TIMESTAMP[,EVENT_TYPE][,EVENT_VALUE]` in any order.

    Attributes:
        path: may be read any number of times.
        rejected: reason → rows, of the latest reading.
    """

    path: Path
    rejected: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Interaction]:
        """Yield the good rows and count the others.

        Raises:
            UnreadableFileError: no such file, a broken archive, or another header.
        """
        self.rejected.clear()
        latest = int(time.time()) + CLOCK_SKEW
        event_types: set[str] = set()
        with opened(self.path) as stream:
            columns = _columns(next(lines(stream), b""), self.path)
            for line in lines(stream):
                try:
                    row = _parse(fields(line), columns, latest, event_types)
                except RejectedRowError as reason:
                    self.rejected[str(reason)] += 1
                else:
                    yield row


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked where they are gzipped, whatever its name says.

    Raises:
        UnreadableFileError: it cannot be opened, or ends early or damaged while it is read.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == b"\x1f\x8b"
            with gzip.open(raw) if zipped else raw as stream:
                yield cast("BinaryIO", stream)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(f"{path} is a damaged gzip file: {error}") from None
    except OSError as error:
        raise UnreadableFileError(f"cannot read {path}: {error.strerror or error}") from None


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines that are not blank, each without its end, none longer than 64 KiB: the rest of such a line is dropped."""
    while line := stream.readline(_LONGEST_LINE):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(_LONGEST_LINE)
        if line := line.rstrip(b"\r\n"):
            yield line


def fields(line: bytes) -> Sequence[str]:
    """The fields of one line; quotes may not span lines, so that a stray one costs one row and not a hundred.

    Raises:
        RejectedRowError: not UTF-8, or an open quote.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise RejectedRowError("not UTF-8") from None
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise RejectedRowError("broken quotes") from None


def header(line: bytes, path: Path, required: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    """Column name → position, from the first line.

    Raises:
        UnreadableFileError: a required column is missing, or one is unknown or twice there.
    """
    expected = ",".join(required) + "".join(f"[,{name}]" for name in optional)
    try:
        names = [name.strip() for name in fields(line.removeprefix(b"\xef\xbb\xbf"))]
    except RejectedRowError:
        names = []
    if not set(required) <= set(names) <= {*required, *optional} or len(set(names)) != len(names):
        raise UnreadableFileError(f"{path} does not begin with the header {expected}")
    return {name: place for place, name in enumerate(names)}


def identifier(value: str, name: str) -> str:
    """An id as the API takes it: 1 to 128 of letters, digits and `_.:@+=-`, the first a letter or digit.

    Raises:
        RejectedRowError: missing or invalid, by name.
    """
    if not value:
        raise RejectedRowError(f"{name} missing")
    if not ID.fullmatch(value):
        raise RejectedRowError(f"{name} invalid")
    return value


def timestamp(value: str, latest: int) -> int:
    """Whole epoch seconds.

    Raises:
        RejectedRowError: no whole number, in milliseconds, before 1970, or after `latest`.
    """
    if not _WHOLE.fullmatch(value):
        raise RejectedRowError("timestamp is not whole epoch seconds")
    seconds = int(value)
    if seconds < 0:
        raise RejectedRowError("timestamp before 1970")
    if seconds >= _MILLISECONDS:
        raise RejectedRowError("timestamp in milliseconds")
    if seconds > latest:
        raise RejectedRowError("timestamp in the future")
    return seconds


class _Columns(NamedTuple):
    """Where the columns stand; None for one that is absent."""

    width: int
    user: int
    item: int
    timestamp: int
    event_type: int | None
    value: int | None


def _columns(line: bytes, path: Path) -> _Columns:
    places = header(line, path, REQUIRED, OPTIONAL)
    return _Columns(len(places), *(places[name] for name in REQUIRED), *(places.get(name) for name in OPTIONAL))


def _parse(row: Sequence[str], columns: _Columns, latest: int, event_types: set[str]) -> Interaction:
    if len(row) != columns.width:
        raise RejectedRowError("wrong number of columns")
    event_type = "" if columns.event_type is None else row[columns.event_type].strip()
    return Interaction(
        identifier(row[columns.user].strip(), "USER_ID"),
        identifier(row[columns.item].strip(), "ITEM_ID"),
        timestamp(row[columns.timestamp].strip(), latest),
        _event_type(event_type or DEFAULT_EVENT_TYPE, event_types),
        None if columns.value is None else event_value(row[columns.value].strip()),
    )


def _event_type(value: str, known: set[str]) -> str:
    if not _EVENT_TYPE.fullmatch(value):
        raise RejectedRowError("EVENT_TYPE invalid")
    if value not in known and len(known) == MAX_EVENT_TYPES:
        raise RejectedRowError(f"more than {MAX_EVENT_TYPES} event types")
    known.add(value)
    return value


def event_value(text: str) -> str | None:
    """A number as DynamoDB and CSV write it, or None where there is none.

    Raises:
        RejectedRowError: no finite number.
    """
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise RejectedRowError("EVENT_VALUE is not a number") from None
    if not math.isfinite(number) or abs(number) >= 1e15 or "_" in text:
        raise RejectedRowError("EVENT_VALUE is not a number")
    return f"{number:.12g}"
