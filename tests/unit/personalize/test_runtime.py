"""Recommendations and rankings as clients see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.personalize.conftest import INTERACTION_FIELDS, ITEMS, T0, interaction_rows

if TYPE_CHECKING:
    from tests.unit.personalize.conftest import Cloud, School


@pytest.fixture(scope="module")
def tracker(cloud: Cloud, school: School) -> str:
    made = cloud.control.create_event_tracker(name="tracker", datasetGroupArn=school.group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=made["eventTrackerArn"])
    return str(made["trackingId"])


@pytest.fixture(scope="module")
def ranking(cloud: Cloud, school: School) -> str:
    solution = cloud.solution("ranking", school.group, "aws-personalized-ranking-v2")
    return cloud.deploy("ranking", cloud.train(solution))


@pytest.fixture(scope="module")
def related(cloud: Cloud, school: School) -> str:
    solution = cloud.solution("related", school.group, "aws-similar-items")
    return cloud.deploy("related", cloud.train(solution))


def make_filter(cloud: Cloud, school: School, name: str, expression: str) -> str:
    arn: str = cloud.control.create_filter(name=name, datasetGroupArn=school.group, filterExpression=expression)[
        "filterArn"
    ]
    cloud.wait(cloud.control.describe_filter, filterArn=arn)
    return arn


def ids(answer: dict[str, Any], member: str = "itemList") -> list[str]:
    return [item["itemId"] for item in answer[member]]


def test_the_most_likely_item_comes_first_and_scores_sum_to_one(cloud: Cloud, campaign: str) -> None:
    answer = cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0")
    scores = [item["score"] for item in answer["itemList"]]
    assert ids(answer)[0] == ITEMS[8]  # user-0 ended at item-7 of the ring
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)


def test_an_unknown_user_gets_popular_items(cloud: Cloud, campaign: str) -> None:
    answer = cloud.runtime.get_recommendations(campaignArn=campaign, userId="nobody", numResults=4)
    assert len(ids(answer)) == 4


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
        ({"properties": '{"colour": "red"}'}, "'colour' matches no field"),
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
    documents = make_filter(cloud, school, "documents", 'INCLUDE ItemID WHERE Items.TYPE IN ("document")')
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
    quiz = 'EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.LOCALE = "fr"'
    ask = {"campaignArn": campaign, "userId": "newcomer", "filterArn": make_filter(cloud, school, "french", quiz)}
    assert ITEMS[1] in ids(cloud.runtime.get_recommendations(**ask))
    cloud.events.put_users(
        datasetArn=school.users, users=[{"userId": "newcomer", "properties": '{"locale": "fr", "AGE": null}'}]
    )
    assert ITEMS[1] not in ids(cloud.runtime.get_recommendations(**ask))
    with pytest.raises(cloud.events.exceptions.InvalidInputException, match="no dataset of type USERS"):
        cloud.events.put_users(datasetArn=school.items, users=[{"userId": "x", "properties": "{}"}])


def test_what_a_user_did_can_be_left_out(cloud: Cloud, school: School, campaign: str) -> None:
    done = make_filter(cloud, school, "done", "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($DONE)")
    ask = {"campaignArn": campaign, "userId": "user-2", "filterArn": done}
    answer = cloud.runtime.get_recommendations(**ask, filterValues={"DONE": '"enroll"'})
    assert not {ITEMS[(2 + step) % 12] for step in (1, 3, 5, 7)} & set(ids(answer))
    assert ITEMS[2] in ids(answer)
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="double quotes"):
        cloud.runtime.get_recommendations(**ask, filterValues={"DONE": "enroll"})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ('EXCLUDE ItemID WHERE Items.COLOUR IN ("red")', "not in the schema"),
        ('EXCLUDE ItemID WHERE Items.SECRET IN ("true")', "boolean"),
        ("EXCLUDE ItemID WHERE Items.TYPE > 3", "not numeric"),
        ("nonsense", "expected INCLUDE or EXCLUDE"),
    ],
)
def test_a_filter_that_cannot_work_is_refused(cloud: Cloud, school: School, expression: str, reason: str) -> None:
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match=reason):
        cloud.control.create_filter(name="bad", datasetGroupArn=school.group, filterExpression=expression)


def test_promotions_fill_their_share_in_their_own_order(cloud: Cloud, school: School, campaign: str) -> None:
    quizzes = make_filter(cloud, school, "quizzes", "INCLUDE ItemID WHERE Items.TYPE IN ($KIND)")
    answer = cloud.runtime.get_recommendations(
        campaignArn=campaign,
        userId="user-0",
        numResults=4,
        promotions=[
            {
                "name": "push",
                "percentPromotedItems": 50,
                "filterArn": quizzes,
                "filterValues": {"KIND": '"quiz"'},
            }
        ],
    )
    promoted = [item for item in answer["itemList"] if item.get("promotionName") == "push"]
    assert len(answer["itemList"]) == len(set(ids(answer))) == 4
    assert [item["reason"] for item in promoted] == [["Promoted item"]] * 2
    assert {item["itemId"] for item in promoted} <= {ITEMS[at] for at in (0, 3, 6, 9)}
    assert promoted[0]["score"] >= promoted[1]["score"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"numResults": 501}, "at most 500"),
        ({"numResults": 51, "metadataColumns": {"ITEMS": ["TYPE"]}}, "at most 50 with metadata"),
        ({"metadataColumns": {"USERS": ["LOCALE"]}}, "one key ITEMS"),
        ({"metadataColumns": {"ITEMS": [f"C{n}" for n in range(11)]}}, "at most 10 columns"),
        ({"metadataColumns": {"ITEMS": ["COLOUR"]}}, "COLOUR"),
        ({"userId": None}, "userId is required"),
        ({"campaignArn": None}, "campaignArn"),
        ({"promotions": [{"name": "p"}]}, "percentPromotedItems"),
    ],
)
def test_requests_that_aws_refuses_are_refused(
    cloud: Cloud, campaign: str, change: dict[str, Any], reason: str
) -> None:
    asked = {"campaignArn": campaign, "userId": "user-0", **change}
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match=reason):
        cloud.runtime.get_recommendations(**{name: value for name, value in asked.items() if value is not None})


def test_a_campaign_or_filter_that_does_not_exist_is_not_found(cloud: Cloud, campaign: str) -> None:
    with pytest.raises(cloud.runtime.exceptions.ResourceNotFoundException) as refused:
        cloud.runtime.get_recommendations(campaignArn=campaign + "x", userId="u")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(cloud.runtime.exceptions.ResourceNotFoundException):
        cloud.runtime.get_recommendations(campaignArn=campaign, userId="u", filterArn=campaign + "x")


def test_ranking_orders_the_list_and_puts_unknown_items_last(cloud: Cloud, ranking: str) -> None:
    listed = ["strange", ITEMS[1], ITEMS[8], ITEMS[5], ITEMS[8]]
    answer = cloud.runtime.get_personalized_ranking(campaignArn=ranking, userId="user-0", inputList=listed)
    ranked = answer["personalizedRanking"]
    assert ids(answer, "personalizedRanking")[0] == ITEMS[8]
    assert ids(answer, "personalizedRanking")[-1] == "strange"
    assert len(ranked) == 4
    assert sum(item["score"] for item in ranked) == pytest.approx(1)


def test_each_operation_serves_its_own_recipes(cloud: Cloud, campaign: str, ranking: str, related: str) -> None:
    refused = cloud.runtime.exceptions.InvalidInputException
    with pytest.raises(refused, match="PERSONALIZED_RANKING"):
        cloud.runtime.get_recommendations(campaignArn=ranking, userId="user-0")
    with pytest.raises(refused, match="PERSONALIZED_RANKING"):
        cloud.runtime.get_personalized_ranking(campaignArn=campaign, userId="user-0", inputList=[ITEMS[0]])
    with pytest.raises(refused, match="itemId is required"):
        cloud.runtime.get_recommendations(campaignArn=related, userId="user-0")


def test_similar_items_leave_the_item_itself_out(cloud: Cloud, school: School, related: str) -> None:
    assert ids(cloud.runtime.get_recommendations(campaignArn=related, itemId=ITEMS[4]))[0] == ITEMS[5]
    assert ITEMS[4] not in ids(cloud.runtime.get_recommendations(campaignArn=related, itemId=ITEMS[4]))
    dearer = make_filter(cloud, school, "dearer", "INCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE")
    answer = cloud.runtime.get_recommendations(campaignArn=related, itemId=ITEMS[9], filterArn=dearer)
    assert set(ids(answer)) == {ITEMS[10], ITEMS[11]}


def test_metadata_must_be_enabled_for_the_campaign(cloud: Cloud, ranking: str) -> None:
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="enableMetadataWithRecommendations"):
        cloud.runtime.get_personalized_ranking(
            campaignArn=ranking, userId="u", inputList=[ITEMS[0]], metadataColumns={"ITEMS": ["TYPE"]}
        )


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
