"""Parked campaigns bill nothing: nights go on without them, and unparking deploys the latest that passed."""

import pytest

from campus import clock, tables
from retraining import campaigns, lease, names, runs, serving
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import Machine, handler
from tests.unit.retraining.test_canaries import RANKING
from tests.unit.retraining.test_failing_runs import shortened
from tests.unit.retraining.test_rollback import CAMPAIGN, deployed
from tests.unit.retraining.test_whole_runs import lease_owner, live


@pytest.mark.usefixtures("reranking")
def test_parking_deletes_every_campaign_and_nothing_else(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    served, mark = live(), runs.watermark()
    account.calls.clear()
    ended = machine.run({"trigger": "park"})
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "PARKED")
    assert ended.output["costUnits"] == {"trainingHours": 0, "tpsHoursPerDay": 0}
    assert account.of_kind("campaign") == []
    assert {name for name, _ in account.calls} == {"DescribeCampaign", "DeleteCampaign"}
    assert account.count("DeleteCampaign") == 2
    assert machine.count("park_campaigns") > 1
    assert (live(), runs.watermark()) == (served, mark)
    assert serving.parked()
    assert serving.age_hours() is None
    assert lease_owner() is None


def test_while_parked_a_night_trains_and_unparking_deploys_what_passed(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    machine.run({"trigger": "park"})
    account.calls.clear()
    night = machine.run({"trigger": "manual", "force": True}).output
    assert night["status"] == "APPROVED"
    assert night["why"].endswith("; the campaigns are parked: unpark deploys it")
    assert {"CreateCampaign", "UpdateCampaign"}.isdisjoint(name for name, _ in account.calls)
    second = night["training"]["models"][0]["arn"]
    assert (live()["solutionVersionArn"], live()["previousSolutionVersionArn"]) == (second, first)
    assert runs.watermark()["trained"]["runId"] == night["runId"]
    ended = machine.run({"trigger": "unpark"})
    assert (ended.output["status"], ended.output["why"]) == ("UNPARKED", f"asked for: {CAMPAIGN} to v2")
    assert ended.output["costUnits"]["tpsHoursPerDay"] == 24
    assert deployed(account) == second
    assert live()["previousSolutionVersionArn"] == first
    assert not serving.parked()
    assert serving.taken_back(CAMPAIGN) == {}


def test_a_rejected_model_is_not_what_unparking_deploys(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    machine.run({"trigger": "park"})
    account.ndcg["recommendation"] = 0.1
    assert machine.run({"trigger": "manual", "force": True}).output["status"] == "REJECTED"
    machine.run({"trigger": "unpark"})
    assert deployed(account) == first


def test_parking_and_unparking_twice_change_nothing_more(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    for trigger, status in (("park", "PARKED"), ("park", "PARKED"), ("unpark", "UNPARKED"), ("unpark", "UNPARKED")):
        assert machine.run({"trigger": trigger}).output["status"] == status
    assert (account.count("DeleteCampaign"), account.count("CreateCampaign")) == (1, 2)
    assert deployed(account) == live()["solutionVersionArn"] == first


def test_before_any_model_there_is_nothing_to_deploy_and_the_first_one_waits(
    machine: Machine, account: Account
) -> None:
    students.term()
    machine.run({"trigger": "park"})
    night = machine.run({"trigger": "schedule"}).output
    assert night["status"] == "APPROVED"
    assert account.of_kind("campaign") == []
    machine.run({"trigger": "unpark"})
    assert deployed(account) == live()["solutionVersionArn"]


@pytest.mark.usefixtures("reranking")
def test_a_model_that_may_not_come_back_keeps_no_other_one_away(machine: Machine, account: Account) -> None:
    students.term()
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"
    for item in runs.erased_items(clock.now_ms() + 1000):
        tables.operations().put_item(Item=item)
    row = serving.row(RANKING)
    later = account.resources[live()["solutionVersionArn"]]["creationDateTime"] + 3600
    account.resources[live()["solutionVersionArn"]]["creationDateTime"] = later
    assert machine.run({"trigger": "park"}).output["status"] == "PARKED"
    ended = machine.run({"trigger": "unpark"})
    assert ended.output["status"] == "UNPARKED"
    version = row["solutionVersionArn"].rpartition("/")[2]
    assert f"{RANKING} stays parked: version {version} was trained before" in ended.output["why"]
    assert deployed(account) == live()["solutionVersionArn"]

    account.resources[live()["solutionVersionArn"]]["creationDateTime"] = later - 7200
    assert machine.run({"trigger": "unpark"}).status == "FAILED"


def test_unparking_nothing_is_green(machine: Machine) -> None:
    machine.run({"trigger": "park"})
    ended = machine.run({"trigger": "unpark"})
    assert (ended.output["status"], ended.output["why"]) == ("UNPARKED", "asked for: nothing is left to deploy")


def test_a_parked_campaign_is_not_rolled_back(machine: Machine) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    machine.run({"trigger": "park"})
    ended = machine.run({"trigger": "rollback"})
    assert (ended.error, ended.cause) == (
        "DeploymentRefused",
        "the campaigns are parked, nothing serves: unpark them first",
    )


def test_a_campaign_that_is_changing_is_waited_for_but_not_for_ever(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    account.refusals["DeleteCampaign"] = [RefusedError("ResourceInUseException", "an update is in progress")] * 3
    assert machine.run({"trigger": "park"}).output["status"] == "PARKED"
    machine.run({"trigger": "unpark"})
    machine.definition = shortened(44)
    account.refusals["DeleteCampaign"] = [RefusedError("ResourceInUseException", "an update is in progress")] * 30
    ended = machine.run({"trigger": "park"})
    assert (ended.status, ended.error) == ("FAILED", "ParkingOverdue")
    assert "an update is in progress" in ended.cause
    assert not serving.parked()
    assert lease_owner() is None


def test_a_campaign_that_is_being_deleted_is_made_anew_when_it_is_gone(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    arn = names.arn(f"campaign/{CAMPAIGN}")
    account.patience = 3
    campaigns.park([CAMPAIGN], lambda: None)
    assert account.resources[arn]["status"] == "DELETE PENDING"
    assert campaigns.promote(CAMPAIGN, first, lambda: None)["outcome"] == "BUSY"
    assert machine.run({"trigger": "unpark"}).output["status"] == "UNPARKED"
    assert deployed(account) == first


@pytest.mark.parametrize("name", ["plan_deployment", "park_campaigns", "check_canaries", "update_campaign"])
def test_a_stale_holder_changes_and_asks_nothing(account: Account, name: str) -> None:
    stale = lease.acquire("stale", "run-1")
    assert stale is not None
    tables.operations().delete_item(Key=lease.KEY)
    lease.acquire("other", "run-2")
    with pytest.raises(lease.LeaseLostError):
        handler(name)({"lease": stale.to_dict(), "run": {}, "polls": 0, "name": CAMPAIGN, "solutionVersionArn": "v"})
    assert account.calls == []


def test_parked_is_one_row_that_no_ranking_reads() -> None:
    assert not serving.parked()
    tables.operations().put_item(Item={"pk": "MODEL", "sk": "CAMPAIGNS", "parked": True})
    assert serving.parked()
    assert serving.on_record() == {}


def test_a_campaign_that_somebody_else_deleted_is_gone(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    account.refusals["DeleteCampaign"] = [RefusedError("ResourceNotFoundException", "gone")]
    assert machine.run({"trigger": "park"}).output["status"] == "PARKED"
