"""State "Park campaigns": `{lease}`; deletes what bills day and night, and looks whether it is gone."""

from typing import Any

from retraining import lease, names, serving
from retraining.campaigns import park


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, reason?}`; BUSY until every campaign is gone."""
    held = lease.prove(event)
    return park([names.model_name(kind) for kind in serving.KINDS], lambda: lease.renew(held))
