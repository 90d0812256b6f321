"""A model that looks well and answers nobody does not stay: the version before serves again, and the run is green."""

from typing import Any

import pytest

from retraining import canaries, lake, runs, serving
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import Machine, handler
from tests.unit.retraining.test_rollback import CAMPAIGN, deployed
from tests.unit.retraining.test_whole_runs import lease_owner, live

RANKING = "student-ranking-ranking"


def test_students_with_a_history_are_asked_without_a_filter(machine: Machine, account: Account) -> None:
    students.term()
    night = machine.run({"trigger": "schedule"}).output
    asked = [given for operation, given in account.calls if operation == "/recommendations"]
    known = {row[0] for row in lake.read_rows("interactions", lake.existing_manifest(night["runId"]))}
    assert len({given["userId"] for given in asked}) == canaries.CANARIES == len(asked)
    assert {given["userId"] for given in asked} <= known
    assert all("filterArn" not in given for given in asked)
    assert night["canaries"] == {"verdict": "PASSED", "why": "5 students with a history got an answer"}
    assert night["why"].endswith("; 5 students with a history got an answer")


@pytest.mark.parametrize("silent", ["recommendation/v2", "one canary"])
def test_a_model_without_answers_goes_back_and_the_night_is_green(
    machine: Machine, account: Account, silent: str
) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output
    if silent == "one canary":
        silent = list(canaries.choose(first["runId"]))[2]
    account.silent.add(silent)
    ended = machine.run({"trigger": "manual", "force": True})
    night = ended.output
    assert (ended.status, night["status"]) == ("SUCCEEDED", "REJECTED")
    assert f"; {CAMPAIGN} has nothing for canary " in night["why"]
    assert night["why"].endswith("of 5: the version before serves again")
    assert night["canaries"]["verdict"] == "REJECTED"
    assert deployed(account) == live()["solutionVersionArn"] == night["solutionVersionArn"]
    assert deployed(account) == first["solutionVersionArn"]
    assert [one["solutionVersionArn"].rpartition("/")[2] for one in night["campaigns"]] == ["v2", "v1"]
    assert serving.taken_back(CAMPAIGN) == {night["training"]["models"][0]["arn"]: night["runId"]}
    assert runs.watermark()["trained"]["runId"] == night["runId"]
    assert night["costUnits"]["tpsHoursPerDay"] == 24
    assert all(seconds >= 0 for seconds in night["durations"].values())
    assert {"promote", "checkCanaries", "withdraw"} <= set(night["durations"])
    assert lease_owner() is None


def test_the_next_model_may_serve(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    account.silent.add("recommendation/v2")
    machine.run({"trigger": "manual", "force": True})
    third = machine.run({"trigger": "manual", "force": True}).output
    assert (third["status"], live()["modelVersion"]) == ("PROMOTED", "v3")
    assert live()["previousSolutionVersionArn"] == first


def test_an_error_is_no_answer_either(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    account.refusals["/recommendations"] = [RefusedError("InvalidInputException", "broken")]
    night = machine.run({"trigger": "manual", "force": True}).output
    assert night["status"] == "REJECTED"
    assert "does not answer canary 1 of 5 (InvalidInputException)" in night["why"]


def test_a_busy_campaign_is_asked_again_until_it_is_called_silent(machine: Machine, account: Account) -> None:
    students.term()
    throttled = [RefusedError("ThrottlingException", "slow down", status=429)]
    account.refusals["/recommendations"] = throttled * 3
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"
    assert machine.count("check_canaries") == 4
    account.refusals["/recommendations"] = throttled * (canaries.PATIENCE + 1)
    night = machine.run({"trigger": "manual", "force": True}).output
    assert night["status"] == "REJECTED"
    assert "does not answer canary 1 of 5 (ThrottlingException)" in night["why"]
    assert live()["modelVersion"] == "v1"


def test_the_first_model_has_nothing_to_go_back_to(machine: Machine, account: Account) -> None:
    students.term()
    account.silent.add("recommendation/v1")
    ended = machine.run({"trigger": "schedule"})
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "REJECTED")
    assert ended.output["why"].endswith("there is no version before it, so it stays")
    assert account.count("UpdateCampaign") == 0
    assert live()["modelVersion"] == "v1"
    assert set(serving.taken_back(CAMPAIGN)) == {live()["solutionVersionArn"]}


def test_a_version_before_that_is_gone_is_none(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    account.silent.add("recommendation/v2")

    def promoted(payload: dict[str, Any]) -> object:
        account.resources.pop(first, None)
        return handler("check_canaries")(payload)

    machine.instead["check_canaries"] = promoted
    ended = machine.run({"trigger": "manual", "force": True})
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "REJECTED")
    assert ended.output["why"].endswith("there is no version before it, so it stays")


@pytest.mark.usefixtures("reranking")
def test_a_ranking_model_goes_back_alone(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    account.silent.add("-ranking/v2")
    night = machine.run({"trigger": "manual", "force": True}).output
    assert night["status"] == "PROMOTED"
    assert f"{RANKING} has nothing for canary 1 of 5" in night["why"]
    assert (live()["modelVersion"], live(RANKING)["modelVersion"]) == ("v2", "v1")
    assert (deployed(account)[-2:], deployed(account, RANKING)[-2:]) == ("v2", "v1")


def test_a_way_back_that_fails_is_red_and_the_record_tells_what_serves(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    account.silent.add("recommendation/v2")
    account.endings["recommendation/v1"] = ("CREATE FAILED", "no capacity")
    ended = machine.run({"trigger": "manual", "force": True})
    assert (ended.status, ended.error) == ("FAILED", "PromotionFailed")
    assert deployed(account) == live()["solutionVersionArn"]
    assert (live()["modelVersion"], live()["previousSolutionVersionArn"]) == ("v2", first)
    assert set(serving.taken_back(CAMPAIGN)) == {live()["solutionVersionArn"]}


def test_a_night_without_new_rows_asks_for_those_of_the_nights_before(machine: Machine) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["runId"]
    forced = machine.run({"trigger": "manual", "force": True}).output
    assert (forced["status"], forced["exportMode"], forced["newRows"]) == ("PROMOTED", "INCREMENTAL", 0)
    assert canaries.choose(forced["runId"]) == canaries.choose(first) != {}


def failed_way_back(machine: Machine, account: Account) -> tuple[str, str]:
    """A night that promoted a silent model and could not go back; the version before, and the run."""
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    account.silent.add("recommendation/v2")
    account.endings[first] = ("CREATE FAILED", "no capacity")
    run_id = "second"
    red = machine.run({"trigger": "manual", "force": True, "runId": run_id})
    assert (red.status, red.error) == ("FAILED", "PromotionFailed")
    account.endings.clear()
    (campaign,) = account.of_kind("campaign")
    campaign.pop("latestCampaignUpdate")
    campaign["status"] = "ACTIVE"
    assert campaign["solutionVersionArn"] != first
    return first, run_id


def test_a_way_back_that_failed_is_gone_again_when_the_run_is_resumed(machine: Machine, account: Account) -> None:
    first, run_id = failed_way_back(machine, account)
    assert machine.run({"runId": run_id}).output["status"] == "REJECTED"
    assert deployed(account) == live()["solutionVersionArn"] == first


def test_no_later_night_goes_back_to_what_was_taken_back(machine: Machine, account: Account) -> None:
    first, _ = failed_way_back(machine, account)
    account.silent.add("recommendation/v3")
    assert machine.run({"trigger": "manual", "force": True}).output["status"] == "REJECTED"
    assert deployed(account) == live()["solutionVersionArn"] == first
