"""States "Check import", "Check model", "Check campaign", "Check deletion": `{lease, kind, arn, …}`."""

from typing import Any

from retraining import lease
from retraining.polling import check


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, status?, reason?}`; the lease lives on as long as somebody polls."""
    lease.prove(event)
    return check(event["kind"], event["arn"], event.get("solutionVersionArn", ""))
