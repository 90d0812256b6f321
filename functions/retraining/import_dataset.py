"""State "Import dataset": `{lease, dataset, mode}`; starts or adopts this run's import job."""

from typing import Any

from retraining import lease
from retraining.imports import start


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, arn?, reason?}`."""
    held = lease.prove(event)
    return start(held.run_id, event["dataset"], event["mode"])
