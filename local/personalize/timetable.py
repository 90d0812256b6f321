"""One thread that calls functions at their time."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger(__name__)


class Timetable:
    """Calls in order of their due time, one after another, off the event loop."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._run, name="personalize-timetable", daemon=True)

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Call a function that many seconds from now (at once if negative)."""
        with self._changed:
            heapq.heappush(self._entries, (time.monotonic() + seconds, next(self._numbers), call))
            self._changed.notify()

    def close(self) -> None:
        """Stop after the call under way; entries not yet due are dropped."""
        with self._changed:
            self._open = False
            self._changed.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                call()
            except Exception:
                LOG.exception("A scheduled step of the Personalize service failed")

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while self._open:
                wait = self._entries[0][0] - time.monotonic() if self._entries else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._entries)[2]
                self._changed.wait(wait)
        return None
