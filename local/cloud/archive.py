"""Events out of the buses' archives: what EventBridge itself only replays."""

from typing import Any, Final

from local.cloud import ACCOUNT_ID, REGION

_LONGEST_ID: Final = 128


def archived_events(wanted: dict[str, Any]) -> dict[str, Any]:
    """{eventIds: [...]} → {events: {id: {source, detail-type, detail}}}; unknown ids are left out."""
    ids = set(wanted["eventIds"])
    found = {}
    with _account():
        for event in map(_event, _records()):
            if (event_id := _id(event)) in ids:
                found[event_id] = {name: event[name] for name in ("source", "detail-type", "detail")}
    return {"events": found}


def latest_events(wanted: dict[str, Any]) -> dict[str, Any]:
    """{limit, before?, correlationId?, eventId?} → {events: [{eventId, id, time, source, detail-type, detail}], more}.

    Newest first. `before` is the `more` of the page before; `correlationId` chooses the events of one request.
    """
    limit, correlation, event_id = wanted["limit"], wanted.get("correlationId"), wanted.get("eventId")
    chosen: list[dict[str, Any]] = []
    with _account():
        records = _records()[: wanted.get("before")]
        for number in range(len(records) - 1, -1, -1):
            event = _event(records[number])
            if event_id not in (None, _id(event)):
                continue
            if correlation not in (None, identifier(_metadata(event).get("correlationId")) or _id(event)):
                continue
            if len(chosen) == limit:
                return {"events": chosen, "more": number + 1}
            names = ("id", "time", "source", "detail-type", "detail")
            chosen.append({"eventId": _id(event), **{name: event[name] for name in names}})
    return {"events": chosen, "more": None}


def _account() -> Any:  # noqa: ANN401 - a context manager of the emulator
    from ministack.core.responses import request_scope

    return request_scope(ACCOUNT_ID, REGION)


def _records() -> list[Any]:
    from ministack.services import eventbridge

    return [record for archive in eventbridge._archives.values() for record in archive.get("Events", [])]


def _event(record: Any) -> dict[str, Any]:  # noqa: ANN401 - as the emulator keeps it
    from ministack.services import eventbridge

    event: dict[str, Any] = eventbridge._pattern_event_view(record).event_with_detail()
    return event


def identifier(value: object) -> str | None:
    """What somebody wrote for an id, if it can be one: text of 1 to 128 characters, all of them Unicode's."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _id(event: dict[str, Any]) -> str:
    """An event goes by the id its publisher wrote into the detail's metadata, or else by EventBridge's."""
    return identifier(_metadata(event).get("eventId")) or str(event["id"])


def _metadata(event: dict[str, Any]) -> dict[str, Any]:
    metadata = event["detail"].get("metadata") if isinstance(event["detail"], dict) else None
    return metadata if isinstance(metadata, dict) else {}
