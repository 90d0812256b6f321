"""The same interaction to Personalize at once, so that recommendations follow before the night's training.

Live events send exactly the row that the nightly export writes: Personalize keeps equal events once. Best effort: what
fails here the export brings anyway. So one call that nobody answers is enough to send none for a while: the messages
behind it have their interactions to record.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from campus import clock, tables
from campus.breaker import breaker
from campus.clients import client
from campus.observability import logger, metrics
from campus.outages import is_absence
from campus.pseudonyms import pseudonym
from engagement.interaction import Interaction

if TYPE_CHECKING:
    from mypy_boto3_personalize_events.type_defs import EventTypeDef

# How long a new tracker, or the absence of one, goes unnoticed.
_TRACKER_SECONDS = 60
_PAUSE_SECONDS = 60


def follow(interaction: Interaction) -> None:
    """Tell Personalize's event tracker, where there is one; never raises for what AWS answers."""
    circuit = breaker("live events", after=1, pause=_PAUSE_SECONDS)
    if circuit.is_open:
        metrics().add_metric("LiveEventFailed", "Count", 1)
        return
    try:
        tracking_id = _tracking_id(clock.now() // _TRACKER_SECONDS)
        if tracking_id is None:
            return
        user = pseudonym(interaction.student_id)
        client("personalize-events").put_events(
            trackingId=tracking_id, userId=user, sessionId=user, eventList=[_event(interaction)]
        )
    except (ClientError, BotoCoreError) as error:
        if is_absence(error):
            circuit.failed()
        # Its text may quote the request, so only its name is logged.
        logger().warning("no live event", interaction_id=interaction.interaction_id, error=type(error).__name__)
        metrics().add_metric("LiveEventFailed", "Count", 1)


def _event(interaction: Interaction) -> "EventTypeDef":
    event: EventTypeDef = {
        "eventId": interaction.interaction_id,
        "eventType": interaction.event_type,
        "itemId": interaction.item_id,
        "sentAt": datetime.fromtimestamp(interaction.occurred_at_epoch, UTC),
    }
    if interaction.event_value is not None:
        event["eventValue"] = interaction.event_value
    return event


@lru_cache(maxsize=1)
def _tracking_id(_period: int) -> str | None:
    """Read once a period; the retraining writes the row when it has made the tracker."""
    row = tables.operations().get_item(Key={"pk": "MODEL", "sk": "TRACKER"}).get("Item")
    return str(row["trackingId"]) if row else None
