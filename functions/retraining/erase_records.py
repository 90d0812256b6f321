"""State "Erase records": `{lease}`; tables, account and dead letters, as much as one call has time for."""

from typing import Any

from retraining import erasing_records, lease, tickets


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome: ACTIVE | IN_PROGRESS, status?}`."""
    held = lease.prove(event)
    return erasing_records.erase(tickets.open_ticket(held.run_id))
