"""State "Prepare datasets": `{lease}`; called until the dataset group is complete."""

from typing import Any

from retraining import lease
from retraining.preparation import prepare


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, reason?}`."""
    lease.prove(event)
    return prepare()
