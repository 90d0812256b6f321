"""State "Check canaries": `{lease, run, polls}`; do the campaigns answer, now that they serve the new version?"""

from typing import Any

from retraining import lease
from retraining.canaries import check


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, verdict?, why?, versions?, takenBack?, reason?}`."""
    lease.prove(event)
    return check(event["run"], event["polls"])
