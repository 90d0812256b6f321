"""Whole executions on nights that import little, or everything once more."""

import pytest

from retraining import runs, shaping
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import Machine
from tests.unit.retraining.test_puts import twenty_seconds_a_call
from tests.unit.retraining.test_whole_runs import lease_owner


@pytest.fixture
def after_first_night(machine: Machine, account: Account) -> Machine:
    """A machine that has imported 120 interactions of 30 students, and 30 more to come."""
    students.term()
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"
    students.put(*(students.interaction(f"s{person}", 50) for person in range(30)))
    return machine


def test_single_records_are_sent_visit_by_visit(
    after_first_night: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    twenty_seconds_a_call(monkeypatch)
    visits = after_first_night.count("import_dataset")
    account.refusals["/events"] = [RefusedError("ThrottlingException", "slow down", 429)] * 2
    night = after_first_night.run({"trigger": "schedule"}).output
    assert (night["status"], night["importMode"], night["newRows"]) == ("PROMOTED", "EVENTS", 30)
    # The first visit was throttled at its first call, ten more sent three each.
    assert after_first_night.count("import_dataset") - visits == 11
    assert (account.holdings.received, len(account.holdings.interactions())) == (30, 150)
    assert night["imports"][0]["sent"] == 30


def test_enough_rows_are_one_incremental_job(
    after_first_night: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shaping, "FEW", 30)
    night = after_first_night.run({"trigger": "schedule"}).output
    assert (night["imports"][0]["mode"], night["imports"][0]["why"]) == ("INCREMENTAL", "30 new rows on top of 120")
    assert account.of_kind("dataset-import-job")[-1]["importMode"] == "INCREMENTAL"
    assert (account.holdings.received, len(account.holdings.interactions())) == (0, 150)


def test_everything_once_more_if_somebody_asks(after_first_night: Machine, account: Account) -> None:
    night = after_first_night.run({"trigger": "manual", "full": True}).output
    assert (night["full"], night["exportMode"], night["exportWhy"]) == (True, "FULL", "asked for")
    assert [job["mode"] for job in night["imports"]] == ["FULL"] * 3
    assert (night["rows"]["interactions"], night["newRows"], night["warnings"]) == (150, 30, [])
    assert runs.watermark()["full"]["runId"] == night["runId"]


def test_events_that_personalize_refuses_are_red_and_change_no_watermark(
    after_first_night: Machine, account: Account
) -> None:
    mark = runs.watermark()
    account.refusals["/events"] = [RefusedError("InvalidInputException", "no such tracker")]
    ended = after_first_night.run({"trigger": "schedule"})
    assert (ended.status, ended.error) == ("FAILED", "InvalidInputException")
    assert "no such tracker" in ended.cause
    assert runs.watermark() == mark
    assert lease_owner() is None
    record = after_first_night.run({"trigger": "schedule"}).output
    assert (record["status"], record["newRows"]) == ("PROMOTED", 30)
    assert len(account.holdings.interactions()) == 150
