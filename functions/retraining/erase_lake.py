"""State "Erase lake": `{lease}`; every run's files with all versions, as much as one call has time for."""

from typing import Any

from retraining import erasing_lake, lease


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome: ACTIVE | IN_PROGRESS, status?}`."""
    return erasing_lake.erase(lease.prove(event).run_id)
