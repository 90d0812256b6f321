"""State "Plan training": `{lease, rows, force}`; the policy's answer."""

from typing import Any

from campus import clock
from retraining import lease, runs
from retraining.policy import plan


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{decision, why, models}`."""
    lease.prove(event)
    return plan(int(event["rows"]), runs.watermark(), clock.now_ms(), force=event["force"])
