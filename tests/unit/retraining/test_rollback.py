"""A person takes a version back: the same machine, under the same lease, and no night undoes it."""

from typing import Any

import pytest

from campus import tables
from campus.validation import InvalidInputError
from retraining import gate, lease, runs, serving, start
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import Machine
from tests.unit.retraining.test_failing_runs import shortened
from tests.unit.retraining.test_whole_runs import lease_owner, live

CAMPAIGN = "student-ranking-recommendation"
MODEL = {"kind": "recommendation", "name": CAMPAIGN}


def two_nights(machine: Machine) -> tuple[str, str]:
    """Two promotions; the versions that served, in order."""
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    second = machine.run({"trigger": "manual", "force": True}).output["solutionVersionArn"]
    return first, second


def deployed(account: Account, name: str = CAMPAIGN) -> str:
    """The version that Personalize really serves."""
    return next(str(one["solutionVersionArn"]) for one in account.of_kind("campaign") if one["name"] == name)


def test_the_version_before_serves_again_and_nothing_is_read_or_trained(machine: Machine, account: Account) -> None:
    first, second = two_nights(machine)
    mark = runs.watermark()
    account.calls.clear()
    ended = machine.run({"trigger": "rollback"})
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "ROLLED_BACK")
    assert ended.output["why"] == f"asked for: {CAMPAIGN} to v1; taken back: v2"
    assert (first.rpartition("/")[2], second.rpartition("/")[2]) == ("v1", "v2")
    assert deployed(account) == live()["solutionVersionArn"] == first
    assert {name for name, _ in account.calls} == {"DescribeSolutionVersion", "DescribeCampaign", "UpdateCampaign"}
    assert runs.watermark() == mark
    assert runs.load(ended.output["runId"]) == ended.output
    assert (ended.output["solutionVersionArn"], ended.output["previousSolutionVersionArn"]) == (first, second)
    assert lease_owner() is None


def test_the_version_that_was_taken_back_is_on_record_with_its_age(machine: Machine, account: Account) -> None:
    first, second = two_nights(machine)
    run_id = machine.run({"trigger": "rollback"}).output["runId"]
    assert serving.taken_back(CAMPAIGN) == {second: run_id}
    assert serving.row(CAMPAIGN)["trainedAt"] == int(account.resources[first]["creationDateTime"])
    assert "previousSolutionVersionArn" not in live()


def test_the_gate_never_promotes_that_very_version_again(machine: Machine, account: Account) -> None:
    _, second = two_nights(machine)
    trained = next(record for record in _records() if record.get("solutionVersionArn") == second)
    run_id = machine.run({"trigger": "rollback"}).output["runId"]
    judged = gate.evaluate([{**MODEL, "arn": second}, _baseline(trained)])
    assert (judged["verdict"], judged["promote"]) == ("REJECTED", [])
    assert judged["why"] == f"recommendation: run {run_id} took this version back; only a person brings it back"


def test_the_next_night_does_not_undo_it_but_a_better_model_may_follow(machine: Machine, account: Account) -> None:
    first, second = two_nights(machine)
    machine.run({"trigger": "rollback"})
    assert machine.run({"trigger": "schedule"}).output["status"] == "SKIPPED_UNCHANGED"
    assert deployed(account) == first
    third = machine.run({"trigger": "manual", "force": True}).output
    assert third["status"] == "PROMOTED"
    assert deployed(account) == live()["solutionVersionArn"] not in {first, second}
    assert live()["previousSolutionVersionArn"] == first
    assert second in serving.taken_back(CAMPAIGN)


def test_a_named_version_serves_and_is_no_longer_on_the_list(machine: Machine, account: Account) -> None:
    first, second = two_nights(machine)
    machine.run({"trigger": "rollback"})
    ended = machine.run({"trigger": "rollback", "to": second})
    assert ended.output["status"] == "ROLLED_BACK"
    assert deployed(account) == live()["solutionVersionArn"] == second
    assert set(serving.taken_back(CAMPAIGN)) == {first}


@pytest.mark.usefixtures("reranking")
def test_both_campaigns_of_a_promotion_go_back_together(machine: Machine, account: Account) -> None:
    two_nights(machine)
    machine.run({"trigger": "rollback"})
    for name in (CAMPAIGN, "student-ranking-ranking"):
        assert deployed(account, name).endswith(f"{name}/v1")
        assert live(name)["modelVersion"] == "v1"


