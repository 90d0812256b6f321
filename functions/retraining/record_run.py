"""States "Record run" and "Record failure": `{lease, run, failure?}`; the last step on every path."""

from typing import Any

from retraining.finish import finish
from retraining.lease import Lease
from retraining.summary import measure


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The run record."""
    record = finish(Lease.of(event), event["run"], event.get("failure"))
    measure(record)
    return record
