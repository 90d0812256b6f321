"""Whole executions that fail: red, saying why, the lease given back, the live model untouched; and their resumes."""

import json
from typing import Any

import boto3
import pytest

from campus import clock, tables
from retraining import lease, runs, shaping
from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import LambdaError, Machine, definition, handler
from tests.unit.retraining.test_whole_runs import lease_owner, live


def assert_red(machine: Machine, error: str, cause: str) -> str:
    """Run once more and see it fail as told; answers the run id."""
    ended = machine.run({"trigger": "manual", "force": True})
    assert (ended.status, ended.error, ended.states[-1]) == ("FAILED", error, "Run failed")
    assert cause in ended.cause
    assert lease_owner() is None
    run_id = _last_run()
    record = runs.load(run_id)
    assert record is not None
    assert (record["status"], record["error"]) == ("FAILED", error)
    assert cause in record["why"]
    return run_id


def _last_run() -> str:
    found: list[dict[str, Any]] = tables.operations().scan()["Items"]
    records = [item for item in found if item["sk"] == "RECORD" and item["status"] == "FAILED"]
    return str(max(records, key=lambda item: int(item["startedAt"]))["runId"])


def shortened(*deadlines: int) -> dict[str, Any]:
    """The definition with some deadlines after 6 polls, so that a hang is soon over."""
    text = json.dumps(definition())
    for deadline in deadlines:
        assert f"polls >= {deadline}" in text
        text = text.replace(f"polls >= {deadline}", "polls >= 6")
    shorter: dict[str, Any] = json.loads(text)
    return shorter


@pytest.mark.parametrize(
    ("part", "ending", "error", "cause"),
    [
        ("-int-", ("CREATE FAILED", "bad CSV"), "ImportFailed", "interactions: CREATE FAILED: bad CSV"),
        ("recommendation/v", ("CREATE STOPPED", ""), "TrainingFailed", "CREATE STOPPED: Personalize gave no reason"),
        ("popularity/v", ("CREATE FAILED", "out of luck"), "TrainingFailed", "CREATE FAILED: out of luck"),
        ("campaign/", ("CREATE FAILED", "no capacity"), "PromotionFailed", "CREATE FAILED: no capacity"),
        ("dataset-group/", ("CREATE FAILED", "no"), "PreparationFailed", "dataset group: CREATE FAILED: no"),
        (
            "dataset/",
            ("CREATE FAILED", ""),
            "PreparationFailed",
            "dataset interactions: CREATE FAILED: Personalize gave",
        ),
        ("recommendation/v", ("MOON PHASE", ""), "UnknownStatusError", "unknown status 'MOON PHASE'"),
        ("-int-", ("CREATE IN_PROGRESS", ""), "ImportFailed", "not finished after 6 polls; last: CREATE IN_PROGRESS"),
        ("popularity/v", ("CREATE IN_PROGRESS", ""), "TrainingFailed", "not finished after 6 polls"),
        ("campaign/", ("CREATE IN_PROGRESS", ""), "PromotionFailed", "not finished after 6 polls"),
        ("filter/", ("CREATE IN_PROGRESS", ""), "PreparationOverdue", "filter not-enrolled: CREATE IN_PROGRESS"),
    ],
)
def test_what_personalize_does_not_finish_is_red_and_says_why(
    machine: Machine, account: Account, part: str, ending: tuple[str, str], error: str, cause: str
) -> None:
    students.term()
    machine.definition = shortened(*((100,) if part == "filter/" else (120, 150, 400)))
    account.endings[part] = ending
    assert_red(machine, error, cause)
    assert live() == {}
    assert runs.watermark() == {}


def test_a_quota_that_never_frees_is_red(machine: Machine, account: Account) -> None:
    students.term()
    machine.definition = shortened(400)
    account.refusals["CreateSolution"] = [RefusedError("LimitExceededException", "500 solutions")] * 99
    assert_red(machine, "TrainingFailed", "500 solutions")


def test_metrics_that_never_come_are_red(machine: Machine, account: Account) -> None:
    students.term()
    machine.definition = shortened(44)
    account.refusals["GetSolutionMetrics"] = [RefusedError("ResourceInUseException", "computing")] * 99
    assert_red(machine, "EvaluationOverdue", "computing")


def test_refused_data_is_red_before_anything_is_imported(machine: Machine, account: Account) -> None:
    students.term()
    students.put(*(students.interaction(f"s{n}", 200, itemId=None) for n in range(101)))
    assert_red(machine, "DataRefused", "101 rows of interactions were rejected, at most 100 are tolerated")
    assert account.calls == []


