"""Campaigns: what serves. The old version answers until Personalize says the new one does."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus.clients import client
from retraining import names, serving
from retraining.progress import Progress, busy, code, failed, patient, progress, unless_exists

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

# Each provisioned TPS bills day and night; Personalize scales up from it by itself.
MIN_TPS = 1


@patient
def promote(name: str, version: str, prove: Callable[[], object]) -> Progress:
    """Make the campaign serve `version`, creating it where there is none; or find it already so.

    Args:
        name: the campaign.
        version: ARN of a solution version.
        prove: raises where this run holds the lease no more. Looking at the campaign may have taken long, and a
            stopped execution's function goes on; asked last, right before the change.

    Returns:
        The promotion's progress with `arn` and, where known, `previousSolutionVersionArn`; BUSY while an earlier
        change of the campaign is still under way.
    """
    personalize = client("personalize")
    arn = names.arn(f"campaign/{name}")
    campaign = _describe(personalize, arn)
    if campaign is None:
        prove()
        _create(personalize, name, version)
        return _under_way(arn, {})
    if campaign["status"].startswith("DELETE"):
        return busy(f"campaign {name} is still being deleted")
    before = _previous(name, version, campaign["solutionVersionArn"])
    if _serves(campaign, version):
        return {"outcome": "ACTIVE", "status": "ACTIVE", "arn": arn, **before}
    change = campaign.get("latestCampaignUpdate") or campaign
    step = progress(change)
    if step["outcome"] == "IN_PROGRESS":
        if change["solutionVersionArn"] == version:
            return _under_way(arn, before)
        return busy(f"campaign {name} is still changing to {change['solutionVersionArn']}")
    prove()
    personalize.update_campaign(
        campaignArn=arn,
        solutionVersionArn=version,
        minProvisionedTPS=MIN_TPS,
        campaignConfig={"syncWithLatestSolutionVersion": False},
    )
    return _under_way(arn, before)


@patient
def park(campaigns: Iterable[str], prove: Callable[[], object]) -> Progress:
    """Delete the campaigns, which bill day and night; ACTIVE once all are gone.

    The solution versions stay: Personalize has no call that deletes one.

    Args:
        campaigns: their names.
        prove: as in `promote`.
    """
    personalize = client("personalize")
    left = {name: found for name in campaigns if (found := _describe(personalize, names.arn(f"campaign/{name}")))}
    for found in left.values():
        if not found["status"].startswith("DELETE"):
            prove()
            _delete(personalize, found["campaignArn"])
    if left:
        return busy(f"still there: {', '.join(left)}")
    return {"outcome": "ACTIVE"}


def deployment(arn: str, version: str) -> Progress:
    """How far a promotion has come: the update's own status decides, and the version that is really deployed."""
    campaign = _describe(client("personalize"), arn)
    if campaign is None:
        return failed(f"campaign {arn} has vanished")
    if _serves(campaign, version):
        return {"outcome": "ACTIVE", "status": "ACTIVE"}
    change = campaign.get("latestCampaignUpdate") or campaign
    if change["solutionVersionArn"] != version:
        return failed(f"the campaign is being changed to {change['solutionVersionArn']} by somebody else")
    step = progress(change)
    return {**step, "outcome": "IN_PROGRESS"} if step["outcome"] == "ACTIVE" else step


def _serves(campaign: dict[str, Any], version: str) -> bool:
    """True where `version` answers requests: `campaign.status` stays ACTIVE during an update, so it says little."""
    update = campaign.get("latestCampaignUpdate")
    changing = update is not None and progress(update)["outcome"] == "IN_PROGRESS"
    return bool(campaign["status"] == "ACTIVE" and campaign["solutionVersionArn"] == version and not changing)


def _under_way(arn: str, further: dict[str, str]) -> Progress:
    return {"outcome": "IN_PROGRESS", "status": "CREATE PENDING", "arn": arn, **further}


def _previous(name: str, version: str, deployed: str) -> dict[str, str]:
    """The version that served before `version`: the deployed one, or, on a repeated promotion, the one on record.

    One that was taken back, and serves because the way back failed, is passed over.
    """
    known = serving.row(name)
    before = deployed if deployed != version else known.get("solutionVersionArn")
    older = known.get("previousSolutionVersionArn")
    if before == version or (older and before in serving.taken_back(name)):
        before = older
    return {"previousSolutionVersionArn": before} if before else {}


def _describe(personalize: "PersonalizeClient", arn: str) -> dict[str, Any] | None:
    try:
        return dict(personalize.describe_campaign(campaignArn=arn)["campaign"])
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise


def _delete(personalize: "PersonalizeClient", arn: str) -> None:
    try:
        personalize.delete_campaign(campaignArn=arn)
    except ClientError as error:
        # Somebody else was quicker.
        if code(error) != "ResourceNotFoundException":
            raise


def _create(personalize: "PersonalizeClient", name: str, version: str) -> None:
    unless_exists(
        lambda: personalize.create_campaign(
            name=name,
            solutionVersionArn=version,
            minProvisionedTPS=MIN_TPS,
            campaignConfig={"syncWithLatestSolutionVersion": False},
        )
    )
