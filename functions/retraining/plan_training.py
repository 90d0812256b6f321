"""State "Plan training": `{lease, rows, trigger, force}`; the policy's answer."""

from typing import Any

from campus import clock
from retraining import lease, runs
from retraining.policy import plan


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{decision, why, models}`."""
    lease.prove(event)
    mark = runs.watermark()
    return plan(int(event["rows"]), mark, clock.now_ms(), trigger=event["trigger"], force=event["force"])
