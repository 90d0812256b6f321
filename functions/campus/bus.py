"""Publishing to `student-event-bus`: batches within PutEvents' limits; what failed is named, never dropped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from campus.clients import client
from campus.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

# PutEvents takes 10 entries and 1 MB a call; ours is far below, so that no target's own limit (SQS: 1 MB) is ever near.
MAX_ENTRIES = 10
MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Entry:
    """One event ready for the bus; `event_id` names it in the answer."""

    event_id: str
    source: str
    detail_type: str
    detail: str

    @property
    def size(self) -> int:
        """Bytes as PutEvents counts them: source, detail type and detail."""
        return len(self.source.encode()) + len(self.detail_type.encode()) + len(self.detail.encode())


def publish(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Put the entries on the bus.

    Returns:
        `{event_id: error code}` of the entries that EventBridge did not take; {} when all were.
    """
    failed: dict[str, str] = {}
    for batch in _batches(entries):
        answer = client("events").put_events(Entries=[_wire(entry) for entry in batch])
        for entry, result in zip(batch, answer["Entries"], strict=True):
            if "EventId" not in result:
                failed[entry.event_id] = result.get("ErrorCode", "Unknown")
    return failed


def _wire(entry: Entry) -> "PutEventsRequestEntryTypeDef":
    return {
        "EventBusName": settings.event_bus,
        "Source": entry.source,
        "DetailType": entry.detail_type,
        "Detail": entry.detail,
    }


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == MAX_ENTRIES or size + entry.size > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch
