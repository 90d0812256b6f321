"""State "Evaluate model": `{lease, models}`; the gate between training and serving."""

from typing import Any

from retraining import lease
from retraining.gate import evaluate


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, verdict?, why?, metrics?, baselineMetrics?, promote?, trainingHours?}`."""
    lease.prove(event)
    return evaluate(event["models"])
