"""Campaigns: deployed versions. The old version serves until an update is ACTIVE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput, LimitExceeded, ResourceInUse
from local.personalize.influence import check_campaign
from local.personalize.lifecycle import CREATE, DELETE, UNFINISHED, procedure
from local.personalize.operations.registry import operation
from local.personalize.recipes import recipe_name
from local.personalize.store import CAMPAIGN, CAMPAIGN_UPDATE, SOLUTION, SOLUTION_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.lifecycle import Procedure
    from local.personalize.store import Resource

MAXIMUM = 5
LATEST = "/$LATEST"
CHANGEABLE = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")


@operation("CreateCampaign")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Deploy a trained version."""
    version = _resolved(account, parameters, parameters["solutionVersionArn"])
    group = version.record["datasetGroupArn"]
    if len(account.store.select(CAMPAIGN, datasetGroupArn=group)) >= MAXIMUM:
        raise LimitExceeded(f"More than {MAXIMUM} campaigns in the dataset group {group}.")
    record = {
        "minProvisionedTPS": 1,
        "campaignConfig": {},
        **parameters,
        "datasetGroupArn": group,
        "solutionArn": version.record["solutionArn"],
        "solutionVersionArn": version.arn,
    }
    check_campaign(recipe_name(version.record["recipeArn"]), record["campaignConfig"])
    campaign = account.add(CAMPAIGN, account.arn(CAMPAIGN, parameters["name"]), record)
    account.lifecycle.begin(campaign, CREATION)
    return campaign.record


@operation("UpdateCampaign")
def update(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Deploy another version or configuration; refused while the last change is under way."""
    campaign = account.store.find(CAMPAIGN, parameters["campaignArn"])
    if campaign.status not in {"ACTIVE", "CREATE FAILED"}:
        raise ResourceInUse(f"{campaign.arn} cannot be updated while its status is {campaign.status}.")
    if campaign.record.get(CAMPAIGN_UPDATE, {}).get("status") in UNFINISHED:
        raise ResourceInUse(f"An update of {campaign.arn} is in progress.")
    change(account, campaign, {name: parameters[name] for name in CHANGEABLE if name in parameters})
    return campaign.record


def change(account: Account, campaign: Resource, wanted: dict[str, Any]) -> None:
    """Begin an update of a campaign with the given members; the others stay as they are."""
    entry = {name: campaign.record[name] for name in CHANGEABLE} | wanted
    version = _resolved(account, wanted, entry["solutionVersionArn"])
    if version.record["datasetGroupArn"] != campaign.record["datasetGroupArn"]:
        raise InvalidInput(f"{version.arn} belongs to another dataset group than {campaign.arn}.")
    check_campaign(recipe_name(version.record["recipeArn"]), entry["campaignConfig"])
    named = not wanted.get("solutionVersionArn", LATEST).endswith(LATEST)
    if named and entry["campaignConfig"].get("syncWithLatestSolutionVersion"):
        # Who names a version wants it to stay (a rollback): it would be replaced by the latest one at once.
        entry["campaignConfig"] = {**entry["campaignConfig"], "syncWithLatestSolutionVersion": False}
    campaign.record[CAMPAIGN_UPDATE] = {**entry, "solutionVersionArn": version.arn, "creationDateTime": time.time()}
    account.lifecycle.begin(campaign, CHANGE, CAMPAIGN_UPDATE)


@operation("DeleteCampaign")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """It answers no more; its model stays."""
    campaign = account.store.find(CAMPAIGN, parameters["campaignArn"])
    account.settled(campaign)
    if campaign.record.get(CAMPAIGN_UPDATE, {}).get("status") in UNFINISHED:
        raise ResourceInUse(f"An update of {campaign.arn} is in progress.")
    account.lifecycle.begin(campaign, DELETION)
    return {}


def _resolved(account: Account, wanted: Mapping[str, Any], arn: str) -> Resource:
    """The version an ARN names; `$LATEST` is the newest trained one, and syncing must be asked for with it.

    Raises:
        InvalidInput: The configuration does not go with the ARN.
        ResourceInUse: The version or its solution is not ACTIVE.
    """
    configuration = wanted.get("campaignConfig", {})
    if arn.endswith(LATEST):
        version = _latest(account, account.store.find(SOLUTION, arn.removesuffix(LATEST)))
    elif configuration.get("syncWithLatestSolutionVersion"):
        raise InvalidInput(
            f"syncWithLatestSolutionVersion needs a solutionVersionArn of the form <solutionArn>{LATEST}."
        )
    else:
        version = account.active(SOLUTION_VERSION, arn)
    account.active(SOLUTION, version.record["solutionArn"])
    return version


def _latest(account: Account, solution: Resource) -> Resource:
    trained = [
        version
        for version in account.store.select(SOLUTION_VERSION, solutionArn=solution.arn)
        if version.status == "ACTIVE"
    ]
    if not trained:
        raise InvalidInput(f"{solution.arn} has no ACTIVE solution version.")
    return trained[-1]


def _deployed(account: Account, campaign: Resource, _: Mapping[str, Any]) -> None:
    entry = campaign.record.get(CAMPAIGN_UPDATE) or campaign.record
    version = account.store.find(SOLUTION_VERSION, entry["solutionVersionArn"])
    account.serving.deployment(version)
    account.serving.catalogue(version)
    before = campaign.record["solutionVersionArn"]
    with account.store.lock:
        campaign.record |= {name: entry[name] for name in CHANGEABLE}
        campaign.record |= {"solutionArn": version.record["solutionArn"], "status": "ACTIVE"}
        campaign.record.pop("failureReason", None)
        account.store.save(campaign)
    if not account.store.select(CAMPAIGN, solutionVersionArn=before):
        account.serving.forget(before)


def follow_latest(account: Account, resource: Resource, ended: Procedure) -> None:
    """Campaigns that sync deploy a newly trained version, or one that was trained while they were being changed."""
    if resource.kind is SOLUTION_VERSION and ended.name == "train":
        campaigns = account.store.select(CAMPAIGN, solutionArn=resource.record["solutionArn"], status="ACTIVE")
    elif resource.kind is CAMPAIGN:
        campaigns = [resource]
    else:
        return
    for campaign in campaigns:
        busy = campaign.record.get(CAMPAIGN_UPDATE, {}).get("status") in UNFINISHED
        if busy or not campaign.record["campaignConfig"].get("syncWithLatestSolutionVersion"):
            continue
        if (
            _latest(account, account.store.find(SOLUTION, solution := campaign.record["solutionArn"])).arn
            != (campaign.record["solutionVersionArn"])
        ):
            change(account, campaign, {"solutionVersionArn": solution + LATEST})


CREATION = procedure("create campaign", CREATE, 300, finish=_deployed)
CHANGE = procedure("update campaign", CREATE, 300, finish=_deployed)
DELETION = procedure("delete campaign", DELETE, 60)
