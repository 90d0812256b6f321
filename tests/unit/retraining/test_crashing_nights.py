"""Nights that are killed at every AWS call they make, once before it and once after, each time resumed by their id."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from retraining import lake, runs
from tests.unit.retraining import students
from tests.unit.retraining.account import Account
from tests.unit.retraining.crashing import Killed, Reaper
from tests.unit.retraining.machine import Machine, definition
from tests.unit.retraining.test_import_modes import held, student, wanted
from tests.unit.retraining.test_whole_runs import lease_owner, live

Figures = Callable[[str, object], None]


@pytest.fixture
def mortal(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that does one thing at a time, so that one function is at work when it dies."""
    machine.definition = one_at_a_time(definition())
    # Nobody waits half an hour for the lease of the dead.
    monkeypatch.setenv("LEASE_SECONDS", "-1")
    return machine


def one_at_a_time(machine: dict[str, Any]) -> dict[str, Any]:
    """The definition with Maps that take their items one after the other."""
    for state in machine["States"].values():
        if state["Type"] == "Map":
            state["MaxConcurrency"] = 1
    return machine


def survived(machine: Machine, reaper: Reaper, request: dict[str, Any]) -> dict[str, Any]:
    """The record that a run ends with when somebody goes on with it after every death."""
    reaper.next_run()
    while True:
        try:
            with reaper.at_work():
                ended = machine.run(request)
        except Killed:
            assert lease_owner() is not None or reaper.points[-1][1] in {"acquire_lease", "record_run"}
            continue
        assert ended.status == "SUCCEEDED", (ended.error, ended.cause, reaper.points[-1])
        return ended.output


def files(run_id: str) -> set[str]:
    """Every object in the lake that is of a run."""
    return {one.key for one in boto3.resource("s3").Bucket("lake").objects.all() if run_id in one.key}


def assert_written_once(run_id: str) -> None:
    """The lake holds the parts that the manifest lists, and nothing besides."""
    manifest = lake.existing_manifest(run_id)
    listed = {part["key"] for found in manifest["datasets"].values() for part in found["parts"]}
    events = {f"training-data/events/run={run_id}/events.jsonl"} if manifest["mode"] == "INCREMENTAL" else set()
    assert files(run_id) == listed | events | {lake.manifest_key(run_id)}
    rows = Counter(lake.read_rows("interactions", manifest))
    assert set(rows.values()) == {1}


def test_a_first_and_a_quiet_night_survive_a_death_at_every_call(
    mortal: Machine, account: Account, record_property: Figures
) -> None:
    began = time.monotonic()
    reaper = Reaper(lambda: mortal.invoked[-1][0])
    students.term()
    first = survived(mortal, reaper, {"trigger": "schedule", "runId": "first"})
    assert (first["status"], first["rows"]["interactions"]) == ("PROMOTED", 120)
    assert_written_once("first")
    assert held(account) == wanted()
    figures(record_property, "first night: everything", reaper.points, account, began)
    assert [len(account.of_kind(kind)) for kind in ("dataset-import-job", "campaign")] == [3, 1]
    assert versions(account) == {"student-ranking-pop-first": 1, "student-ranking-rec-first": 1}
    assert live()["runId"] == "first"

    known, began = len(reaper.points), time.monotonic()
    student(1, "en")
    students.add_material("item-99")
    students.put(*(students.interaction(f"s{person}", 50) for person in range(30)))
    second = survived(mortal, reaper, {"trigger": "manual", "force": True, "runId": "second"})
    assert (second["status"], second["importMode"]) == ("PROMOTED", "EVENTS")
    assert_written_once("second")
    assert held(account) == wanted()
    assert len(account.holdings.events) == 30
    figures(record_property, "second night: single records", reaper.points[known:], account, began)
    assert len(account.of_kind("dataset-import-job")) == 3
    assert versions(account) == dict.fromkeys(
        (f"student-ranking-{kind}" for kind in ("pop-first", "pop-second", "rec-first", "rec-second")), 1
    )
    assert account.count("UpdateCampaign") == 1
    assert (live()["runId"], live()["previousSolutionVersionArn"]) == ("second", first["solutionVersionArn"])
    assert (runs.watermark()["runId"], lease_owner()) == ("second", None)


def versions(account: Account) -> Counter[str]:
    """Solution versions by name."""
    return Counter(made["name"] for made in account.of_kind("solution") if "solutionVersionArn" in made)


def figures(
    record_property: Figures, night: str, points: list[tuple[str, str, str, str]], account: Account, began: float
) -> None:
    """A line of the table at the end of the session."""
    line: dict[str, object] = {
        "night": night,
        "deaths": len(points),
        "functions": len({function for _, function, _, _ in points}),
        "function and operation": len({(function, operation) for _, function, operation, _ in points}),
        "events sent": account.holdings.received,
        "events held": len(account.holdings.events),
        "seconds": time.monotonic() - began,
    }
    record_property("crashes of a night", line)
