"""State "Train model": `{lease, cutOff, model}`; starts or adopts this run's solution version."""

from typing import Any

from retraining import lease
from retraining.training import train


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, arn?, reason?}`."""
    held = lease.prove(event)
    return train(held.run_id, int(event["cutOff"]), event["model"])
