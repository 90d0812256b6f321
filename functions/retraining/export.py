"""The export: DynamoDB to CSV parts in the lake, segment by segment, with memory that does not grow with the tables."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

from campus import tables
from campus.pseudonyms import pseudonym
from campus.settings import settings
from retraining import lake, reading, rows
from retraining.rows import RejectedRowError, Row

if TYPE_CHECKING:
    from concurrent.futures import Future

_FINGERPRINT = 1 << 128


class Shaper(Protocol):
    """Turns items into rows, one shaper a segment."""

    def shape(self, item: tables.Item) -> Row | None:
        """The row; None where the item is not of this run. Raises RejectedRowError."""

    def trace(self, item: tables.Item) -> dict[str, object]:
        """What may be shown of a rejected item: enough to find it, no student's id."""

    def facts(self) -> Mapping[str, int]:
        """Counts beyond rows, added up over the segments."""


@dataclass
class Tally:
    """What became of one dataset.

    The fingerprint is the sum of all rows' hashes: the same rows give the same number in whatever order and parts they
    were read, and rows that are added change it by their own hashes only.
    """

    rows: int = 0
    fingerprint: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    parts: list[lake.Part] = field(default_factory=list)
    quarantined: list[lake.Part] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Count one accepted row."""
        self.rows += 1
        digest = blake2b("\x1f".join(row).encode(), digest_size=16).digest()
        self.fingerprint = (self.fingerprint + int.from_bytes(digest, "big")) % _FINGERPRINT

    def merge(self, other: "Tally") -> None:
        """Count another segment's rows, too."""
        self.rows += other.rows
        self.fingerprint = (self.fingerprint + other.fingerprint) % _FINGERPRINT
        self.rejected.update(other.rejected)
        self.facts.update(other.facts)
        self.parts += other.parts
        self.quarantined += other.quarantined


class Interactions:
    """All interactions recorded up to the cut-off.

    Counts people as they pass: a scan yields one student's rows together, because they share a partition key.
    """

    def __init__(self, cut_off: int, since: int) -> None:
        """Both in epoch milliseconds of recordedAt; rows after `since` count as new."""
        self._cut_off, self._since = cut_off, since
        self._raw: object = self
        self._user = ""
        self._rows_of_user = 0
        self._facts: Counter[str] = Counter()

    def shape(self, item: tables.Item) -> Row | None:
        """See Shaper."""
        recorded_at = item.get("recordedAt")
        if not isinstance(recorded_at, Decimal):
            raise RejectedRowError("missing recordedAt")
        if recorded_at > self._cut_off:
            return None
        raw = item.get("userId")
        if raw != self._raw:
            self._user, self._raw, self._rows_of_user = pseudonym(rows.student_id(raw)), raw, 0
        row = rows.interaction(item, self._user, self._cut_off // 1000)
        self._rows_of_user += 1
        self._facts["users"] += self._rows_of_user == 1
        self._facts["usersWithTwo"] += self._rows_of_user == 2
        self._facts["newRows"] += recorded_at > self._since
        return row

    def trace(self, item: tables.Item) -> dict[str, object]:
        """See Shaper."""
        return {name: item.get(name) for name in ("interactionId", "recordedAt", "occurredAt")}

    def facts(self) -> Mapping[str, int]:
        """`users`, `usersWithTwo` (with two or more interactions), `newRows`."""
        return self._facts


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


def export(run_id: str, cut_off: int, since: int) -> dict[str, Any]:
    """Write the training data of a run, or find it already written.

    Args:
        run_id: names the folders; the same id and cut-off write the same rows.
        cut_off: epoch milliseconds; interactions recorded later belong to a later run.
        since: the cut-off of the last import; what was recorded after it counts as new.

    Returns:
        The manifest: `{runId, cutOff, since, datasets: {name: {rows, bytes, rejected, fingerprint, parts, …}}}`.
    """
    written = lake.read_manifest(run_id)
    if written:
        return written
    latest = cut_off // 1000
    with ThreadPoolExecutor(reading.SEGMENTS) as pool:
        running: dict[str, list[Future[Tally]]] = {
            "interactions": [
                pool.submit(_segment, "interactions", run_id, number, pages, Interactions(cut_off, since))
                for number, pages in enumerate(reading.scan(settings.interactions_table))
            ],
            "users": [
                pool.submit(_segment, "users", run_id, number, pages, Users())
                for number, pages in enumerate(reading.scan(settings.students_table, _STUDENT))
            ],
            "items": [pool.submit(_segment, "items", run_id, 0, _materials(), Items(latest))],
        }
        tallies = {dataset: _merged(future.result() for future in futures) for dataset, futures in running.items()}
    for dataset, tally in tallies.items():
        lake.remove_leftovers(lake.prefix(dataset, run_id), {part["key"] for part in tally.parts})
    quarantined = {part["key"] for tally in tallies.values() for part in tally.quarantined}
    lake.remove_leftovers(lake.quarantine(run_id), quarantined)
    manifest = {
        "runId": run_id,
        "cutOff": cut_off,
        "since": since,
        "mode": "FULL",
        "datasets": {dataset: _described(dataset, run_id, tally) for dataset, tally in tallies.items()},
    }
    lake.write_manifest(manifest)
    return manifest


def brief(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest as the state machine carries it: counts and places, no list of parts."""
    datasets = {
        name: {key: value for key, value in found.items() if key not in {"parts", "quarantine"}}
        for name, found in manifest["datasets"].items()
    }
    return {"cutOff": manifest["cutOff"], "since": manifest["since"], "mode": manifest["mode"], "datasets": datasets}


# Names and addresses of students do not even enter this process.
_STUDENT = ("studentId", "locale", "createdAt")


def _materials() -> reading.Pages:
    """Items by the board of their type: ClassActivity's other rows, one an event, are never read."""
    for kind in rows.ITEM_TYPES:
        yield from reading.query(settings.class_activity_table, "byScore", "board", f"items#{kind}")


def _segment(dataset: str, run_id: str, number: int, pages: Iterable[list[tables.Item]], shaper: Shaper) -> Tally:
    tally = Tally()
    accepted = lake.CsvParts(dataset, run_id, number)
    refused = lake.QuarantineParts(dataset, run_id, number)
    for page in pages:
        for item in page:
            try:
                row = shaper.shape(item)
            except RejectedRowError as error:
                tally.rejected[str(error)] += 1
                refused.add(str(error), shaper.trace(item))
                continue
            if row is not None:
                tally.add(row)
                accepted.add(row)
    accepted.close()
    refused.close()
    tally.facts.update(shaper.facts())
    tally.parts, tally.quarantined = accepted.written, refused.written
    return tally


def _merged(segments: Iterable[Tally]) -> Tally:
    whole = Tally()
    for segment in segments:
        whole.merge(segment)
    return whole


def _described(dataset: str, run_id: str, tally: Tally) -> dict[str, Any]:
    return {
        "location": lake.location(dataset, run_id),
        "rows": tally.rows,
        "bytes": sum(part["bytes"] for part in tally.parts),
        "rejected": dict(tally.rejected),
        "fingerprint": f"{tally.fingerprint:032x}",
        **tally.facts,
        "parts": tally.parts,
        "quarantine": [part["key"] for part in tally.quarantined],
    }