@pytest.mark.usefixtures("reranking")
def test_a_rollback_that_failed_halfway_is_resumed(machine: Machine, account: Account) -> None:
    two_nights(machine)
    account.endings["campaign/student-ranking-ranking"] = ("CREATE FAILED", "no capacity")
    ended = machine.run({"trigger": "rollback"})
    assert (ended.status, ended.error) == ("FAILED", "PromotionFailed")
    assert live()["modelVersion"] == "v1"
    assert live("student-ranking-ranking")["modelVersion"] == "v2"
    account.endings.clear()
    run_id = next(record["runId"] for record in _records() if record["status"] == "FAILED")
    again = machine.run({"trigger": "manual", "runId": run_id}).output
    assert (again["status"], again["trigger"]) == ("ROLLED_BACK", "rollback")
    assert {live(name)["modelVersion"] for name in (CAMPAIGN, "student-ranking-ranking")} == {"v1"}


@pytest.mark.parametrize(
    ("nights", "request_", "cause"),
    [
        (0, {}, "no version before the one that serves is on record"),
        (1, {}, "no version before the one that serves is on record"),
        (1, {"to": "arn:aws:personalize:ap-southeast-1:000000000000:solution/other/v1"}, "is no version of"),
        (
            1,
            {"to": f"arn:aws:personalize:ap-southeast-1:000000000000:solution/{CAMPAIGN}/v9"},
            "Personalize knows no version",
        ),
    ],
)
def test_what_cannot_be_brought_back_is_red_and_says_why(
    machine: Machine, nights: int, request_: dict[str, Any], cause: str
) -> None:
    students.term()
    for _ in range(nights):
        machine.run({"trigger": "schedule"})
    served = live()
    ended = machine.run({"trigger": "rollback", **request_})
    assert (ended.status, ended.error) == ("FAILED", "DeploymentRefused")
    assert cause in ended.cause
    assert live() == served
    assert lease_owner() is None


def test_only_a_finished_version_serves(machine: Machine, account: Account) -> None:
    _, second = two_nights(machine)
    account.resources[live()["previousSolutionVersionArn"]]["status"] = "CREATE FAILED"
    account.endings["recommendation/v1"] = ("CREATE FAILED", "")
    ended = machine.run({"trigger": "rollback"})
    assert (ended.error, ended.cause) == (
        "DeploymentRefused",
        "version v1 is CREATE FAILED: only an ACTIVE one can serve",
    )
    assert deployed(account) == second


def test_a_busy_personalize_is_waited_for_but_not_for_ever(machine: Machine, account: Account) -> None:
    first, _ = two_nights(machine)
    throttled = [RefusedError("ThrottlingException", "slow down")]
    account.refusals["DescribeSolutionVersion"] = throttled * 3
    assert machine.run({"trigger": "rollback"}).output["status"] == "ROLLED_BACK"
    assert deployed(account) == first
    machine.definition = shortened(44)
    account.refusals["DescribeSolutionVersion"] = throttled * 30
    ended = machine.run({"trigger": "rollback", "to": first})
    assert (ended.status, ended.error) == ("FAILED", "DeploymentOverdue")


def test_a_failed_update_leaves_what_serves_on_record(machine: Machine, account: Account) -> None:
    _, second = two_nights(machine)
    account.endings["campaign/"] = ("CREATE FAILED", "no capacity")
    ended = machine.run({"trigger": "rollback"})
    assert (ended.status, ended.error) == ("FAILED", "PromotionFailed")
    assert live()["solutionVersionArn"] == second
    assert serving.taken_back(CAMPAIGN) == {}


def test_a_rollback_waits_for_nobody_and_overtakes_nobody(machine: Machine, account: Account) -> None:
    _, second = two_nights(machine)
    lease.acquire("somebody", "else")
    assert machine.run({"trigger": "rollback"}).output["status"] == "SKIPPED_LOCKED"
    assert deployed(account) == second


@pytest.mark.parametrize("request_", [{"trigger": "manual", "to": "x"}, {"trigger": "rollback", "to": ""}])
def test_a_version_is_named_to_a_rollback_only(request_: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        start.start(request_, "arn:x", "2026-11-22T02:00:00Z")


def _records() -> list[dict[str, Any]]:
    found = tables.operations().scan(ConsistentRead=True)["Items"]
    return sorted((runs.from_item(item) for item in found if item["sk"] == "RECORD"), key=lambda one: one["startedAt"])


def _baseline(record: dict[str, Any]) -> dict[str, Any]:
    return next(model for model in record["training"]["models"] if model["kind"] == gate.BASELINE)
