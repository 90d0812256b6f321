"""State "Generate training data": `{lease, cutOff}`; writes the three datasets of the run to the lake."""

from typing import Any

from retraining import lease, runs
from retraining.export import brief, export


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The manifest without its parts: `{cutOff, since, mode, datasets}`."""
    held = lease.prove(event)
    return brief(export(held.run_id, int(event["cutOff"]), runs.watermark().get("cutOff", 0)))
