"""A call that ends in time, whatever the other side does."""

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, act: Callable[[], T]) -> T:
    """What `act` returns or raises, if it does so in time; what it does afterwards, nobody hears.

    Timeouts of sockets count from one packet to the next, so an answer that trickles in never meets them.

    Raises:
        TimeoutError: it did not.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(act())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=copy_context().run, args=(run,), daemon=True).start()
    return outcome.result(timeout=seconds)
