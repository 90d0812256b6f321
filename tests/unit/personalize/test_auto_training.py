"""Automatic training: when it trains and when it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from local.personalize.operations import auto_training
from local.personalize.operations.auto_training import _train_if_new
from local.personalize.store import SOLUTION, SOLUTION_VERSION
from tests.unit.personalize.cloud import filled, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.personalize.cloud import Cloud


def versions(cloud: Cloud, solution: str) -> list[dict[str, Any]]:
    """What ListSolutionVersions shows of a solution."""
    found: list[dict[str, Any]] = cloud.control.list_solution_versions(solutionArn=solution)["solutionVersions"]
    return found


def put_event(cloud: Cloud, group: str) -> None:
    """Bring new data into a dataset group."""
    made = cloud.control.create_event_tracker(name="tracker", datasetGroupArn=group)
    cloud.wait(cloud.control.describe_event_tracker, eventTrackerArn=made["eventTrackerArn"])
    event = {"eventType": "view", "itemId": "i", "sentAt": 1}
    cloud.events.put_events(trackingId=made["trackingId"], userId="u", sessionId="s", eventList=[event])


def test_automatic_training_trains_once_data_came_in(cloud: Cloud) -> None:
    group = filled(cloud, "automatic")
    solution = cloud.solution("automatic", group, "aws-popularity-count", performAutoTraining=True)
    until(lambda: bool(versions(cloud, solution)))
    assert versions(cloud, solution)[0]["trainingType"] == "AUTOMATIC"
    configuration = cloud.control.describe_solution(solutionArn=solution)["solution"]["solutionConfig"]
    assert configuration["autoTrainingConfig"]["schedulingExpression"] == "rate(7 days)"
    cloud.control.update_solution(solutionArn=solution, performAutoTraining=False)
    cloud.wait(cloud.control.describe_solution, slot="latestSolutionUpdate", solutionArn=solution)
    assert cloud.control.describe_solution(solutionArn=solution)["solution"]["performAutoTraining"] is False
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="rate"):
        cloud.control.update_solution(
            solutionArn=solution,
            solutionUpdateConfig={"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}},
        )


def test_automatic_training_waits_for_new_data_and_leaves_the_first_time_to_a_manual_one(
    launch: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = launch(tmp_path, time_scale=0)
    group = filled(cloud, "thrifty")
    account = cloud.service._account
    arn = cloud.solution("thrifty", group, "aws-popularity-count")
    solution, dataset = account.store.find(SOLUTION, arn), account.serving.dataset(group, "INTERACTIONS")
    assert dataset is not None

    def trained(since: float) -> int:
        _train_if_new(account, solution, since)
        return len(versions(cloud, arn))

    now = time.time()
    assert trained(now) == 1
    assert trained(time.time()) == 1  # Nothing came in since.
    dataset.private["changed"] = time.time()
    assert trained(now) == 1  # A version was made since the plan.
    assert trained(time.time()) == 2


def test_automatic_training_knows_after_a_restart_that_events_came_in(
    launch: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = launch(tmp_path, time_scale=0)
    group = filled(cloud, "restarted")
    arn = cloud.solution("restarted", group, "aws-popularity-count")
    cloud.train(arn)
    put_event(cloud, group)
    cloud.service.close()

    again = launch(tmp_path, time_scale=0)
    account = again.service._account
    _train_if_new(account, account.store.find(SOLUTION, arn), time.time())
    assert len(versions(again, arn)) == 2


def test_automatic_training_keeps_its_schedule_over_updates_and_restarts(
    launch: Callable[..., Cloud], tmp_path: Path
) -> None:
    scale = 0.00005  # The first training is due after 0.18 s, the next after 30 s.
    cloud = launch(tmp_path, time_scale=scale)
    group = filled(cloud, "scheduled")
    arn = cloud.solution("scheduled", group, "aws-popularity-count", performAutoTraining=True)
    until(lambda: [version["status"] for version in versions(cloud, arn)] == ["ACTIVE"])
    put_event(cloud, group)
    events = {"eventsConfig": {"eventParametersList": [{"eventType": "view"}]}}
    cloud.control.update_solution(solutionArn=arn, solutionUpdateConfig=events)
    cloud.wait(cloud.control.describe_solution, slot="latestSolutionUpdate", solutionArn=arn)
    time.sleep(0.5)
    assert len(versions(cloud, arn)) == 1
    cloud.service.close()

    again = launch(tmp_path, time_scale=scale)
    time.sleep(0.5)
    assert len(versions(again, arn)) == 1
    store = again.service._account.store
    (version,) = store.select(SOLUTION_VERSION, solutionArn=arn)
    version.record["creationDateTime"] -= 60  # As if the service had been down for longer than the 30 s.
    store.save(version)
    again.service.close()

    late = launch(tmp_path, time_scale=scale)
    until(lambda: len(versions(late, arn)) == 2)


def test_a_solution_that_is_being_deleted_trains_no_more(
    launch: Callable[..., Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = launch(tmp_path)
    group = filled(cloud, "ending")
    monkeypatch.setattr(auto_training, "FIRST_AFTER", 20.0)
    cloud.service._account.lifecycle.time_scale = 0.01  # The first training is due after 0.2 s, a deletion lasts 0.6 s.
    arn = cloud.solution("ending", group, "aws-popularity-count", performAutoTraining=True)
    cloud.control.delete_solution(solutionArn=arn)
    time.sleep(0.4)
    assert versions(cloud, arn) == []


def test_automatic_training_leaves_the_timetable_to_others_at_time_scale_0(
    launch: Callable[..., Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = launch(tmp_path, time_scale=0)
    calls: list[object] = []
    monkeypatch.setattr(auto_training, "_train_if_new", lambda *given: calls.append(given))
    cloud.solution("idle", cloud.group("idle"), "aws-popularity-count", performAutoTraining=True)
    time.sleep(0.5)
    assert 1 <= len(calls) <= 6


def test_automatic_training_that_is_turned_on_later_has_the_default_schedule(cloud: Cloud) -> None:
    solution = cloud.solution("later", cloud.group("later"), "aws-popularity-count")
    cloud.control.update_solution(solutionArn=solution, performAutoTraining=True)
    cloud.wait(cloud.control.describe_solution, slot="latestSolutionUpdate", solutionArn=solution)
    configuration = cloud.control.describe_solution(solutionArn=solution)["solution"]["solutionConfig"]
    assert configuration["autoTrainingConfig"] == {"schedulingExpression": "rate(7 days)"}
