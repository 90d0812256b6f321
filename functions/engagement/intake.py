"""An event from the InteractionQueue: recorded, then followed live."""

from collections.abc import Mapping
from typing import Any

from campus.observability import metrics
from engagement import first_telling, interaction, live, recording


def take_in(event: Mapping[str, Any]) -> None:
    """Record the interaction an event tells of, and tell Personalize.

    Raises:
        InvalidInputError: the event can never be right.
        botocore.exceptions.ClientError: the tables are away or stayed contended.
    """
    happened = interaction.of(event)
    if happened.is_repeatable:
        happened = first_telling.at_its_first_telling(happened)
    try:
        recording.record(happened)
    except recording.ErasedStudentError:
        metrics().add_metric("ErasedStudentIgnored", "Count", 1)
        return
    # Also after a repeated delivery: the first may have ended in between. Personalize uses an event id once.
    live.follow(happened)
