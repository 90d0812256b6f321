"""What the account holds: resources, in memory and in SQLite, written through at every change."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.personalize.errors import ResourceAlreadyExists, ResourceNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.personalize.json_value import Json

TABLES = """
CREATE TABLE IF NOT EXISTS resources (arn TEXT PRIMARY KEY, kind TEXT, position INTEGER, record TEXT, private TEXT);
CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY, dataset TEXT, user TEXT, item TEXT, type TEXT, time INTEGER, value REAL, extra TEXT,
  session TEXT, anonymous INTEGER, event_id TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events
  (dataset, user, time, item, type, ifnull(value, ''), extra);
CREATE UNIQUE INDEX IF NOT EXISTS events_by_id ON events (dataset, event_id);
CREATE INDEX IF NOT EXISTS events_by_session ON events (dataset, session) WHERE anonymous;
CREATE TABLE IF NOT EXISTS entities (dataset TEXT, id TEXT, record TEXT, PRIMARY KEY (dataset, id)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Kind:
    """A kind of resource; the service model's own member names follow from its name."""

    name: str
    segment: str
    status: bool = True

    @property
    def member(self) -> str:
        """Name of its description in a Describe answer."""
        return self.name[0].lower() + self.name[1:]

    @property
    def arn_member(self) -> str:
        """Name of its ARN in requests and answers."""
        return self.member + "Arn"


DATASET_GROUP = Kind("DatasetGroup", "dataset-group")
SCHEMA = Kind("Schema", "schema", status=False)
DATASET = Kind("Dataset", "dataset")
IMPORT_JOB = Kind("DatasetImportJob", "dataset-import-job")
DELETION_JOB = Kind("DataDeletionJob", "data-deletion-job")
EVENT_TRACKER = Kind("EventTracker", "event-tracker")
FILTER = Kind("Filter", "filter")
SOLUTION = Kind("Solution", "solution")
SOLUTION_VERSION = Kind("SolutionVersion", "solution")
CAMPAIGN = Kind("Campaign", "campaign")
BATCH_JOB = Kind("BatchInferenceJob", "batch-inference-job")
KINDS = (
    DATASET_GROUP, SCHEMA, DATASET, IMPORT_JOB, DELETION_JOB, EVENT_TRACKER, FILTER, SOLUTION, SOLUTION_VERSION,
    CAMPAIGN, BATCH_JOB,
)  # fmt: skip
CAMPAIGN_UPDATE = "latestCampaignUpdate"
"""The member of a campaign's record that holds a change of it."""
KIND_BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass
class Resource:
    """A resource: `record` is what Describe answers, `private` what only the service knows."""

    kind: Kind
    arn: str
    record: dict[str, Any]
    private: dict[str, Any] = field(default_factory=dict)
    position: int = 0

    @property
    def status(self) -> str:
        """Its status; resources without one count as active."""
        return str(self.record.get("status", "ACTIVE"))

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, changeable in place (save afterwards)."""
        tags: dict[str, str] = self.private.setdefault("tags", {})
        return tags


class Store:
    """All resources of the account. Every method takes the lock; hold it yourself around read-then-write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL without an fsync per commit: a killed process loses nothing, only a power cut may lose the last writes.
        self.database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + TABLES)
        self._resources: dict[str, Resource] = {}
        self._position = 0
        for arn, kind, position, record, private in self.database.execute(
            "SELECT arn, kind, position, record, private FROM resources ORDER BY position"
        ):
            self._resources[arn] = Resource(KIND_BY_NAME[kind], arn, json.loads(record), json.loads(private), position)
            self._position = position

    def add(self, resource: Resource) -> Resource:
        """Take up a new resource and stamp its creation.

        Raises:
            ResourceAlreadyExists: The ARN is taken.
        """
        with self.lock:
            if resource.arn in self._resources:
                raise ResourceAlreadyExists(f"Another resource with Arn {resource.arn} already exists.")
            now = time.time()
            resource.record |= {resource.kind.arn_member: resource.arn, "creationDateTime": now}
            resource.record["lastUpdatedDateTime"] = now
            self.database.execute(
                "INSERT INTO resources VALUES (?, ?, ?, ?, ?)",
                (resource.arn, resource.kind.name, self._position + 1, *_texts(resource)),
            )
            self._position += 1
            resource.position = self._position
            self._resources[resource.arn] = resource
        return resource

    def save(self, resource: Resource) -> None:
        """Write a changed resource down; one that was removed meanwhile stays removed."""
        with self.lock:
            self.database.execute(
                "UPDATE resources SET record = ?, private = ? WHERE arn = ?", (*_texts(resource), resource.arn)
            )

    def remove(self, resource: Resource) -> None:
        """Forget a resource."""
        with self.lock:
            self.database.execute("DELETE FROM resources WHERE arn = ?", (resource.arn,))
            self._resources.pop(resource.arn, None)

    def find(self, kind: Kind, arn: str) -> Resource:
        """The resource of that kind and ARN.

        Raises:
            ResourceNotFound: There is none.
        """
        resource = self._resources.get(arn)
        if resource is None or resource.kind is not kind:
            raise ResourceNotFound(f"Could not find {kind.name} with Arn {arn}")
        return resource

    def get(self, arn: str) -> Resource | None:
        """The resource of any kind with that ARN."""
        return self._resources.get(arn)

    def select(self, kind: Kind, **members: Json) -> list[Resource]:
        """Resources of a kind whose record has the given members, oldest first."""
        with self.lock:
            return [
                resource
                for resource in self._resources.values()
                if resource.kind is kind and all(resource.record.get(name) == value for name, value in members.items())
            ]

    def __iter__(self) -> Iterator[Resource]:
        with self.lock:
            return iter(list(self._resources.values()))

    def compact(self) -> None:
        """Leave nothing of deleted rows in the file: SQLite only marks their pages as free."""
        with self.lock:
            self.database.executescript("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")

    def close(self) -> None:
        """Release the database file."""
        with self.lock:
            self.database.close()


def _texts(resource: Resource) -> tuple[str, str]:
    return json.dumps(resource.record), json.dumps(resource.private)
