"""Structured logs and EMF metrics. Never an address, a name or a mail's text: ids are logged as `fingerprint`."""

import hashlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics


@cache
def logger() -> "Logger":
    """The function's logger; service and level come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL."""
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
