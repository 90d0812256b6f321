"""Erasures that die or run out of time: started again, they end as if nothing had happened."""

import json
from typing import Any

import pytest
from botocore.client import BaseClient

from campus import clock
from retraining import erasing_lake, erasing_records, erasure, tickets
from tests.unit.campus import school
from tests.unit.retraining.erasure.world import (
    TICKET,
    Hand,
    Killed,
    Personalize,
    World,
    ask,
    everything,
    found,
    live_everywhere,
    run,
    show_letters,
)
from tests.unit.retraining.machine import LambdaError, Machine, handler


@pytest.mark.parametrize("third", range(3))
def test_killed_at_every_call_and_started_again_it_ends_the_same(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch, third: int
) -> None:
    """Before each call, and after the last.

    A dead process remembers nothing, so to die after a call is to die before the next.
    """
    live_everywhere(account)
    ask()
    world = World.of(account)
    hand = Hand(getattr(BaseClient, "_make_api_call"))  # noqa: B009 - the stubs do not know it
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *arguments: hand.call(*arguments))
    assert run(machine).status == "SUCCEEDED"
    calls, now = len(hand.calls), clock.now
    expected = everything(account)
    assert calls > 50
    assert set(found(account).values()) == {0}

    unequal = []
    for kill_at in range(third, calls + 1, 3):
        world.restore(account)
        hand.calls, hand.kill_at, hand.kill_after_acting = [], min(kill_at, calls - 1), kill_at == calls
        with pytest.raises(Killed):
            run(machine)
        died_in, hand.kill_at = hand.calls[-1], None
        # A dead execution's lease is waited for, which is longer than a dead letter stays hidden.
        monkeypatch.setattr(clock, "now", lambda: now() + 1801)
        show_letters()
        resumed = run(machine)
        monkeypatch.setattr(clock, "now", now)
        if resumed.status != "SUCCEEDED" or everything(account) != expected:
            unequal.append((kill_at, died_in, resumed.error, found(account)))
    assert not unequal


def test_letters_that_a_dead_call_hides_are_waited_for(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_everywhere(account)
    ask()
    hand = Hand(getattr(BaseClient, "_make_api_call"))  # noqa: B009 - the stubs do not know it
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *arguments: hand.call(*arguments))
    times = 0

    def erase(payload: dict[str, Any]) -> object:
        nonlocal times
        times += 1
        if times == 4:
            show_letters()
        try:
            return handler("erase_records")(payload)
        except Killed:
            raise LambdaError("Sandbox.Timedout") from None

    machine.instead["erase_records"] = erase
    hand.kill_in = "DeleteMessage"
    assert run(machine).status == "SUCCEEDED"
    assert times == 4
    assert set(found(account).values()) == {0}


def test_more_than_one_call_has_time_for(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_everywhere(account)
    ask()
    monkeypatch.setattr(erasing_records, "BUDGET_SECONDS", -1)
    monkeypatch.setattr(erasing_lake, "BUDGET_SECONDS", -1)
    assert run(machine).status == "SUCCEEDED"
    assert (machine.count("erase_records"), machine.count("erase_lake")) == (3, 4)
    assert set(found(account).values()) == {0}


def test_a_scan_goes_on_where_it_stopped(account: Personalize, monkeypatch: pytest.MonkeyPatch) -> None:
    live_everywhere(account)
    ask()
    erasure.begin(TICKET, "execution")
    monkeypatch.setattr(erasing_records, "BUDGET_SECONDS", -1)
    starts = []
    pages = erasing_records._pages

    def small(table: Any, scan: dict[str, Any], start: Any) -> Any:
        starts.append(start)
        return pages(table, {**scan, "Limit": 4}, start)

    monkeypatch.setattr(erasing_records, "_pages", small)
    while erasing_records.erase(tickets.open_ticket(TICKET))["outcome"] == "IN_PROGRESS":
        assert len(starts) < 30
    assert len({json.dumps(start) for start in starts}) == len(starts) - 1, "only a table's first page starts at None"
    left = found(account)
    assert (left["StudentsTable"], left["ClassActivityTable"], left["OperationsTable"]) == (0, 0, 1)  # its own ticket


def test_the_budget_leaves_time_for_the_last_page() -> None:
    functions = {name: at["Properties"] for name, at in school.template()["Resources"].items() if "Function" in name}
    for name, budget in (
        ("EraseRecordsFunction", erasing_records.BUDGET_SECONDS),
        ("EraseLakeFunction", erasing_lake.BUDGET_SECONDS),
    ):
        assert functions[name]["Timeout"] - budget >= 200
