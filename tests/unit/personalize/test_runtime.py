"""Recommendations and rankings as clients see them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.personalize.cloud import ITEM_FIELDS, ITEMS, USER_FIELDS, filled, ids, interaction_rows

if TYPE_CHECKING:
    from tests.unit.personalize.cloud import Cloud, School


@pytest.fixture(scope="module")
def ranking(cloud: Cloud, school: School) -> str:
    solution = cloud.solution("ranking", school.group, "aws-personalized-ranking-v2")
    return cloud.deploy("ranking", cloud.train(solution))


@pytest.fixture(scope="module")
def related(cloud: Cloud, school: School) -> str:
    solution = cloud.solution("related", school.group, "aws-similar-items")
    return cloud.deploy("related", cloud.train(solution))


@pytest.fixture(scope="module")
def kiosk(cloud: Cloud) -> str:
    """A group of its own with items and users, whose interactions are as imported."""
    group = filled(cloud, "kiosk")
    items = cloud.dataset(group, "Items", cloud.schema("kiosk-i", ITEM_FIELDS[:2]))
    cloud.dataset(group, "Users", cloud.schema("kiosk-u", USER_FIELDS[:2]))
    rows = [[item, "course" if at % 3 else "quiz"] for at, item in enumerate(ITEMS)]
    cloud.run_import("kiosk-i", items, cloud.upload("bucket/kiosk-i.csv", ["ITEM_ID", "TYPE"], rows))
    return group


@pytest.fixture(scope="module")
def beside(cloud: Cloud, kiosk: str) -> str:
    """A campaign of similar items in the kiosk."""
    return cloud.deploy("beside", cloud.train(cloud.solution("beside", kiosk, "aws-similar-items")))


def test_the_most_likely_item_comes_first_and_scores_sum_to_one(cloud: Cloud, campaign: str) -> None:
    answer = cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0")
    scores = [item["score"] for item in answer["itemList"]]
    assert ids(answer)[0] == ITEMS[8]  # user-0 ended at item-7 of the ring
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)


def test_an_unknown_user_gets_popular_items(cloud: Cloud, campaign: str) -> None:
    answer = cloud.runtime.get_recommendations(campaignArn=campaign, userId="nobody", numResults=4)
    assert len(ids(answer)) == 4


def test_what_a_user_did_can_be_left_out(cloud: Cloud, school: School, campaign: str) -> None:
    done = cloud.filter(school.group, "done", "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($DONE)")
    ask = {"campaignArn": campaign, "userId": "user-2", "filterArn": done}
    answer = cloud.runtime.get_recommendations(**ask, filterValues={"DONE": '"enroll"'})
    assert not {ITEMS[(2 + step) % 12] for step in (1, 3, 5, 7)} & set(ids(answer))
    assert ITEMS[2] in ids(answer)
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="double quotes"):
        cloud.runtime.get_recommendations(**ask, filterValues={"DONE": "enroll"})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("EXCLUDE ItemID WHERE Items.PRICE > CurrentItem.COLOUR", "COLOUR is not in the schema"),
        ("EXCLUDE ItemID WHERE Items.PRICE > CurrentItem.TYPE", "not numeric"),
        ("EXCLUDE ItemID WHERE Items.TYPE = $KIND", "not numeric"),
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
    quizzes = cloud.filter(school.group, "quizzes", "INCLUDE ItemID WHERE Items.TYPE IN ($KIND)")
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


def test_a_filter_judges_listed_items_that_nobody_knows(cloud: Cloud, school: School, ranking: str) -> None:
    seen = cloud.filter(school.group, "seen", 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')
    courses = cloud.filter(school.group, "courses", 'INCLUDE ItemID WHERE Items.TYPE IN ("course")')
    ask = {
        "campaignArn": ranking,
        "userId": "user-0",
        "inputList": ["strange", ITEMS[0], ITEMS[1], ITEMS[9], ITEMS[10]],
    }
    left = ids(cloud.runtime.get_personalized_ranking(**ask, filterArn=seen), "personalizedRanking")
    assert (set(left), left[-1]) == ({"strange", ITEMS[9], ITEMS[10]}, "strange")
    left = ids(cloud.runtime.get_personalized_ranking(**ask, filterArn=courses), "personalizedRanking")
    assert set(left) == {ITEMS[1], ITEMS[10]}


def test_a_filter_with_the_current_item_is_for_related_items(cloud: Cloud, school: School, campaign: str) -> None:
    same = cloud.filter(school.group, "same-type", "INCLUDE ItemID WHERE Items.TYPE IN CurrentItem.TYPE")
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="CurrentItem"):
        cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0", itemId=ITEMS[0], filterArn=same)


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
    dearer = cloud.filter(school.group, "dearer", "INCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE")
    answer = cloud.runtime.get_recommendations(campaignArn=related, itemId=ITEMS[9], filterArn=dearer)
    assert set(ids(answer)) == {ITEMS[10], ITEMS[11]}


def test_filters_see_the_ids_of_items_and_users(cloud: Cloud, kiosk: str, beside: str) -> None:
    def asked(name: str, expression: str, campaign: str, **ask: str) -> list[str]:
        arn = cloud.filter(kiosk, name, expression)
        found = ids(cloud.runtime.get_recommendations(campaignArn=campaign, filterArn=arn, **ask))
        cloud.control.delete_filter(filterArn=arn)
        return found

    version = cloud.train(cloud.solution("kiosk", kiosk, "aws-user-personalization-v2"))
    campaign = cloud.deploy("kiosk", version)
    two = f'INCLUDE ItemID WHERE Items.ITEM_ID IN ("{ITEMS[2]}", "{ITEMS[5]}", "nothing")'
    assert set(asked("two", two, campaign, userId="user-0")) == {ITEMS[2], ITEMS[5]}
    mine = f'{two} IF CurrentUser.USER_ID IN ("user-0")'
    assert len(asked("mine", mine, campaign, userId="user-0")) == 2
    assert len(asked("mine-not", mine, campaign, userId="user-1")) > 2
    same = "INCLUDE ItemID WHERE Items.ITEM_ID NOT IN CurrentItem.ITEM_ID"
    assert ITEMS[5] in asked("others", same, beside, itemId=ITEMS[4])
    only = "EXCLUDE ItemID WHERE Items.ITEM_ID NOT IN CurrentItem.ITEM_ID"
    assert asked("itself", only, beside, itemId=ITEMS[4]) == []


def test_a_filter_that_reads_the_user_needs_one(cloud: Cloud, kiosk: str, beside: str) -> None:
    for name, expression in {
        "unseen": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
        "abroad": 'EXCLUDE ItemID WHERE Items.TYPE IN ("quiz") IF CurrentUser.LOCALE IN ("fr")',
    }.items():
        arn = cloud.filter(kiosk, name, expression)
        ask = {"campaignArn": beside, "itemId": ITEMS[4], "filterArn": arn}
        with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match=f"userId is required.*/{name} reads"):
            cloud.runtime.get_recommendations(**ask)
        assert cloud.runtime.get_recommendations(**ask, userId="user-0")["itemList"]
        cloud.control.delete_filter(filterArn=arn)


def test_values_without_a_filter_are_refused(cloud: Cloud, campaign: str, ranking: str) -> None:
    ask = {"userId": "user-0", "filterValues": {"KIND": '"quiz"'}}
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="filterArn, which is missing"):
        cloud.runtime.get_recommendations(campaignArn=campaign, **ask)
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="filterArn, which is missing"):
        cloud.runtime.get_personalized_ranking(campaignArn=ranking, inputList=[ITEMS[0]], **ask)


def test_an_unknown_item_is_similar_to_popular_items(cloud: Cloud, beside: str) -> None:
    known = Counter(row[1] for row in interaction_rows())
    found = ids(cloud.runtime.get_recommendations(campaignArn=beside, itemId="unheard-of"))
    counts = [known[item] for item in found if item in known]
    assert counts == sorted(known.values(), reverse=True)
    assert counts[0] > counts[-1]


def test_metadata_must_be_enabled_for_the_campaign(cloud: Cloud, ranking: str) -> None:
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="enableMetadataWithRecommendations"):
        cloud.runtime.get_personalized_ranking(
            campaignArn=ranking, userId="u", inputList=[ITEMS[0]], metadataColumns={"ITEMS": ["TYPE"]}
        )


def test_a_filter_of_another_group_is_refused(cloud: Cloud, campaign: str) -> None:
    group = cloud.group("foreign")
    cloud.dataset(group, "Items", cloud.schema("foreign", ITEM_FIELDS))
    foreign = cloud.filter(group, "foreign", "EXCLUDE ItemID WHERE Items.PRICE > 1")
    with pytest.raises(cloud.runtime.exceptions.InvalidInputException, match="another dataset group"):
        cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0", filterArn=foreign)


def test_reasons_are_given_by_the_second_user_personalization_only(cloud: Cloud) -> None:
    group = filled(cloud, "unreasoned")
    items = cloud.dataset(group, "Items", cloud.schema("unreasoned-i", ITEM_FIELDS[:2]))
    cloud.run_import(
        "unreasoned-i", items, cloud.upload("bucket/unreasoned-i.csv", ["ITEM_ID", "TYPE"], [[ITEMS[0], "quiz"]])
    )
    first = cloud.deploy("unreasoned", cloud.train(cloud.solution("unreasoned", group, "aws-user-personalization")))
    promoted = cloud.filter(group, "promoted", 'INCLUDE ItemID WHERE Items.TYPE IN ("quiz")')
    promotion = {"name": "push", "percentPromotedItems": 50, "filterArn": promoted}
    found = cloud.runtime.get_recommendations(campaignArn=first, userId="user-0", numResults=2, promotions=[promotion])
    assert [item.get("promotionName") for item in found["itemList"]].count("push") == 1
    assert not any("reason" in item for item in found["itemList"])


def test_a_campaign_answers_once_it_is_active(cloud: Cloud, campaign: str) -> None:
    version = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    cloud.service._account.faults.add({"job": "Campaign", "name": "coming", "effect": "hang"})
    coming = cloud.control.create_campaign(name="coming", solutionVersionArn=version)["campaignArn"]
    with pytest.raises(cloud.runtime.exceptions.ResourceNotFoundException, match="not ACTIVE; its status is CREATE"):
        cloud.runtime.get_recommendations(campaignArn=coming, userId="user-0")
