"""States "Finish erasure" and "Finish failed erasure": `{lease, failure?}`."""

from typing import Any

from retraining import erasure
from retraining.lease import Lease


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The audit row."""
    held = Lease.of(event)
    return erasure.abandon(held, event["failure"]) if "failure" in event else erasure.finish(held)
