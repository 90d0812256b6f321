"""The first and the last step: what they write, and that doing them twice does nothing twice."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from campus import bus, clock, tables
from campus.validation import InvalidInputError
from retraining import finish, lease, runs, start
from retraining.lease import Lease
from tests.unit.retraining.test_whole_runs import REQUEST

EXECUTION = "arn:aws:states:ap-southeast-1:000000000000:execution:nightly:one"
STARTED = "2026-11-22T02:00:00.123Z"
VERSION = "arn:aws:personalize:ap-southeast-1:000000000000:solution/student-ranking-recommendation/v1"


def begun(request: dict[str, Any] | None = None, execution: str = EXECUTION) -> dict[str, Any]:
    return start.start(request or {"trigger": "schedule"}, execution, STARTED)


def dataset(rows: int, fingerprint: str) -> dict[str, Any]:
    total = {"rows": rows, "fingerprint": fingerprint}
    return {"rows": rows, "newRows": rows, "total": total, "rejected": {}, "location": "s3://lake/x/"}


def promoted(run: dict[str, Any]) -> dict[str, Any]:
    """What the state machine has collected when everything went well."""
    campaign = {"kind": "recommendation", "name": "student-ranking-recommendation", "outcome": "ACTIVE"}
    return {
        **run,
        "marks": {"leased": run["startedAt"] + 500, "exported": run["startedAt"] + 2500},
        "export": {
            "cutOff": run["cutOff"] - 1,
            "mode": "FULL",
            "why": "nothing has been imported yet",
            "base": None,
            "warnings": [],
            "datasets": {name: dataset(1200, name) for name in ("interactions", "users", "items")},
        },
        "data": {"verdict": "OK", "why": "first import", "importMode": "FULL", "imports": []},
        "plan": {"decision": "TRAIN", "why": "no model has been trained yet", "models": []},
        "models": [{"kind": "recommendation"}, {"kind": "popularity"}],
        "evaluation": {
            "verdict": "PROMOTE",
            "why": "better",
            "metrics": {"recommendation": {"ndcg": 0.123456789012345}},
            "baselineMetrics": {},
            "trainingHours": 1.5,
        },
        "campaigns": [{**campaign, "arn": "campaign-arn", "solutionVersionArn": VERSION, "trainedAt": 1_795_000_000}],
        "canaries": {"verdict": "PASSED", "why": "5 students with a history got an answer"},
    }


def test_a_run_is_named_after_its_start() -> None:
    run = begun()["run"]
    assert run["runId"].startswith("261122-020000-")
    assert len(run["runId"]) == 18


def test_a_storm_of_executions_in_one_second_gives_every_run_a_name_of_its_own() -> None:
    executions = [f"arn:aws:states:ap-southeast-1:123456789012:execution:nightly:{number}" for number in range(100)]
    assert len({runs.run_id(execution, "2026-11-22T02:00:00.123Z") for execution in executions}) == len(executions)


def test_a_lost_answer_changes_neither_run_nor_cut_off() -> None:
    first, second = begun(), begun()
    assert (second["run"]["runId"], second["run"]["cutOff"]) == (first["run"]["runId"], first["run"]["cutOff"])
    assert second["lease"]["fencingToken"] > first["lease"]["fencingToken"]


def test_a_second_run_is_locked_and_only_a_request_is_noted() -> None:
    begun()
    locked = begun({"trigger": "schedule"}, "other")
    assert (locked["outcome"], locked["record"]["status"]) == ("LOCKED", "SKIPPED_LOCKED")
    assert lease.another_requested() is False


def test_a_start_that_fails_gives_the_lease_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem")

    with monkeypatch.context() as patched:
        patched.setattr(runs, "save_begun", refuse)
        with pytest.raises(ClientError):
            begun()
    assert begun({"trigger": "schedule"}, "other")["outcome"] == "ACQUIRED"


def test_the_record_of_a_run_that_nobody_can_finish_says_so() -> None:
    run_id = begun()["run"]["runId"]  # and its execution died
    newer = {"runId": "newer", "cutOff": clock.now_ms() + 1000}
    tables.operations().put_item(Item=runs.watermark_item(newer))
    with pytest.raises(start.SupersededError):
        begun({"runId": run_id})
    record = runs.load(run_id)
    assert record is not None
    assert (record["status"], record["error"]) == ("FAILED", "SupersededError")
    assert record["why"] == f"run newer has imported newer data than run {run_id}: start a new run"
    assert lease.acquire("next", "run") is not None


@pytest.mark.parametrize("by_hand", ["park", "unpark", "rollback"])
def test_a_request_outlives_what_is_done_by_hand(by_hand: str) -> None:
    begun()
    lease.request_another()
    tables.operations().update_item(
        Key=lease.KEY, UpdateExpression="REMOVE #o", ExpressionAttributeNames={"#o": "owner"}
    )
    assert begun({"trigger": by_hand}, "other")["outcome"] == "ACQUIRED"
    assert lease.another_requested() is True


def test_a_request_outlives_the_resume_of_a_run_that_began_before_it() -> None:
    run_id = begun()["run"]["runId"]
    lease.request_another()
    assert begun({"runId": run_id})["outcome"] == "ACQUIRED"
    assert lease.another_requested() is True


def test_the_training_after_an_erasure_is_noted_where_another_run_holds_the_lease() -> None:
    begun({"trigger": "park"})
    assert "it was told" in begun({"trigger": "erasure", "full": True, "force": True}, "other")["record"]["why"]
    assert lease.another_requested() is True


@pytest.mark.parametrize(
    "request_",
    [
        {"trigger": "whim"},
        {"force": 1},
        {"full": "yes"},
        {"runId": ""},
        {"runId": "a b"},
        {"runId": 7},
        {"detail-type": "x", "detail": {}},
    ],
)
def test_a_bad_request_starts_nothing(request_: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        begun(request_)
    assert lease.acquire("anybody", "run") is not None


@pytest.mark.parametrize("wish", ["force", "full"])
def test_a_resume_keeps_the_cut_off_and_may_add_a_wish(wish: str) -> None:
    first = begun()["run"]
    tables.operations().delete_item(Key=lease.KEY)
    again = begun({"runId": first["runId"], wish: True}, "other")["run"]
    assert (again["cutOff"], again[wish], again["resumed"]) == (first["cutOff"], True, True)
    assert [again[other] for other in ("force", "full") if other != wish] == [False]


def test_a_failed_rollback_of_before_an_erasure_is_resumed() -> None:
    """It reads nothing and trains nothing."""
    started = begun({"trigger": "rollback"})
    finish.finish(Lease.of(started), started["run"], {"Error": "DeploymentRefused", "Cause": "parked"})
    for item in runs.erased_items(clock.now_ms()):
        tables.operations().put_item(Item=item)
    assert begun({"runId": started["run"]["runId"]}, "other")["outcome"] == "ACQUIRED"


def test_record_watermark_and_model_are_written_and_the_lease_released() -> None:
    started = begun()
    record = finish.finish(Lease.of(started), promoted(started["run"]))
    assert record["status"] == "PROMOTED"
    assert record["durations"]["acquireLease"] == 0.5
    assert record["durations"]["export"] == 2.0
    assert runs.load(record["runId"]) == record
    mark = runs.watermark()
    # What was read, whatever the run was asked to.
    assert mark["cutOff"] == started["run"]["cutOff"] - 1
    assert mark["trained"]["kinds"] == ["recommendation", "popularity"]
    model = tables.operations().get_item(Key={"pk": "MODEL", "sk": "student-ranking-recommendation"})["Item"]
    assert (model["modelVersion"], model["solutionVersionArn"]) == ("v1", VERSION)
    assert lease.acquire("next", "run") is not None


def test_runs_are_listed_by_their_start() -> None:
    started = begun()
    finish.finish(Lease.of(started), promoted(started["run"]))
    found = tables.operations().query(
        IndexName="byState",
        KeyConditionExpression="#state = :run",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":run": "RUN"},
    )["Items"]
    assert [item["runId"] for item in found] == [started["run"]["runId"]]


def test_recording_twice_answers_the_first_record() -> None:
    started = begun()
    first = finish.finish(Lease.of(started), promoted(started["run"]))
    assert finish.finish(Lease.of(started), promoted(started["run"])) == first


def test_a_success_without_the_lease_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    started = begun()
    now = clock.now() + 2000
    monkeypatch.setattr(clock, "now", lambda: now)
    begun({"trigger": "schedule"}, "other")
    with pytest.raises(lease.LeaseLostError):
        finish.finish(Lease.of(started), promoted(started["run"]))
    assert runs.watermark() == {}


def test_a_failure_says_the_functions_own_sentence() -> None:
    started = begun()
    failure = {"Error": "OSError", "Cause": '{"errorMessage": "disk full", "errorType": "OSError", "stackTrace": []}'}
    record = finish.finish(Lease.of(started), started["run"], failure)
    assert (record["status"], record["error"], record["why"]) == ("FAILED", "OSError", "disk full")


def test_a_failure_after_a_promotion_still_names_what_serves() -> None:
    started = begun()
    finish.finish(Lease.of(started), promoted(started["run"]), {"Error": "PromotionFailed", "Cause": "the other one"})
    model = tables.operations().get_item(Key={"pk": "MODEL", "sk": "student-ranking-recommendation"})["Item"]
    assert model["solutionVersionArn"] == VERSION
    assert runs.watermark() == {}


def test_a_failed_run_does_not_ask_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[object] = []
    monkeypatch.setattr(bus, "publish", lambda entries: dict.fromkeys(published.__iadd__(entries), ""))
    started = begun()
    lease.request_another()
    finish.finish(Lease.of(started), started["run"], {"Error": "x", "Cause": "y"})
    assert published == []


def test_the_watermark_of_another_dataset_group_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    started = begun()
    finish.finish(Lease.of(started), promoted(started["run"]))
    monkeypatch.setenv("DATASET_GROUP", "a-new-group")
    assert runs.watermark() == {}


def test_a_run_that_ends_while_it_is_resumed_keeps_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    started = begun()
    acquire = lease.acquire

    def ends_first(*arguments: Any, **further: Any) -> Lease | None:
        monkeypatch.setattr(lease, "acquire", acquire)
        finish.finish(Lease.of(started), promoted(started["run"]))
        return acquire(*arguments, **further)

    monkeypatch.setattr(lease, "acquire", ends_first)
    resumed = begun({"runId": started["run"]["runId"]}, "other")
    assert (resumed["outcome"], resumed["record"]["status"]) == ("FINISHED", "PROMOTED")
    assert begun({"trigger": "schedule"}, "third")["outcome"] == "ACQUIRED"


def test_a_request_is_noted_with_whoever_took_the_lease_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Lease.of(begun())
    note = lease.request_another

    def night_ends_and_parking_begins() -> bool:
        monkeypatch.setattr(lease, "request_another", note)
        lease.give_back(held)
        told = note()
        begun({"trigger": "park"}, "parking")
        return told

    monkeypatch.setattr(lease, "request_another", night_ends_and_parking_begins)
    assert begun(REQUEST, "request")["outcome"] == "LOCKED"
    assert lease.another_requested()