def test_rows_that_went_behind_the_nights_back_are_noticed(machine: Machine, account: Account) -> None:
    students.term()
    machine.run({"trigger": "schedule"})
    with tables.interactions().batch_writer() as batch:
        for row in (students.interaction(f"s{person}", number) for person in range(20) for number in range(4)):
            batch.delete_item({name: row[name] for name in ("userId", "occurrence")})
    imports = account.count("CreateDatasetImportJob")
    ended = machine.run({"trigger": "schedule"})
    assert ended.error == "DataRefused"
    assert ended.cause == "interactions fell from 120 rows to 40; force the run if that is meant"
    assert account.count("CreateDatasetImportJob") == imports
    forced = machine.run({"trigger": "manual", "force": True}).output
    assert (forced["exportMode"], forced["rows"]["interactions"]) == ("FULL", 40)


def test_a_failed_update_leaves_the_old_version_on_record(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output
    account.endings["campaign/"] = ("CREATE FAILED", "no capacity")
    assert_red(machine, "PromotionFailed", "no capacity")
    assert live()["solutionVersionArn"] == first["solutionVersionArn"]


def test_an_unexpected_error_is_red_with_its_message(machine: Machine) -> None:
    students.term()

    def broken(_: object) -> object:
        raise OSError("no space left on device")

    machine.instead["generate_training_data"] = broken
    assert_red(machine, "OSError", "no space left on device")


def test_lambda_that_stays_away_is_red(machine: Machine) -> None:
    def away(_: object) -> object:
        raise LambdaError("Lambda.ServiceException")

    machine.instead["check_data"] = away
    assert_red(machine, "Lambda.ServiceException", "the service said so")
    assert machine.count("check_data") == 7


def test_what_went_wrong_first_is_said_even_if_it_cannot_be_recorded(machine: Machine) -> None:
    def broken(_: object) -> object:
        raise OSError("first")

    def also_broken(_: object) -> object:
        raise OSError("second")

    machine.instead |= {"check_data": broken, "record_run": also_broken}
    ended = machine.run({})
    assert (ended.status, ended.error) == ("FAILED", "OSError")
    assert "first" in ended.cause


@pytest.mark.parametrize(
    "request_",
    [{"trigger": "whim"}, {"force": "yes"}, {"runId": "x" * 19}, {"detail-type": "student.enrolled", "detail": {}}],
)
def test_an_input_that_can_never_start_a_run_is_red(machine: Machine, request_: dict[str, Any]) -> None:
    ended = machine.run(request_)
    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert lease_owner() is None


def test_a_holder_that_was_overtaken_promotes_nothing(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    students.term()

    def overtaken(payload: dict[str, Any]) -> object:
        from retraining.evaluate_model import handler

        answer = handler(payload, None)
        with monkeypatch.context() as later:
            later.setattr(clock, "now", lambda: 2_000_000_000)
            assert lease.acquire("somebody else", "another-run") is not None
        return answer

    machine.instead["evaluate_model"] = overtaken
    ended = machine.run({"trigger": "schedule"})
    assert (ended.status, ended.error) == ("FAILED", "LeaseLostError")
    assert account.count("CreateCampaign") == 0
    assert live() == {}
    assert lease_owner() == "somebody else"


def test_a_resumed_run_replaces_what_failed_and_adopts_the_rest(machine: Machine, account: Account) -> None:
    students.term()
    account.endings["-itm-"] = ("CREATE FAILED", "a bad day")
    run_id = assert_red(machine, "ImportFailed", "items: CREATE FAILED: a bad day")
    late = students.interaction("s1", 500)
    students.put(late | {"recordedAt": clock.now_ms() + 60_000})
    account.endings.clear()
    jobs = {job["jobName"]: job for job in account.of_kind("dataset-import-job")}
    jobs[f"student-ranking-itm-{run_id}"]["status"] = "CREATE FAILED"
    account.endings[f"-itm-{run_id}"] = ("CREATE FAILED", "a bad day")
    account.endings = {f"-itm-{run_id}-2": ("ACTIVE", ""), **account.endings}
    resumed = machine.run({"runId": run_id})
    assert (resumed.status, resumed.output["status"]) == ("SUCCEEDED", "PROMOTED")
    assert (resumed.output["runId"], resumed.output["resumed"]) == (run_id, True)
    assert resumed.output["rows"]["interactions"] == 120
    names = [job["jobName"] for job in account.of_kind("dataset-import-job")]
    assert sorted(names) == [
        f"student-ranking-{part}" for part in (f"int-{run_id}", f"itm-{run_id}", f"itm-{run_id}-2", f"usr-{run_id}")
    ]


def test_of_two_red_nights_only_the_later_one_is_resumed(machine: Machine, account: Account) -> None:
    """The earlier one would adopt its own jobs, which the later one's have followed."""
    students.term()
    machine.run({"trigger": "schedule"})
    red = []
    account.endings["recommendation/"] = ("CREATE FAILED", "out of luck")
    for locale in ("en", "vi-VN"):
        tables.students().put_item(Item={"studentId": "s1", "locale": locale})
        red.append(assert_red(machine, "TrainingFailed", "out of luck"))
    account.endings.clear()
    early = machine.run({"runId": red[0]})
    assert (early.status, early.error) == ("FAILED", "SupersededError")
    assert f"run {red[1]}, which failed, had begun to import newer data than run {red[0]}" in early.cause
    assert machine.run({"runId": red[1]}).output["status"] == "PROMOTED"


def test_a_red_nights_job_is_over_before_the_next_night_imports(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FULL job that ends late would replace what came after it."""
    students.term()
    machine.run({"trigger": "schedule"})
    monkeypatch.setattr(shaping, "FEW", 30)
    account.endings["-int-"] = ("CREATE IN_PROGRESS", "")
    whole = machine.definition
    machine.definition = shortened(120)
    hung = machine.run({"trigger": "manual", "full": True})
    assert "not finished after 6 polls" in hung.cause
    machine.definition = whole
    students.put(*(students.interaction(f"s{person}", 50) for person in range(30)))
    (late,) = [job for job in account.of_kind("dataset-import-job") if job["status"] == "CREATE IN_PROGRESS"]
    answers: list[dict[str, Any]] = []

    def advance(payload: dict[str, Any]) -> Any:
        if payload["job"]["dataset"] != "interactions":
            return handler("import_dataset")(payload)
        if len(answers) == 3:
            account.endings.clear()
            late["status"] = "ACTIVE"
        answers.append(handler("import_dataset")(payload))
        return answers[-1]

    machine.instead["import_dataset"] = advance
    assert machine.run({"trigger": "schedule"}).output["imports"][0]["mode"] == "INCREMENTAL"
    waits = {"outcome": "BUSY", "reason": f"waits for {late['datasetImportJobArn']}"}
    assert answers[:3] == [waits] * 3
    assert answers[3]["outcome"] == "IN_PROGRESS"


def test_jobs_that_have_read_another_export_are_not_adopted(machine: Machine, account: Account) -> None:
    """The export had left the lake, and the tables are not what they were."""
    students.term()
    account.endings["campaign/"] = ("CREATE FAILED", "no capacity")
    run_id = assert_red(machine, "PromotionFailed", "no capacity")
    account.endings.clear()
    boto3.resource("s3").Bucket("lake").objects.all().delete()
    tables.students().put_item(Item={"studentId": "late", "locale": "vi"})
    for _ in range(2):
        resumed = machine.run({"runId": run_id})
        assert (resumed.status, resumed.error) == ("FAILED", "ImportFailed")
        assert resumed.cause == f"users: import job student-ranking-usr-{run_id} has read other rows: start a new run"
    tables.students().delete_item(Key={"studentId": "late"})
    boto3.resource("s3").Bucket("lake").objects.all().delete()
    for campaign in account.of_kind("campaign"):
        del account.resources[campaign["campaignArn"]]
    assert machine.run({"runId": run_id}).output["status"] == "PROMOTED"


def test_a_finished_run_cannot_be_resumed_into_anything_else(machine: Machine, account: Account) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output
    calls = len(account.calls)
    again = machine.run({"runId": first["runId"]})
    assert (again.status, again.output) == ("SUCCEEDED", first)
    assert again.states[-1] == "Already finished"
    assert len(account.calls) == calls


def test_a_failed_run_cannot_be_resumed_after_a_newer_one(machine: Machine, account: Account) -> None:
    students.term()
    account.endings["-int-"] = ("CREATE FAILED", "a bad day")
    failed = assert_red(machine, "ImportFailed", "a bad day")
    account.endings.clear()
    assert machine.run({"trigger": "schedule"}).output["status"] == "PROMOTED"
    late = machine.run({"runId": failed})
    assert (late.status, late.error) == ("FAILED", "SupersededError")
    assert lease_owner() is None
