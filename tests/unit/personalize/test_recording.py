"""PutEvents, PutItems and PutUsers: kept once, and counting at the next request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.personalize.events import events_of
from local.personalize.store import DATASET
from tests.unit.personalize.cloud import INTERACTION_FIELDS, ITEM_FIELDS, ITEMS, T0, ids, interaction_rows

if TYPE_CHECKING:
    from tests.unit.personalize.cloud import Cloud, School


KEYWORDS = ("userId", "SESSIONID", "eventType", "timestamp", "recommendationId", "impression")


@pytest.fixture(scope="module")
def tracker(cloud: Cloud, school: School) -> str:
    made = cloud.control.create_event_tracker(name="tracker", datasetGroupArn=school.group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=made["eventTrackerArn"])
    return str(made["trackingId"])


def test_put_events_change_the_next_answer(cloud: Cloud, campaign: str, tracker: str) -> None:
    for item, following in ((ITEMS[3], ITEMS[4]), (ITEMS[10], ITEMS[11])):
        event = {"eventType": "view", "itemId": item, "sentAt": T0 + 10_000 + ITEMS.index(item)}
        cloud.events.put_events(trackingId=tracker, userId="fresh", sessionId="s1", eventList=[event])
        assert ids(cloud.runtime.get_recommendations(campaignArn=campaign, userId="fresh"))[0] == following


def test_an_anonymous_session_is_its_own_user_until_it_names_one(cloud: Cloud, campaign: str, tracker: str) -> None:
    event = {"eventType": "view", "itemId": ITEMS[5], "sentAt": T0}
    cloud.events.put_events(trackingId=tracker, sessionId="session-9", eventList=[event])
    assert ids(cloud.runtime.get_recommendations(campaignArn=campaign, userId="session-9"))[0] == ITEMS[6]
    # Signing in brings the session's past along; the named event is older.
    named = {"eventType": "view", "itemId": ITEMS[0], "sentAt": T0 - 50}
    cloud.events.put_events(trackingId=tracker, sessionId="session-9", userId="ann", eventList=[named])
    assert ids(cloud.runtime.get_recommendations(campaignArn=campaign, userId="ann"))[0] == ITEMS[6]


def recorded(cloud: Cloud, school: School, user: str) -> int:
    return len(cloud.service._account.serving.past(school.group, user).items)


def test_equal_events_count_once_together_with_imported_rows(cloud: Cloud, school: School, tracker: str) -> None:
    row = interaction_rows()[0]
    same = {"eventType": row[3], "itemId": row[1], "sentAt": row[2], "eventId": "twin"}
    before = recorded(cloud, school, row[0])
    for _ in range(2):
        cloud.events.put_events(trackingId=tracker, userId=row[0], sessionId="s", eventList=[same])
    assert recorded(cloud, school, row[0]) == before
    cloud.events.put_events(
        trackingId=tracker, userId=row[0], sessionId="s", eventList=[{**same, "eventId": "x", "eventValue": 2.0}]
    )
    assert recorded(cloud, school, row[0]) == before + 1


def test_a_repeated_event_id_is_ignored(cloud: Cloud, school: School, tracker: str) -> None:
    for item in ITEMS[:3]:
        event = {"eventType": "view", "itemId": item, "sentAt": T0, "eventId": "only-once"}
        cloud.events.put_events(trackingId=tracker, userId="repeater", sessionId="s", eventList=[event])
    assert cloud.service._account.serving.past(school.group, "repeater").items == [ITEMS[0]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"itemId": None}, "names an item"),
        ({"properties": "[1]"}, "not a JSON object"),
        ({"properties": "{"}, "not JSON"),
        ({"properties": "[" * 200 + "]" * 200}, "nested more than 100 deep"),
        ({"properties": '{"eventValue": NaN}'}, "NaN is no number"),
        ({"properties": '{"colour": "red"}'}, "'colour' matches no field"),
        ({"properties": '{"eventValue": "much"}'}, "eventValue must have type float"),
        ({"properties": '{"eventValue": true}'}, "eventValue must have type float"),
        ({"properties": '{"eventValue": 1e39}'}, "eventValue is beyond the type float"),
        ({"itemId": None, "properties": '{"itemId": {"a": 1}}'}, "itemId must have type string"),
        ({"itemId": None, "properties": '{"itemId": 7}'}, "itemId must have type string"),
        ({"itemId": None, "properties": '{"itemId": ""}'}, "names an item"),
        ({"itemId": None, "properties": f'{{"itemId": "{"i" * 257}"}}'}, "more than 256 characters for ITEM_ID"),
        ({"itemId": None, "properties": '{"itemId": "\\ud800"}'}, "itemId must be valid Unicode"),
        *(({"properties": f'{{"{key}": "1"}}'}, f"{key} cannot be a property") for key in KEYWORDS),
    ],
)
def test_events_that_do_not_fit_are_refused(cloud: Cloud, tracker: str, change: dict[str, Any], reason: str) -> None:
    event = {"eventType": "view", "itemId": ITEMS[0], "sentAt": T0, **change}
    event = {name: value for name, value in event.items() if value is not None}
    with pytest.raises(cloud.events.exceptions.InvalidInputException, match=reason):
        cloud.events.put_events(trackingId=tracker, userId="u", sessionId="s", eventList=[event])


def test_events_for_an_unknown_tracker_are_refused(cloud: Cloud) -> None:
    event = {"eventType": "view", "itemId": ITEMS[0], "sentAt": T0}
    with pytest.raises(cloud.events.exceptions.InvalidInputException, match="Invalid trackingId"):
        cloud.events.put_events(trackingId="unknown", userId="u", sessionId="s", eventList=[event])


def test_a_put_item_can_be_recommended_filtered_and_described_at_once(
    cloud: Cloud, school: School, campaign: str
) -> None:
    documents = cloud.filter(school.group, "documents", 'INCLUDE ItemID WHERE Items.TYPE IN ("document")')
    ask = {"campaignArn": campaign, "userId": "user-0", "filterArn": documents}
    assert ids(cloud.runtime.get_recommendations(**ask)) == []
    properties = json.dumps({"type": "document", "price": "7.5", "CREATION_TIMESTAMP": T0})
    cloud.events.put_items(datasetArn=school.items, items=[{"itemId": "brand-new", "properties": properties}])
    answer = cloud.runtime.get_recommendations(**ask, metadataColumns={"ITEMS": ["TYPE", "PRICE", "CLASS_ID"]})
    assert answer["itemList"] == [
        {"itemId": "brand-new", "score": 0.0, "metadata": {"TYPE": "document", "PRICE": "7.5"}}
    ]
    with pytest.raises(cloud.events.exceptions.InvalidInputException, match="no value for TYPE"):
        cloud.events.put_items(datasetArn=school.items, items=[{"itemId": "typeless"}])


def test_a_put_user_is_known_to_filters_at_once(cloud: Cloud, school: School, campaign: str) -> None:
    quiz = 'EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.LOCALE IN ("fr")'
    ask = {"campaignArn": campaign, "userId": "newcomer", "filterArn": cloud.filter(school.group, "french", quiz)}
    assert ITEMS[1] in ids(cloud.runtime.get_recommendations(**ask))
    cloud.events.put_users(
        datasetArn=school.users, users=[{"userId": "newcomer", "properties": '{"locale": "fr", "AGE": null}'}]
    )
    assert ITEMS[1] not in ids(cloud.runtime.get_recommendations(**ask))
    for age in ("9" * 400, f'"{2**31}"', str(-(2**31) - 1)):
        properties = f'{{"locale": "fr", "age": {age}}}'
        with pytest.raises(cloud.events.exceptions.InvalidInputException, match="age is beyond the type int"):
            cloud.events.put_users(datasetArn=school.users, users=[{"userId": "x", "properties": properties}])
    with pytest.raises(cloud.events.exceptions.InvalidInputException, match="no dataset of type USERS"):
        cloud.events.put_users(datasetArn=school.items, users=[{"userId": "x", "properties": "{}"}])


def test_events_without_a_column_for_their_type_equal_imported_rows(cloud: Cloud) -> None:
    group = cloud.group("plain")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("plain", INTERACTION_FIELDS[:3]))
    rows = [row[:3] for row in interaction_rows()]
    cloud.run_import("plain", dataset, cloud.upload("bucket/plain.csv", ["USER_ID", "ITEM_ID", "TIMESTAMP"], rows))
    tracker = cloud.control.create_event_tracker(name="plain", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    event = {"eventType": "view", "itemId": rows[0][1], "sentAt": rows[0][2], "eventValue": 3.0}
    cloud.events.put_events(trackingId=tracker["trackingId"], userId="user-0", sessionId="s", eventList=[event])
    assert len(cloud.service._account.serving.past(group, "user-0").items) == 8


def test_full_import_keeps_what_was_put_one_by_one(cloud: Cloud) -> None:
    group = cloud.group("keeping")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("keeping", INTERACTION_FIELDS))
    header = [field["name"] for field in INTERACTION_FIELDS]
    tracker = cloud.control.create_event_tracker(name="keeping", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    event = {"eventType": "view", "itemId": "by-hand", "sentAt": T0}
    cloud.events.put_events(trackingId=tracker["trackingId"], userId="user-0", sessionId="s", eventList=[event])
    cloud.run_import("once", dataset, cloud.upload("bucket/keep/1.csv", header, interaction_rows()))
    cloud.run_import("again", dataset, cloud.upload("bucket/keep/2.csv", header, interaction_rows(200)[8:]))
    assert cloud.service._account.serving.past(group, "user-0").items == ["by-hand"]


def test_an_event_keeps_its_impression_its_recommendation_and_its_properties(cloud: Cloud) -> None:
    fields = [
        *INTERACTION_FIELDS,
        {"name": "DEVICE_TYPE", "type": ["null", "string"], "categorical": True},
        {"name": "PAGES", "type": ["null", "int"]},
        *(
            {"name": name, "type": ["null", "string"]}
            for name in ("IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE")
        ),
    ]
    group = cloud.group("rich")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("rich", fields))
    made = cloud.control.create_event_tracker(name="rich", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=made["eventTrackerArn"])
    event = {
        "eventType": "view",
        "itemId": "i",
        "sentAt": T0,
        "recommendationId": "RID-1",
        "impression": ["i", "j"],
        "metricAttribution": {"eventAttributionSource": "mail"},
        "properties": '{"deviceType": "phone", "PAGES": "3", "eventValue": 2}',
    }
    cloud.events.put_events(trackingId=made["trackingId"], userId="u", sessionId="s", eventList=[event])
    (found,) = events_of(cloud.service._account.store.database, dataset, "u")
    assert (found.item, found.type, found.time, found.value) == ("i", "view", T0, 2.0)
    assert json.loads(found.extra) == {
        "DEVICE_TYPE": "phone",
        "PAGES": 3,
        "IMPRESSION": "i|j",
        "RECOMMENDATION_ID": "RID-1",
        "EVENT_ATTRIBUTION_SOURCE": "mail",
    }


def test_an_event_brings_what_its_schema_does_not_let_be_null(cloud: Cloud) -> None:
    fields = [
        *INTERACTION_FIELDS[:4],
        {"name": "EVENT_VALUE", "type": "float"},
        {"name": "DEVICE_TYPE", "type": "string", "categorical": True},
    ]
    group = cloud.group("strict")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("strict", fields))
    made = cloud.control.create_event_tracker(name="strict", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=made["eventTrackerArn"])

    def put(properties: str) -> None:
        event = {"eventType": "view", "sentAt": T0, "properties": properties}
        cloud.events.put_events(trackingId=made["trackingId"], userId="u", sessionId="s", eventList=[event])

    with pytest.raises(cloud.events.exceptions.InvalidInputException, match="no value for DEVICE_TYPE, which cannot"):
        put('{"itemId": "i"}')
    put('{"itemId": "i", "deviceType": "phone"}')
    put('{"itemId": "j", "deviceType": "phone", "eventValue": "4"}')
    found = events_of(cloud.service._account.store.database, dataset, "u")
    assert [(event.item, event.value) for event in found] == [("i", None), ("j", 4.0)]


def test_put_items_survive_a_full_import_and_a_newer_record_of_an_incremental_one_wins(cloud: Cloud) -> None:
    dataset = cloud.dataset(cloud.group("survivors"), "Items", cloud.schema("survivors", ITEM_FIELDS[:2]))

    def types() -> dict[str, str]:
        account = cloud.service._account
        records = account.serving.entities(account.store.find(DATASET, dataset)).records
        return {item: record["TYPE"] for item, record in records.items()}

    def location(kind: str) -> str:
        return cloud.upload(f"bucket/{kind}.csv", ["ITEM_ID", "TYPE"], [["imported", kind]])

    cloud.run_import("survivors-1", dataset, location("first"))
    for item in ("put", "imported"):
        cloud.events.put_items(datasetArn=dataset, items=[{"itemId": item, "properties": '{"type": "put"}'}])
    cloud.run_import("survivors-2", dataset, location("second"))
    assert types() == {"imported": "put", "put": "put"}
    cloud.run_import("survivors-3", dataset, location("third"), "INCREMENTAL")
    assert types() == {"imported": "third", "put": "put"}


def test_filters_consider_the_newest_hundred_events_of_a_type(cloud: Cloud) -> None:
    group = cloud.group("avid")
    cloud.dataset(group, "Interactions", cloud.schema("avid", INTERACTION_FIELDS))
    made = cloud.control.create_event_tracker(name="avid", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=made["eventTrackerArn"])
    ask = {"trackingId": made["trackingId"], "userId": "avid", "sessionId": "s"}
    for first in range(0, 110, 10):
        events = [{"eventType": "view", "itemId": f"i{n}", "sentAt": T0 + n} for n in range(first, first + 10)]
        cloud.events.put_events(**ask, eventList=events)
    cloud.events.put_events(**ask, eventList=[{"eventType": "enroll", "itemId": "i0", "sentAt": T0}])
    recent = cloud.service._account.serving.past(group, "avid").recent()
    assert sorted(recent) == sorted([("i0", "enroll"), *((f"i{n}", "view") for n in range(10, 110))])
