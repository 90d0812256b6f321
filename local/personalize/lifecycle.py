"""How resources pass through their statuses, in scaled time.

A procedure has a nominal duration, roughly what AWS takes. It lasts `max(actual work, nominal x time_scale)`; the first
quarter of the scaled time is the pending status. Where a procedure has work, it runs in another process.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local.personalize.errors import JobFailed, Outdated, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from local.personalize.account import Account
    from local.personalize.injection import Rule
    from local.personalize.store import Resource

    Order = Callable[[Account, Resource], Mapping[str, Any]]
    Finish = Callable[[Account, Resource, Mapping[str, Any]], None]

LOG = logging.getLogger(__name__)
PENDING_SHARE = 0.25
ATTEMPTS = 20
"""How often a job does its work. Nine others may be changing the same dataset when it begins (five imports and five
deletions run at a time); whoever goes on starting new ones must not keep it from ending."""
INTERRUPTED = "The service was stopped while this job was running."
FULL_DEVICE = "/dev/full"
"""Takes no byte, as a disk without space left does (Linux)."""


@dataclass(frozen=True)
class Progression:
    """The statuses of one procedure in order; `done` is empty when the resource disappears at the end."""

    pending: str
    running: str
    done: str
    failed: str

    @property
    def unfinished(self) -> tuple[str, str]:
        """The statuses from which it goes on by itself."""
        return self.pending, self.running


CREATE = Progression("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE", "CREATE FAILED")
DELETE = Progression("DELETE PENDING", "DELETE IN_PROGRESS", "", "ACTIVE")
STOP = Progression("CREATE STOPPING", "CREATE STOPPING", "CREATE STOPPED", "CREATE STOPPED")
BATCH = Progression("PENDING", "IN PROGRESS", "ACTIVE", "CREATE FAILED")
ERASE = Progression("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED")
UNFINISHED = frozenset(
    status for progression in (CREATE, DELETE, STOP, BATCH, ERASE) for status in progression.unfinished
)


@dataclass(frozen=True)
class Procedure:
    """One way of changing a resource: its statuses, nominal seconds, the work it orders and what its result changes."""

    name: str
    progression: Progression
    seconds: float
    order: Order | None = None
    finish: Finish | None = None


PROCEDURES: dict[str, Procedure] = {}


def procedure(
    name: str, progression: Progression, seconds: float, order: Order | None = None, finish: Finish | None = None
) -> Procedure:
    """Register a procedure by name, so that a restarted service can take it up again."""
    PROCEDURES[name] = made = Procedure(name, progression, seconds, order, finish)
    return made


STOPPED = procedure("stop", STOP, 30)


class Lifecycle:
    """Starts procedures and carries them to their end on the account's timetable."""

    def __init__(self, account: Account, time_scale: float) -> None:
        self.time_scale = time_scale
        self._account = account
        self._numbers = itertools.count(1)
        self._current: dict[tuple[str, str], int] = {}
        self._hanging: list[_Step] = []

    def begin(self, resource: Resource, chosen: Procedure, slot: str = "") -> None:
        """Start a procedure on a resource; `slot` names the member of its record that carries the status."""
        seconds = chosen.seconds * self.time_scale
        step = _Step(resource, chosen, slot, next(self._numbers), time.monotonic() + seconds)
        with self._account.store.lock:
            self._current[resource.arn, slot] = step.number
            resource.private.setdefault("running", {})[slot] = chosen.name
            entry = resource.record[slot] if slot else resource.record
            # Taken up again after a restart it keeps its status: to a poller none ever goes back.
            present, progression = entry.get("status"), chosen.progression
            status = present if present in progression.unfinished else progression.pending
        if self._goes_on(step, lambda: self._mark(resource, slot, status)):
            due = seconds * PENDING_SHARE
            self._account.timetable.after(due, lambda: self._goes_on(step, lambda: self._enter(step)))

    def cancel(self, resource: Resource, slot: str = "") -> None:
        """Abandon the procedure under way on a resource and end its work."""
        with self._account.store.lock:
            self._current.pop((resource.arn, slot), None)
            resource.private.get("running", {}).pop(slot, None)
        self._account.pool.cancel(resource.arn)

    def stop(self, resource: Resource, slot: str = "") -> None:
        """Abandon the procedure under way: one that runs passes through the stopping status, a pending one does not."""
        with self._account.store.lock:
            entry = resource.record[slot] if slot else resource.record
            pending = entry["status"] == CREATE.pending
            self.cancel(resource, slot)
            if pending:
                self._mark(resource, slot, STOP.done)
            else:
                self.begin(resource, STOPPED, slot)

    def release(self) -> None:
        """Let what hangs by a fault go on."""
        hanging, self._hanging = self._hanging, []
        for step in hanging:
            if self._is_current(step):
                self._work(step)

    def recover(self) -> None:
        """After a restart: procedures that had work fail, the others start again."""
        for resource in self._account.store:
            for slot, name in list(resource.private.get("running", {}).items()):
                chosen = PROCEDURES[name]
                if chosen.order is not None:
                    self._fail(_Step(resource, chosen, slot, 0, 0), INTERRUPTED)
                else:
                    self.begin(resource, chosen, slot)

    def _enter(self, step: _Step) -> None:
        with self._account.store.lock:
            if not self._is_current(step):
                return
            self._mark(step.resource, step.slot, step.procedure.progression.running)
        # Faults are for jobs: ending one early and deleting go through whatever was planned for it.
        is_job = step.procedure.progression not in (STOP, DELETE)
        fault = self._account.faults.for_job(step.resource) if is_job else None
        if fault is not None:
            self._suffer(step, fault)
        else:
            self._work(step)

    def _suffer(self, step: _Step, fault: Rule) -> None:
        match fault.effect:
            case "fail":
                self._at_end(step, JobFailed(fault.reason))
            case "stop":
                self.stop(step.resource, step.slot)
            case "hang":
                self._hanging.append(step)
            case "full disk":
                self._work(step, FULL_DEVICE)

    def _work(self, step: _Step, device: str | None = None) -> None:
        """Do what the procedure orders; its file goes to a `device` where one is given."""
        if step.procedure.order is None:
            self._at_end(step, {})
            return
        try:
            order = step.procedure.order(self._account, step.resource)
        except (JobFailed, ServiceError) as error:
            self._at_end(step, JobFailed(str(error)))
            return
        if device and "target" in order:
            order = {**order, "target": device}
        future = self._account.pool.submit(step.resource.arn, order)
        future.add_done_callback(lambda done: self._at_end(step, _outcome(done)))

    def _at_end(self, step: _Step, outcome: Mapping[str, Any] | JobFailed) -> None:
        due = step.ends - time.monotonic()
        self._account.timetable.after(due, lambda: self._goes_on(step, lambda: self._conclude(step, outcome)))

    def _goes_on(self, step: _Step, move: Callable[[], None]) -> bool:
        """Make a move; where it fails the procedure has failed, so that nobody waits for it for ever."""
        try:
            move()
        except sqlite3.Error as error:
            LOG.exception("%s of %s could not be written down", step.procedure.name, step.resource.arn)
            self._fail(step, f"The service could not write its state: {error}.")
        except Exception as error:
            LOG.exception("%s of %s failed", step.procedure.name, step.resource.arn)
            self._fail(step, f"An internal error occurred: {type(error).__name__}: {error}")
        else:
            return True
        return False

    def _conclude(self, step: _Step, outcome: Mapping[str, Any] | JobFailed) -> None:
        with self._account.store.lock:
            if not self._is_current(step):
                return
            if isinstance(outcome, JobFailed):
                self._fail(step, str(outcome))
                return
        try:
            if step.procedure.finish is not None:
                step.procedure.finish(self._account, step.resource, outcome)
        except Outdated as error:
            if step.attempt < ATTEMPTS:
                self._work(replace(step, attempt=step.attempt + 1))
            else:
                self._fail(step, str(error))
        except (JobFailed, ServiceError) as error:
            self._fail(step, str(error))
        else:
            self._succeed(step)

    def _succeed(self, step: _Step) -> None:
        done = step.procedure.progression.done
        with self._account.store.lock:
            if not self._is_current(step):
                return  # Stopped while its result was being taken up.
            self._forget(step)
            if done:
                self._mark(step.resource, step.slot, done)
            else:
                self._account.store.remove(step.resource)
        if done:
            self._account.notice(step.resource, step.procedure)

    def _fail(self, step: _Step, reason: str) -> None:
        self._forget(step)
        entry = step.resource.record.get(step.slot, {}) if step.slot else step.resource.record
        entry["failureReason"] = reason
        # Where even this cannot be written down, the next start fails what was running.
        with suppress(sqlite3.Error):
            self._mark(step.resource, step.slot, step.procedure.progression.failed)

    def _forget(self, step: _Step) -> None:
        self._current.pop((step.resource.arn, step.slot), None)
        step.resource.private.get("running", {}).pop(step.slot, None)

    def _is_current(self, step: _Step) -> bool:
        return self._current.get((step.resource.arn, step.slot)) == step.number

    def _mark(self, resource: Resource, slot: str, status: str) -> None:
        with self._account.store.lock:
            entry = resource.record[slot] if slot else resource.record
            entry |= {"status": status, "lastUpdatedDateTime": time.time()}
            self._account.store.save(resource)


@dataclass(frozen=True)
class _Step:
    resource: Resource
    procedure: Procedure
    slot: str
    number: int
    ends: float
    attempt: int = 1


def _outcome(future: Future[Mapping[str, Any]]) -> Mapping[str, Any] | JobFailed:
    error = future.exception()
    if error is None:
        return future.result()
    return error if isinstance(error, JobFailed) else JobFailed(str(error))
