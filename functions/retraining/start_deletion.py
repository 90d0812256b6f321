"""State "Start deletion": `{lease}`; starts or adopts Personalize's data deletion job."""

from typing import Any

from retraining import deletion, lease, tickets


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{outcome, status?, arn?, reason?}`."""
    held = lease.prove(event)
    return deletion.start(tickets.open_ticket(held.run_id), held)
