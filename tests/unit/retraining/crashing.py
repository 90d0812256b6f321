"""A process that is gone at a chosen AWS call."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

    ours: list[Any] = [
        clients.client("dynamodb"),
        clients.dynamodb().meta.client,
        clients.client("s3"),
        clients.client("personalize"),
        clients.client("personalize-events"),
    ]
    for one in ours:
        one.meta.events.register("before-call.*.*", call)
    try:
        yield lambda: len(made)
    finally:
        for one in ours:
            one.meta.events.unregister("before-call.*.*", call)
