"""State "Generate training data": `{lease, cutOff, full}`; writes the three datasets of the run to the lake."""

from typing import Any

from campus import clock
from retraining import lease, runs, scope
from retraining.export import brief, export


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The manifest without its parts: `{cutOff, since, mode, why, base, warnings, datasets}`."""
    held = lease.prove(event)
    chosen = scope.choose(runs.watermark(), clock.now_ms(), full=event["full"])
    return brief(export(held.run_id, int(event["cutOff"]), chosen))
