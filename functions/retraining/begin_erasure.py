"""State "Begin erasure": `{ticket, execution}`; the ticket's row names the student, the execution never does."""

from typing import Any

from retraining import erasure


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome: ACQUIRED | LOCKED | FINISHED, …}`."""
    return erasure.begin(event["ticket"], event["execution"])
