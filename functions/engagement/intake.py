"""An event from the InteractionQueue: recorded, then followed live."""

from collections.abc import Mapping
from typing import Any

from engagement import interaction, live, recording


def take_in(event: Mapping[str, Any]) -> None:
    """Record the interaction an event tells of, and tell Personalize.

    Raises:
        InvalidInputError: the event can never be right.
        botocore.exceptions.ClientError: the tables are away or stayed contended.
    """
    happened = interaction.of(event)
    recording.record(happened)
    # Also after a repeated delivery: the first may have ended in between. Personalize uses an event id once.
    live.follow(happened)
