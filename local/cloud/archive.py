"""Events out of the buses' archives by their id: what EventBridge itself only replays."""

from typing import Any

from local.cloud import ACCOUNT_ID, REGION


def archived_events(wanted: dict[str, Any]) -> dict[str, Any]:
    """{eventIds: [...]} → {events: {id: {source, detail-type, detail}}}; unknown ids are left out.

    An event goes by the id its publisher wrote into the detail's metadata, or else by EventBridge's.
    """
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge

    ids = set(wanted["eventIds"])
    found = {}
    with request_scope(ACCOUNT_ID, REGION):
        for record in (one for archive in eventbridge._archives.values() for one in archive.get("Events", [])):
            event = eventbridge._pattern_event_view(record).event_with_detail()
            metadata = event["detail"].get("metadata")
            event_id = metadata.get("eventId", event["id"]) if isinstance(metadata, dict) else event["id"]
            if event_id in ids:
                found[event_id] = {name: event[name] for name in ("source", "detail-type", "detail")}
    return {"events": found}
