"""Whole executions of the state machine that end well, by what they decide."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.services import stepfunctions

from campus import bus, tables
from retraining import lease, runs, serving
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import LambdaError, Machine, handler

REQUEST = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "time": "2026-11-22T02:00:00Z",
    "source": "api.ranking",
    "detail-type": "ranking.requestUpdate",
    "detail": {"trigger": "manual"},
}


def live(name: str = "student-ranking-recommendation") -> dict[str, Any]:
    """The serving row of a campaign."""
    return tables.operations().get_item(Key={"pk": "MODEL", "sk": name}).get("Item", {})


def lease_owner() -> object:
    """Who holds the lease."""
    return tables.operations().get_item(Key=lease.KEY).get("Item", {}).get("owner")


def test_first_night_imports_trains_and_promotes(machine: Machine, account: Account) -> None:
    students.term()
    ended = machine.run({"trigger": "schedule"})
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "PROMOTED")
    assert ended.output["rows"] == {"interactions": 120, "users": 30, "items": 8}
    assert ended.output["training"]["why"] == "no model has been trained yet"
    assert ended.output["verdictWhy"] == "recommendation: NDCG@25 0.5000 against popularity's 0.2000"
    assert ended.output["costUnits"] == {"trainingHours": 3.0, "tpsHoursPerDay": 24}
    assert ended.output["solutionVersionArn"] == live()["solutionVersionArn"]
    assert runs.load(ended.output["runId"]) == ended.output
    assert machine.crawled == [{"Name": "CrawlerName"}]
    assert lease_owner() is None


def test_everything_made_is_named_after_the_run_and_costs_no_more_than_asked(
    machine: Machine, account: Account
) -> None:
    students.term()
    run_id = machine.run({"trigger": "schedule"}).output["runId"]
    jobs = {job["jobName"]: job for job in account.of_kind("dataset-import-job")}
    assert set(jobs) == {f"student-ranking-{code}-{run_id}" for code in ("int", "itm", "usr")}
    assert {job["importMode"] for job in jobs.values()} == {"FULL"}
    solutions = [one for one in account.of_kind("solution") if "solutionVersionArn" not in one]
    assert [one["performAutoTraining"] for one in solutions] == [False, False]
    versions = {one["name"] for one in account.of_kind("solution") if "solutionVersionArn" in one}
    assert versions == {f"student-ranking-{code}-{run_id}" for code in ("rec", "pop")}
    (campaign,) = account.of_kind("campaign")
    assert campaign["minProvisionedTPS"] == 1
    assert campaign["campaignConfig"] == {"syncWithLatestSolutionVersion": False}


def test_unchanged_data_is_neither_imported_nor_trained(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output
    again = machine.run({"trigger": "schedule"})
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "SKIPPED_UNCHANGED")
    assert again.output["why"] == f"the same rows as run {first['runId']} imported"
    assert (runs.watermark()["importedAt"], runs.watermark()["runId"]) == (first["finishedAt"], again.output["runId"])
    assert account.count("CreateDatasetImportJob") == 3
    assert lease_owner() is None


def test_a_little_new_data_goes_as_events_without_training(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    students.put(students.interaction("s1", 99))
    night = machine.run({"trigger": "schedule"}).output
    assert (night["status"], night["exportMode"], night["importMode"]) == ("IMPORTED", "INCREMENTAL", "EVENTS")
    assert {job["dataset"]: job["mode"] for job in night["imports"]} == {
        "interactions": "EVENTS",
        "items": "NONE",
        "users": "NONE",
    }
    assert night["imports"][0]["why"] == "1 new rows: an incremental import takes 1000 or more"
    assert night["training"]["why"].endswith("there are 0.8% new interactions since (limit 10%)")
    assert night["costUnits"] == {"trainingHours": 0, "tpsHoursPerDay": 24}
    assert night["rows"] == {"interactions": 121, "users": 30, "items": 8}
    assert (account.count("CreateSolutionVersion"), account.count("CreateDatasetImportJob")) == (2, 3)
    assert len(account.holdings.interactions()) == 121


def test_much_new_data_is_trained_and_the_version_before_is_on_record(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output
    students.put(*(students.interaction(f"s{person}", 50) for person in range(30)))
    second = machine.run({"trigger": "schedule"}).output
    assert second["status"] == "PROMOTED"
    assert second["training"]["why"] == "25.0% new interactions since the last training (limit 10%)"
    assert second["previousSolutionVersionArn"] == first["solutionVersionArn"]
    assert live()["previousSolutionVersionArn"] == first["solutionVersionArn"]
    assert live()["solutionVersionArn"] == second["solutionVersionArn"] != first["solutionVersionArn"]
    assert account.count("UpdateCampaign") == 1


def test_force_trains_on_unchanged_data(machine: Machine) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    forced = machine.run({"trigger": "manual", "force": True}).output
    assert (forced["status"], forced["training"]["why"]) == ("PROMOTED", "forced")
    assert [job["mode"] for job in forced["imports"]] == ["NONE"] * 3


def test_too_little_data_ends_green_before_anything_is_made(machine: Machine, account: Account) -> None:
    students.term(people=30, each=3)
    night = machine.run({"trigger": "schedule"})
    assert (night.status, night.output["status"]) == ("SUCCEEDED", "SKIPPED_MIN_DATA")
    assert night.output["why"] == "90 interactions, Personalize needs 100"
    assert account.calls == []
    assert runs.watermark() == {}
    assert lease_owner() is None


def test_a_worse_model_is_not_promoted(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output
    account.ndcg["recommendation"] = 0.1
    night = machine.run({"trigger": "manual", "force": True})
    assert (night.status, night.output["status"]) == ("SUCCEEDED", "REJECTED")
    assert night.output["verdictWhy"] == "recommendation: NDCG@25 0.1000 is below popularity's 0.2000"
    assert account.count("UpdateCampaign") == 0
    assert live()["solutionVersionArn"] == first["solutionVersionArn"]


@pytest.mark.usefixtures("reranking")
def test_a_ranking_model_stands_on_its_own_merits(machine: Machine, account: Account) -> None:
    students.term()
    account.ndcg = {"-ranking/": 0.1, **account.ndcg}
    night = machine.run({"trigger": "schedule"}).output
    assert night["status"] == "PROMOTED"
    assert [campaign["name"] for campaign in night["campaigns"]] == ["student-ranking-recommendation"]
    assert set(night["metrics"]) == {"recommendation", "ranking"}


@pytest.mark.usefixtures("reranking")
def test_reranking_keeps_two_campaigns(machine: Machine) -> None:
    students.term()
    night = machine.run({"trigger": "schedule"}).output
    assert len(night["campaigns"]) == 2
    assert live("student-ranking-ranking")["runId"] == night["runId"]
    assert night["costUnits"]["tpsHoursPerDay"] == 48


def test_a_hundred_requests_start_one_training_and_are_answered_by_one_more_run(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    students.term()
    published: list[bus.Entry] = []
    others: list[dict[str, Any]] = []

    def publish(entries: Sequence[bus.Entry]) -> dict[str, str]:
        published.extend(entries)
        return {}

    monkeypatch.setattr(bus, "publish", publish)

    def plan(payload: dict[str, Any]) -> object:
        others.extend(Machine().run(REQUEST).output for _ in range(99))
        return handler("plan_training")(payload)

    machine.instead["plan_training"] = plan
    night = machine.run(REQUEST).output
    assert (night["status"], night["trigger"]) == ("PROMOTED", "request")
    assert [other.get("status") for other in others] == ["SKIPPED_LOCKED"] * 99
    (entry,) = published
    assert (entry.detail_type, entry.event_id) == ("ranking.requestUpdate", f"{night['runId']}-again")
    del machine.instead["plan_training"]
    again = {**REQUEST, "detail-type": entry.detail_type, "source": entry.source, "detail": json.loads(entry.detail)}
    assert machine.run(again).output["status"] == "SKIPPED_UNCHANGED"
    assert (account.count("CreateSolutionVersion"), len(published)) == (2, 1)


@pytest.mark.parametrize("broken", [(bus, "publish"), (lease, "another_requested"), (serving, "age_hours")])
def test_what_fails_after_the_record_does_not_turn_the_run_red(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, broken: tuple[object, str]
) -> None:
    students.term()

    def evaluate(payload: dict[str, Any]) -> object:
        lease.request_another()
        return handler("evaluate_model")(payload)

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalException"}}, "Any")

    machine.instead["evaluate_model"] = evaluate
    monkeypatch.setattr(*broken, refuse)
    ended = machine.run({"trigger": "schedule"})
    assert (ended.status, ended.output["status"], ended.states[-1]) == ("SUCCEEDED", "PROMOTED", "Record run")
    assert lease_owner() is None


def test_a_record_whose_writer_dies_afterwards_is_what_counts(machine: Machine) -> None:
    students.term()

    def record(payload: dict[str, Any]) -> object:
        written = handler("record_run")(payload)
        if "failure" not in payload:
            raise OSError("gone")
        return written

    machine.instead["record_run"] = record
    ended = machine.run({"trigger": "schedule"})
    assert (ended.status, ended.output["status"], ended.states[-1]) == ("SUCCEEDED", "PROMOTED", "Already finished")


def test_a_request_is_an_event_as_the_bus_delivers_it(machine: Machine) -> None:
    night = machine.run(REQUEST).output
    assert (night["trigger"], night["requestedBy"]) == ("request", "manual")


def test_a_full_import_quota_is_waited_for(machine: Machine, account: Account) -> None:
    students.term()
    account.refusals["CreateDatasetImportJob"] = [RefusedError("LimitExceededException", "More than 5")] * 12
    night = machine.run({"trigger": "schedule"}).output
    assert night["status"] == "PROMOTED"
    assert machine.count("import_dataset") > 3


def test_metrics_that_are_not_ready_are_waited_for(machine: Machine, account: Account) -> None:
    students.term()
    account.refusals["GetSolutionMetrics"] = [RefusedError("ResourceInUseException")] * 2
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"
    assert machine.count("evaluate_model") == 3


def test_throttled_polls_are_polled_again(machine: Machine, account: Account) -> None:
    students.term()
    account.refusals["DescribeSolutionVersion"] = [RefusedError("ThrottlingException", "slow down")] * 20
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"


def test_a_hiccup_of_lambda_is_retried(machine: Machine) -> None:
    students.term()
    hiccups = [
        "Lambda.TooManyRequestsException",
        "Lambda.ServiceException",
        "Lambda.SdkClientException",
        "Sandbox.Timedout",
    ]
    from retraining.check_data import handler

    def check(payload: dict[str, Any]) -> object:
        if hiccups:
            raise LambdaError(hiccups.pop())
        return handler(payload, None)

    machine.instead["check_data"] = check
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"


@pytest.mark.parametrize("error", ["Glue.CrawlerRunningException", "Glue.AccessDeniedException"])
def test_the_catalogue_never_stops_a_run(machine: Machine, error: str) -> None:
    students.term()

    def crawl(_: object) -> object:
        raise stepfunctions._ExecutionError(error, "")

    machine.crawler = crawl
    night = machine.run({"trigger": "schedule"}).output
    assert night["status"] == "PROMOTED"
    assert night["catalogue"].startswith("the crawler ")
