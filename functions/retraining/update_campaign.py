"""State "Update campaign": `{lease, name, solutionVersionArn}`; begins or adopts a promotion."""

from typing import Any

from retraining import lease
from retraining.campaigns import promote


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, arn?, previousSolutionVersionArn?, reason?}`."""
    held = lease.prove(event)
    return promote(event["name"], event["solutionVersionArn"], lambda: lease.renew(held))
