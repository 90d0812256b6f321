"""State "Acquire lease": `{input, execution, startedAt}` of the execution, whoever started it."""

from typing import Any

from retraining.start import start


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome: ACQUIRED | LOCKED | FINISHED, …}`."""
    return start(event["input"], event["execution"], event["startedAt"])
