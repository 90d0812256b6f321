"""Processes and executions that are gone at a chosen AWS call."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from campus import clients


class Crash(Exception):
    """The process is gone."""


@contextmanager
def crashing(at: int) -> Iterator[Callable[[], int]]:
    """Let the `at`-th AWS call, and all after it, never come back; yields how many were made."""
    numbers = itertools.count()
    made: list[int] = []

    def call(**_: object) -> None:
        made.append(next(numbers))
        if made[-1] >= at:
            raise Crash(made[-1])

    ours = _clients()
    for one in ours:
        one.meta.events.register("before-call.*.*", call)
    try:
        yield lambda: len(made)
    finally:
        for one in ours:
            one.meta.events.unregister("before-call.*.*", call)


class Killed(BaseException):
    """The execution is gone with the function that made the call; nobody catches that."""


@dataclass
class Reaper:
    """Kills executions at calls it has not killed one at yet: each once before it is made, and once after.

    What it has killed at is named by function, operation and what the call is about; in a further run only by function
    and operation, and those of the runs before are left out.
    """

    function: Callable[[], str]
    earlier: set[tuple[str, str]] = field(default_factory=set)
    points: list[tuple[str, str, str, str]] = field(default_factory=list)
    _dead: bool = False
    _about: threading.local = field(default_factory=threading.local)

    def next_run(self) -> None:
        """What was met so far is known."""
        self.earlier = {(function, operation) for _, function, operation, _ in self.points}

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """For as long as the block lasts, or until somebody has died."""
        self._dead = False
        clients = _clients()
        for one in clients:
            one.meta.events.register("provide-client-params.*.*", self._before)
            one.meta.events.register_first("after-call.*.*", self._after)
        try:
            yield
        finally:
            for one in clients:
                one.meta.events.unregister("provide-client-params.*.*", self._before)
                one.meta.events.unregister("after-call.*.*", self._after)

    def _before(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        self._about.name = "" if self.earlier else _about(params)
        self._kill("before", model.name)

    def _after(self, model: Any, **_: object) -> None:
        self._kill("after", model.name)

    def _kill(self, moment: str, operation: str) -> None:
        point = (moment, self.function(), operation, self._about.name)
        if not self._dead and point not in self.points and point[1:3] not in self.earlier:
            self.points.append(point)
            self._dead = True
        if self._dead:
            raise Killed(point)


def _about(params: Mapping[str, Any]) -> str:
    """The name of what a call is about, as far as it has one."""
    for member in ("Key", "jobName", "name", "campaignArn", "solutionVersionArn", "TableName", "Prefix"):
        if member in params:
            return str(params[member])
    return ""


def _clients() -> list[Any]:
    ours: list[Any] = [
        clients.client("dynamodb"),
        clients.dynamodb().meta.client,
        clients.client("s3"),
        clients.client("personalize"),
        clients.client("personalize-events"),
        clients.client("personalize-runtime"),
    ]
    return ours
