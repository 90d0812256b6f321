"""Structured logs and EMF metrics. Never an address, a name or a mail's text: ids are logged as `fingerprint`."""

import hashlib
import traceback
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

P = ParamSpec("P")
T = TypeVar("T")
_ROOT = Path(__file__).parents[1]


class FailedError(Exception):
    """An invocation failed; the log says at which line. Holds the name of the error's type and no text."""


@cache
def logger() -> "Logger":
    """The function's logger; its service comes from POWERTOOLS_SERVICE_NAME, its level is INFO."""
    from aws_lambda_powertools import Logger

    return Logger()


@cache
def metrics() -> "Metrics":
    """The function's EMF metrics; namespace from POWERTOOLS_METRICS_NAMESPACE."""
    from aws_lambda_powertools import Metrics

    return Metrics()


def fingerprint(value: str) -> str:
    """A short hash for logs; its purpose prefix keeps it unlike every other hash of the same id."""
    return hashlib.sha256(f"log:{value}".encode()).hexdigest()[:16]


def log_failure(what: str, error: Exception, **ids: str) -> None:
    """Log the error's type and our line behind it; never its text, which may quote what was sent or written."""
    logger().error(what, extra={"error": type(error).__name__, "at": _line(error), **ids})


def without_texts(handler: Callable[P, T]) -> Callable[P, T]:
    """A handler whose errors Lambda may log: they leave as a `FailedError`, and `log_failure` has told of them."""

    @wraps(handler)
    def handle(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return handler(*arguments, **named)
        except Exception as error:
            log_failure("failed", error)
            raise FailedError(type(error).__name__) from None

    return handle


def _line(error: Exception) -> str:
    """`notifications/ledger.py:120`: our innermost line, more telling than botocore's; who caught it is ours, too."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_ROOT)]
    return f"{Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}"
