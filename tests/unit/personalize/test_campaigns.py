"""Campaigns and their updates: what serves when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.unit.personalize.cloud import ITEMS, ROLE, filled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.personalize.cloud import Cloud

DEADLINE = 20.0


def test_the_old_version_serves_until_the_update_is_active(cloud: Cloud) -> None:
    group = filled(cloud, "updating")
    personal = cloud.train(cloud.solution("updating-1", group, "aws-user-personalization-v2"))
    ranking = cloud.train(cloud.solution("updating-2", group, "aws-personalized-ranking-v2"))
    campaign = cloud.deploy("updating", personal, minProvisionedTPS=1)
    assert "latestCampaignUpdate" not in cloud.control.describe_campaign(campaignArn=campaign)["campaign"]
    cloud.service._account.faults.add({"job": "Campaign", "name": "updating", "effect": "hang"})
    cloud.control.update_campaign(campaignArn=campaign, solutionVersionArn=ranking, minProvisionedTPS=2)
    during = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]
    assert (during["status"], during["solutionVersionArn"], during["minProvisionedTPS"]) == ("ACTIVE", personal, 1)
    assert during["latestCampaignUpdate"]["solutionVersionArn"] == ranking
    assert during["latestCampaignUpdate"]["status"].startswith("CREATE")
    assert cloud.runtime.get_recommendations(campaignArn=campaign, userId="user-0")["itemList"]
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match=f"currently using .*{campaign}"):
        cloud.control.delete_solution(solutionArn=ranking.rpartition("/")[0])
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="is in progress"):
        cloud.control.update_campaign(campaignArn=campaign, solutionVersionArn=ranking)
    account = cloud.service._account
    account.faults.clear()
    account.lifecycle.recover()  # the hanging update goes on as after a restart
    cloud.wait(cloud.control.describe_campaign, slot="latestCampaignUpdate", campaignArn=campaign)
    after = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]
    assert (after["solutionVersionArn"], after["minProvisionedTPS"]) == (ranking, 2)
    assert cloud.runtime.get_personalized_ranking(campaignArn=campaign, userId="user-0", inputList=[ITEMS[0]])


def test_a_failed_update_leaves_the_campaign_as_it_was(cloud: Cloud) -> None:
    group = filled(cloud, "failing")
    solution = cloud.solution("failing", group, "aws-user-personalization-v2")
    first, second = cloud.train(solution), cloud.train(solution)
    campaign = cloud.deploy("failing", first)
    cloud.service._account.faults.add({"job": "Campaign", "name": "failing", "effect": "fail", "reason": "no capacity"})
    cloud.control.update_campaign(campaignArn=campaign, solutionVersionArn=second)
    record = cloud.wait(
        cloud.control.describe_campaign, status="CREATE FAILED", slot="latestCampaignUpdate", campaignArn=campaign
    )
    cloud.service._account.faults.clear()
    assert (record["status"], record["solutionVersionArn"]) == ("ACTIVE", first)
    assert record["latestCampaignUpdate"]["failureReason"] == "no capacity"


def test_a_syncing_campaign_follows_the_latest_version(cloud: Cloud) -> None:
    group = filled(cloud, "syncing")
    solution = cloud.solution("syncing", group, "aws-user-personalization-v2")
    first = cloud.train(solution)
    sync = {"syncWithLatestSolutionVersion": True}
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="LATEST"):
        cloud.control.create_campaign(name="syncing", solutionVersionArn=first, campaignConfig=sync)
    campaign = cloud.deploy("syncing", f"{solution}/$LATEST", campaignConfig=sync)
    assert cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] == first
    second = cloud.train(solution)
    deadline = time.monotonic() + DEADLINE
    while cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] != second:
        assert time.monotonic() < deadline
    # One that is trained while the campaign is being changed is deployed after the change.
    cloud.wait(cloud.control.describe_campaign, slot="latestCampaignUpdate", campaignArn=campaign)
    cloud.service._account.faults.add({"job": "Campaign", "name": "syncing", "effect": "hang", "times": 1})
    cloud.control.update_campaign(campaignArn=campaign, minProvisionedTPS=2)
    third = cloud.train(solution)
    cloud.service._account.lifecycle.recover()  # the hanging update goes on as after a restart
    deadline = time.monotonic() + DEADLINE
    while cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] != third:
        assert time.monotonic() < deadline


def test_a_syncing_campaign_stays_at_the_version_it_is_put_back_to(cloud: Cloud) -> None:
    solution = cloud.solution("back", filled(cloud, "back"), "aws-user-personalization-v2")
    first, second = cloud.train(solution), cloud.train(solution)
    sync = {"syncWithLatestSolutionVersion": True}
    campaign = cloud.deploy("back", f"{solution}/$LATEST", campaignConfig=sync)
    assert cloud.control.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] == second
    cloud.control.update_campaign(campaignArn=campaign, solutionVersionArn=first)
    cloud.wait(cloud.control.describe_campaign, slot="latestCampaignUpdate", campaignArn=campaign)
    cloud.train(solution)
    time.sleep(0.1)
    record = cloud.control.describe_campaign(campaignArn=campaign)["campaign"]
    assert (record["solutionVersionArn"], record["latestCampaignUpdate"]["status"]) == (first, "ACTIVE")
    assert record["campaignConfig"] == {"syncWithLatestSolutionVersion": False}


def test_a_campaign_takes_no_version_that_does_not_go_with_it(cloud: Cloud) -> None:
    group = filled(cloud, "fitting")
    exploration = {"itemExplorationConfig": {"explorationWeight": "0.3"}}
    version = cloud.train(cloud.solution("fitting-1", group, "aws-user-personalization-v2"))
    campaign = cloud.deploy("fitting", version, campaignConfig=exploration)
    popular = cloud.train(cloud.solution("fitting-2", group, "aws-popularity-count"))
    foreign = cloud.train(cloud.solution("fitting-3", filled(cloud, "elsewhere"), "aws-user-personalization-v2"))
    refused = cloud.control.exceptions.InvalidInputException
    with pytest.raises(refused, match="not supported by the recipe aws-popularity-count"):
        cloud.control.update_campaign(campaignArn=campaign, solutionVersionArn=popular)
    with pytest.raises(refused, match="belongs to another dataset group"):
        cloud.control.update_campaign(campaignArn=campaign, solutionVersionArn=foreign)
    assert "latestCampaignUpdate" not in cloud.control.describe_campaign(campaignArn=campaign)["campaign"]


def test_nothing_new_is_built_on_a_solution_that_is_being_deleted(launch: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = launch(tmp_path)
    solution = cloud.solution("leaving", filled(cloud, "leaving"), "aws-user-personalization-v2")
    version = cloud.train(solution)
    cloud.service._account.lifecycle.time_scale = 1.0
    cloud.control.delete_solution(solutionArn=solution)
    in_use = cloud.control.exceptions.ResourceInUseException
    for named in (version, f"{solution}/$LATEST"):
        with pytest.raises(in_use, match="its status is DELETE PENDING"):
            cloud.control.create_campaign(name="late", solutionVersionArn=named)
    with pytest.raises(ClientError, match="its status is DELETE PENDING"):
        cloud.control.create_batch_inference_job(
            jobName="late",
            solutionVersionArn=version,
            roleArn=ROLE,
            jobInput={"s3DataSource": {"path": "s3://bucket/in.json"}},
            jobOutput={"s3DataDestination": {"path": "s3://bucket/out/"}},
        )
