"""A quiet night's rows, put one by one: within Personalize's limits, going on where they stopped."""

import itertools

import pytest

from campus import clock, tables
from retraining import export, puts, scope, shaping
from retraining.preparation import TRACKER
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError


@pytest.fixture(autouse=True)
def _tracker(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "FEW", 8)
    tables.operations().put_item(Item={**TRACKER, "trackingId": "tracking-1"})


def twenty_seconds_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Personalize so slow that three calls fill a step."""
    monkeypatch.setattr(puts, "monotonic", itertools.count(step=20).__next__)


def quiet(count: int) -> None:
    """A night with `count` events of one student each."""
    students.put(*(students.interaction(f"q{number}", number) for number in range(count)))
    mark = {"runId": "r0", "cutOff": clock.now_ms() - 60_000, "datasets": {"interactions": export._EMPTY}}
    export.export("quiet", clock.now_ms(), scope.Scope("INCREMENTAL", "next", mark))


def test_puts_go_on_where_they_stopped(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    twenty_seconds_a_call(monkeypatch)
    quiet(7)
    step = puts.put("quiet", "interactions", "EVENTS", "", 0)
    assert step == {"outcome": "BUSY", "reason": "3 of 7 calls are made", "sent": 3}
    step = puts.put("quiet", "interactions", "EVENTS", "", 3)
    assert step["sent"] == 6
    account.refusals["/events"] = [RefusedError("ThrottlingException", "slow down", 429)] * 2
    step = puts.put("quiet", "interactions", "EVENTS", "", step["sent"])
    assert (step["outcome"], step["sent"]) == ("BUSY", 6)
    assert "slow down" in step["reason"]
    assert puts.put("quiet", "interactions", "EVENTS", "", 6)["outcome"] == "ACTIVE"
    assert (len(account.holdings.events), account.holdings.received) == (7, 7)
    # From the beginning again, as a resumed run does: nothing is counted twice.
    puts.put("quiet", "interactions", "EVENTS", "", 0)
    assert len(account.holdings.events) == 7


def test_events_go_ten_a_call_and_one_student_a_call(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "FEW", 30)
    students.put(*(students.interaction("busy", number) for number in range(11)))
    quiet(2)
    puts.put("quiet", "interactions", "EVENTS", "", 0)
    requests = [request for path, request in account.calls if path == "/events"]
    assert sorted(len(request["eventList"]) for request in requests) == [1, 1, 1, 10]
    assert {request["sessionId"] == request["userId"] for request in requests} == {True}


def test_what_personalize_refuses_of_single_records_is_raised(account: Account) -> None:
    quiet(1)
    account.refusals["/events"] = [RefusedError("InvalidInputException", "no such tracker")]
    with pytest.raises(Exception, match="no such tracker"):
        puts.put("quiet", "interactions", "EVENTS", "", 0)
