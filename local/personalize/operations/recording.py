"""PutEvents, PutUsers and PutItems: they count at the next request, without a retraining."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from local.personalize.avro import BOUNDS, REQUIRED, Field, within
from local.personalize.constraints import is_text
from local.personalize.csv_source import extra_text
from local.personalize.entities import put_records
from local.personalize.errors import InvalidInput, ResourceInUse
from local.personalize.events import Event, record_events
from local.personalize.json_value import parse_json
from local.personalize.operations.datasets import schema_of
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET, EVENT_TRACKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.avro import Schema
    from local.personalize.json_value import Json

PYTHON = {
    "string": (str,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}

ANY_VALUE = Field("EVENT_VALUE", "double", nullable=True)
EVENT_KEYWORDS = frozenset({"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"})
"""What an event's properties must not contain, in any case."""


@operation("PutEvents")
def put_events(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Record interactions of one session."""
    trackers = account.store.select(EVENT_TRACKER, trackingId=parameters["trackingId"])
    if not trackers:
        raise InvalidInput(f"Invalid trackingId: {parameters['trackingId']}")
    if trackers[0].status != "ACTIVE":
        raise InvalidInput(f"The event tracker is not ACTIVE; its status is {trackers[0].status}.")
    dataset = account.serving.dataset(trackers[0].record["datasetGroupArn"], "INTERACTIONS")
    if dataset is None or dataset.status != "ACTIVE":
        raise InvalidInput("The dataset group of the event tracker has no ACTIVE Interactions dataset.")
    schema = schema_of(account, dataset)
    events = [_event(entry, schema, at) for at, entry in enumerate(parameters["eventList"], 1)]
    with account.store.lock:
        record_events(account.store.database, dataset.arn, parameters["sessionId"], parameters.get("userId"), events)
        dataset.private["changed"] = time.time()
        account.store.save(dataset)
    return {}


@operation("PutUsers")
def put_users(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Add users or replace what is known of them."""
    return _put(account, parameters, "USERS", "users", "userId")


@operation("PutItems")
def put_items(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Add items or replace what is known of them."""
    return _put(account, parameters, "ITEMS", "items", "itemId")


def _put(account: Account, parameters: dict[str, Any], kind: str, member: str, key: str) -> Mapping[str, Any]:
    dataset = account.store.find(DATASET, parameters["datasetArn"])
    if dataset.record["datasetType"] != kind:
        raise InvalidInput(f"{dataset.arn} is no dataset of type {kind}.")
    if dataset.status != "ACTIVE":
        raise ResourceInUse(f"{dataset.arn} is not ACTIVE; its status is {dataset.status}.")
    schema = schema_of(account, dataset)
    fields = {field.name: field for field in schema.fields if field.name not in REQUIRED[kind]}
    records = {}
    for at, entry in enumerate(parameters[member], 1):
        place = f"{member}.{at}.properties"
        record = _typed(_json_object(entry.get("properties"), place), fields, place)
        _check_complete(record, fields, place)
        records[entry[key]] = record
    with account.store.lock:
        put_records(account.store.database, dataset.arn, records)
    account.serving.changed(dataset)
    return {}


def _event(entry: Mapping[str, Any], schema: Schema, at: int) -> Event:
    place = f"eventList.{at}"
    fields = {
        field.name: field
        for field in schema.fields
        if field.name not in REQUIRED["INTERACTIONS"] and field.name not in {"EVENT_TYPE", "EVENT_VALUE"}
    }
    given = _json_object(entry.get("properties"), f"{place}.properties")
    if reserved := [key for key in given if key.lower() in EVENT_KEYWORDS]:
        raise InvalidInput(f"{place}.properties: {', '.join(reserved)} cannot be a property.")
    item, value = entry.get("itemId", given.pop("itemId", None)), entry.get("eventValue", given.pop("eventValue", None))
    if not item:
        raise InvalidInput(f"{place}.itemId: an event names an item.")
    item = _cell(item, schema["ITEM_ID"], f"{place}.properties.itemId")
    if value is not None:
        known = {field.name: field for field in schema.fields}
        value = _cell(value, known.get("EVENT_VALUE", ANY_VALUE), f"{place}.properties.eventValue")
    extra = _typed(given, fields, f"{place}.properties")
    # Of reserved columns an event need not bring all: EVENT_VALUE, impressions and attributions are for some events.
    _check_complete(extra, {field.name: field for field in schema.metadata("INTERACTIONS")}, f"{place}.properties")
    if "impression" in entry and "IMPRESSION" in fields:
        extra["IMPRESSION"] = "|".join(entry["impression"])
    if "recommendationId" in entry and "RECOMMENDATION_ID" in fields:
        extra["RECOMMENDATION_ID"] = entry["recommendationId"]
    if "metricAttribution" in entry and "EVENT_ATTRIBUTION_SOURCE" in fields:
        extra["EVENT_ATTRIBUTION_SOURCE"] = entry["metricAttribution"]["eventAttributionSource"]
    # What the schema has no column for is not kept: the event then equals the row that an import would bring.
    kind = entry["eventType"] if "EVENT_TYPE" in schema else ""
    number = float(value) if value is not None and "EVENT_VALUE" in schema else None
    return Event(item, kind, int(entry["sentAt"]), number, extra_text(extra), entry.get("eventId"))


def _json_object(text: str | None, place: str) -> dict[str, Any]:
    try:
        given = parse_json(text) if text else {}
    except ValueError as error:
        raise InvalidInput(f"{place} is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidInput(f"{place} is not a JSON object.")
    return given


def _typed(given: Mapping[str, Any], fields: Mapping[str, Field], place: str) -> dict[str, Any]:
    """Properties by field name; keys may be in camel case, and numbers written as strings."""
    by_key = {key: field for field in fields.values() for key in (camel_case(field.name), field.name)}
    record = {}
    for key, value in given.items():
        if key not in by_key:
            raise InvalidInput(f"{place}: '{key}' matches no field of the schema.")
        field = by_key[key]
        if value is None and field.nullable:
            continue
        record[field.name] = _cell(value, field, f"{place}.{key}")
    return record


def _check_complete(record: Mapping[str, Any], fields: Mapping[str, Field], place: str) -> None:
    missing = [name for name, field in fields.items() if name not in record and not field.nullable]
    if missing:
        raise InvalidInput(f"{place} has no value for {', '.join(missing)}, which cannot be null.")


def _cell(value: Json, field: Field, place: str) -> Json:
    if isinstance(value, str) and field.type in {"int", "long", "float", "double"}:
        with contextlib.suppress(ValueError):
            value = int(value) if field.type in {"int", "long"} else float(value)
    if not isinstance(value, PYTHON[field.type]) or (isinstance(value, bool) and field.type != "boolean"):
        raise InvalidInput(f"{place} must have type {field.type}.")
    if isinstance(value, int | float) and field.type in BOUNDS and not within(value, field.type):
        raise InvalidInput(f"{place} is beyond the type {field.type}.")
    if isinstance(value, str) and not is_text(value):
        raise InvalidInput(f"{place} must be valid Unicode, without half a surrogate pair.")
    if isinstance(value, str) and len(value) > field.limit:
        raise InvalidInput(f"Length cannot be more than {field.limit} characters for {field.name}.")
    return value


def camel_case(name: str) -> str:
    """CREATION_TIMESTAMP as creationTimestamp."""
    first, *others = name.split("_")
    return first.lower() + "".join(part.capitalize() for part in others)
