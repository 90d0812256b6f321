"""Rows of Operations that an answer can do without: asked for briefly, and left alone while nobody answers.

A student's ranking needs none of them, and must not wait for three of them one after the other.
"""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from campus import clients
from campus.breaker import breaker
from campus.observability import logger
from campus.outages import is_absence

T = TypeVar("T")


def or_else(otherwise: T, ask: Callable[[], T], what: str) -> T:
    """What `ask` answers; `otherwise` where the table is away, or was a moment ago.

    Args:
        otherwise: what does as well.
        ask: reads or writes Operations.
        what: for the log.
    """
    circuit = breaker("operations", after=1)
    if circuit.is_open:
        return otherwise
    try:
        with clients.impatient():
            return ask()
    except (ClientError, BotoCoreError) as error:
        if is_absence(error):
            circuit.failed()
        logger().warning("went on without a row", what=what, error=type(error).__name__)
        return otherwise
