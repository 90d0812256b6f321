"""One account in one region: everything the operations work on."""

from __future__ import annotations

import fcntl
import os
import uuid
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from local.personalize.errors import ResourceInUse
from local.personalize.injection import Faults
from local.personalize.lifecycle import UNFINISHED, Lifecycle
from local.personalize.serving import Serving
from local.personalize.store import CAMPAIGN, DATASET, SOLUTION_VERSION, Resource, Store
from local.personalize.timetable import Timetable
from local.personalize.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.personalize.json_value import Json
    from local.personalize.lifecycle import Procedure
    from local.personalize.store import Kind

DATABASE = "personalize.sqlite"
FILES = "files"
LOCK = "lock"


class Account:
    """The state and the machinery behind the operations."""

    def __init__(
        self,
        state_dir: Path,
        *,
        time_scale: float,
        region: str,
        account_id: str,
        s3_endpoint_url: Callable[[], str],
        recommender: str,
    ) -> None:
        (state_dir / FILES).mkdir(parents=True, exist_ok=True)
        self._lock = _locked(state_dir / LOCK)
        self.directory = state_dir
        self.region = region
        self.account_id = account_id
        self.s3_endpoint_url = s3_endpoint_url
        self.recommender = recommender
        self.store = Store(state_dir / DATABASE)
        self.timetable = Timetable()
        self.pool = WorkerPool(max(1, min(2, os.cpu_count() or 1)))
        self.faults = Faults()
        self.lifecycle = Lifecycle(self, time_scale)
        self.serving = Serving(self.store, state_dir, recommender)
        self.listeners: list[Callable[[Account, Resource, Procedure], None]] = []

    def arn(self, kind: Kind, *names: str) -> str:
        """The ARN of a resource of this account."""
        return f"arn:aws:personalize:{self.region}:{self.account_id}:{'/'.join((kind.segment, *names))}"

    def add(self, kind: Kind, arn: str, record: dict[str, Any], **private: Json) -> Resource:
        """Take up a new resource; tags given in the record move to where tags are kept.

        Raises:
            ResourceAlreadyExists: The ARN is taken.
        """
        tags = {tag["tagKey"]: tag["tagValue"] for tag in record.pop("tags", [])}
        return self.store.add(Resource(kind, arn, record, {"tags": tags, **private}))

    def active(self, kind: Kind, arn: str) -> Resource:
        """The resource of that ARN, which must be ACTIVE.

        Raises:
            ResourceNotFound: There is none.
            ResourceInUse: It is being created, changed or deleted, or its creation failed.
        """
        resource = self.store.find(kind, arn)
        if resource.status != "ACTIVE":
            raise ResourceInUse(f"{kind.name} {arn} is not ACTIVE; its status is {resource.status}.")
        return resource

    def refuse_users(self, resource: Resource, users: list[Resource]) -> None:
        """Refuse to change a resource while others depend on it.

        Raises:
            ResourceInUse: Names the first of them.
        """
        if users:
            raise ResourceInUse(
                f"Another resource is currently using the following resource: {resource.arn} ({users[0].arn})"
            )

    def settled(self, resource: Resource) -> None:
        """Refuse to change a resource that is changing already.

        Raises:
            ResourceInUse: Its status is a passing one.
        """
        if resource.status in UNFINISHED:
            raise ResourceInUse(f"{resource.arn} cannot be changed while its status is {resource.status}.")

    def warm(self, dataset: Resource) -> None:
        """Load changed data, and the catalogues that show it, before a request has to wait for it."""
        if dataset.record["datasetType"] == "INTERACTIONS":
            self.serving.bulk(dataset)
        else:
            self.serving.entities(dataset)
        for campaign in self.store.select(CAMPAIGN, datasetGroupArn=dataset.record["datasetGroupArn"], status="ACTIVE"):
            self.serving.catalogue(self.store.find(SOLUTION_VERSION, campaign.record["solutionVersionArn"]))

    def new_file(self, suffix: str) -> str:
        """Name, below the state directory, of a file that does not exist yet."""
        return f"{FILES}/{uuid.uuid4().hex}{suffix}"

    def discard_file(self, name: str | None) -> None:
        """Remove a file of the state directory, once no job is left that began while it was in use."""
        if name:
            self.pool.after_readers(name, partial((self.directory / name).unlink, missing_ok=True))

    def notice(self, resource: Resource, ended: Procedure) -> None:
        """Tell whoever listens that a procedure succeeded."""
        for listener in self.listeners:
            listener(self, resource, ended)

    def start(self) -> None:
        """Take up interrupted procedures and begin to keep time."""
        self.lifecycle.recover()
        self._sweep()
        self.timetable.after(0, self.serving.library)
        for dataset in self.store.select(DATASET, status="ACTIVE"):
            self.timetable.after(0, partial(self.warm, dataset))
        self.timetable.start()

    def close(self) -> None:
        """Stop all work; what was under way fails at the next start."""
        self.timetable.close()
        self.pool.close()
        self.store.close()
        self._lock.close()

    def _sweep(self) -> None:
        """Remove files that no resource mentions (a killed job leaves such)."""
        known = {name for resource in self.store for name in resource.private.values() if isinstance(name, str)}
        for file in (self.directory / FILES).iterdir():
            if f"{FILES}/{file.name}" not in known:
                file.unlink()


def _locked(path: Path) -> IO[bytes]:
    """The file, locked until it is closed or the process ends.

    Raises:
        OSError: Another process has it.
    """
    file = path.open("ab")
    try:
        # A record lock: unlike one of flock it does not pass to forked children, who may survive a killed server.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise OSError(error.errno, "The state directory is in use by another service", str(path.parent)) from error
    return file
