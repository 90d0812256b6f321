"""State "Import dataset": `{lease, job}`; starts or adopts this run's import job, or sends its few rows one by one."""

from typing import Any

from retraining import lease
from retraining.imports import advance


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, arn?, sent?, reason?}`."""
    held = lease.prove(event)
    return advance(held.run_id, event["job"])
