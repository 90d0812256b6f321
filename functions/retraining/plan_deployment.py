"""State "Plan deployment": `{lease, run}`; what a person asked to serve."""

from typing import Any

from retraining import lease
from retraining.deployment import plan


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, why?, versions?, takenBack?, reason?}`."""
    lease.prove(event)
    return plan(event["run"])
