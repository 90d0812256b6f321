"""A run's numbers as EMF: what the alarms watch."""

import json
from typing import Any

import pytest

from campus import clock
from tests.unit.retraining import students
from tests.unit.retraining.account import Account
from tests.unit.retraining.machine import Machine


class Emitted:
    """Reads what functions printed."""

    def __init__(self, printed: pytest.CaptureFixture[str]) -> None:
        self._printed = printed

    def last(self) -> dict[str, float]:
        """Metrics of the latest document, by name."""
        lines = [line for line in self._printed.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
        document: dict[str, Any] = json.loads(lines[-1])
        described = document["_aws"]["CloudWatchMetrics"][0]
        assert (described["Namespace"], described["Dimensions"]) == ("Nightclass", [["service"]])
        return {metric["Name"]: document[metric["Name"]][0] for metric in described["Metrics"]}


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> Emitted:
    return Emitted(capsys)


def test_a_green_night_counts_as_success_and_tells_the_verdict(machine: Machine, emitted: Emitted) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    numbers = emitted.last()
    assert (numbers["RunSucceeded"], numbers["RunFailed"]) == (1, 0)
    assert (numbers["ModelPromoted"], numbers["ModelRejected"], numbers["ModelApproved"]) == (1, 0, 0)
    assert 0 <= numbers["ModelAgeHours"] < 0.1


def test_a_red_one_does_not_and_the_age_goes_on(
    machine: Machine, account: Account, emitted: Emitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    account.endings["recommendation/v2"] = ("CREATE FAILED", "no luck")
    now = clock.now() + 30 * 3600
    monkeypatch.setattr(clock, "now", lambda: now)
    assert machine.run({"trigger": "manual", "force": True}).status == "FAILED"
    numbers = emitted.last()
    assert (numbers["RunSucceeded"], numbers["RunFailed"]) == (0, 1)
    assert numbers["ModelAgeHours"] == pytest.approx(30, abs=0.1)
    assert "ModelPromoted" not in numbers


def test_the_age_is_that_of_the_version_not_of_its_promotion(
    machine: Machine, account: Account, emitted: Emitted
) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    machine.run({"trigger": "manual", "force": True})
    account.resources[first]["creationDateTime"] -= 200 * 3600
    machine.run({"trigger": "rollback"})
    numbers = emitted.last()
    assert numbers["ModelAgeHours"] == pytest.approx(200, abs=0.1)
    assert "RunSucceeded" not in numbers


def test_a_rejected_model_is_counted(machine: Machine, account: Account, emitted: Emitted) -> None:
    students.term()
    account.ndcg["recommendation"] = 0.1
    machine.run({"trigger": "schedule"})
    numbers = emitted.last()
    assert (numbers["ModelPromoted"], numbers["ModelRejected"], numbers["RunSucceeded"]) == (0, 1, 1)
    assert "ModelAgeHours" not in numbers


def test_parked_campaigns_serve_no_model_of_any_age(machine: Machine, emitted: Emitted) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    machine.run({"trigger": "park"})
    assert "ModelAgeHours" not in emitted.last()
    machine.run({"trigger": "manual", "force": True})
    numbers = emitted.last()
    assert (numbers["ModelApproved"], numbers["ModelPromoted"]) == (1, 0)
    assert "ModelAgeHours" not in numbers
