"""The three decisions of a night: is the data good, is it worth a training, is the model better."""

import math
from typing import Any

import pytest

from retraining import data_check, gate, policy
from retraining.gate import METRIC, judge
from retraining.policy import DAY_MS, plan

NOW = 1_795_000_000_000


def dataset(rows: int, rejected: int = 0, **people: int) -> dict[str, Any]:
    reasons = {"missing itemId": rejected} if rejected else {}
    total = {"rows": rows, "fingerprint": "1", **people}
    return {"rows": rows, "total": total, "rejected": reasons, "location": "s3://lake/x/"}


def datasets(rows: int = 2000, users: int = 100, with_two: int = 50, **changes: Any) -> dict[str, Any]:
    """A first, full export."""
    found = {
        "interactions": dataset(rows, users=users, usersWithTwo=with_two),
        "users": dataset(100),
        "items": dataset(10),
    }
    return {"mode": "FULL", "why": "why", "base": None, "asked": False, "gone": {}, "datasets": {**found, **changes}}


def seen(**rows: int) -> dict[str, Any]:
    """A watermark of other data."""
    known = {name: {"rows": count, "fingerprint": "0", "runId": "before"} for name, count in rows.items()}
    return {"runId": "before", "datasets": known}


def verdict(export: dict[str, Any], mark: dict[str, Any] | None = None, *, force: bool = False) -> str:
    export = {**export, "base": mark["runId"] if mark else None}
    return str(data_check.check("run", export, mark or {}, force=force)["verdict"])


@pytest.mark.parametrize(
    ("rows", "users", "with_two", "expected"),
    [
        (1000, 100, 25, "OK"),
        (999, 100, 50, "SKIPPED_MIN_DATA"),
        (2000, 100, 24, "SKIPPED_MIN_DATA"),
        (10_000, 2_500, 25, "OK"),
        (10_000, 2_501, 25, "SKIPPED_MIN_DATA"),
        (0, 0, 0, "SKIPPED_MIN_DATA"),
    ],
)
def test_personalize_minima(rows: int, users: int, with_two: int, expected: str) -> None:
    assert verdict(datasets(rows, users, with_two)) == expected


@pytest.mark.parametrize(
    ("rows", "rejected", "expected"),
    [(2000, 100, "OK"), (2000, 101, "REFUSED"), (99_000, 1_000, "OK"), (99_000, 1_001, "REFUSED")],
)
def test_too_many_bad_rows_are_refused(rows: int, rejected: int, expected: str) -> None:
    bad = dataset(rows, rejected=rejected, users=100, usersWithTwo=50)
    assert verdict(datasets(interactions=bad)) == expected
    assert verdict(datasets(interactions=bad), force=True) == expected


def test_a_sudden_drop_is_refused_unless_it_is_meant() -> None:
    mark = seen(interactions=2501)
    assert verdict(datasets(2000), mark) == "REFUSED"
    assert verdict(datasets(2000), mark, force=True) == "OK"
    assert verdict(datasets(2001), mark) == "OK"
    refused = data_check.check("run", datasets(2000) | {"base": "before"}, mark, force=False)
    assert "fell from 2501 rows to 2000" in refused["why"]
    assert (refused["importMode"], refused["imports"]) == ("NONE", [])


@pytest.mark.parametrize(("size", "expected"), [(1_000_000_000, "OK"), (1_000_000_001, "REFUSED")])
def test_more_than_an_incremental_import_takes_is_refused(size: int, expected: str) -> None:
    mark = seen(interactions=1000, users=100, items=10)
    mark["datasets"]["users"]["fingerprint"] = mark["datasets"]["items"]["fingerprint"] = "1"
    new = {**dataset(12_000_000, users=100, usersWithTwo=50), "bytes": size}
    night = {**datasets(interactions=new), "mode": "INCREMENTAL"}
    assert verdict(night, mark) == verdict(night, mark, force=True) == expected
    assert verdict({**night, "mode": "FULL"}, mark) == "OK"


def test_an_empty_dataset_is_not_imported() -> None:
    jobs = data_check.check("run", datasets(items=dataset(0)), {}, force=True)["imports"]
    assert {job["dataset"]: job["mode"] for job in jobs} == {"interactions": "FULL", "items": "NONE", "users": "FULL"}


@pytest.mark.parametrize(
    ("trained", "rows", "why"),
    [
        ({}, 1000, "no model has been trained yet"),
        (
            {"at": NOW - 7 * DAY_MS, "rows": 1000, "kinds": ["recommendation"]},
            1000,
            "the last training is 7.0 days old",
        ),
        ({"at": NOW, "rows": 1000, "kinds": ["recommendation"]}, 1100, "10.0% new interactions"),
        ({"at": NOW, "rows": 1000, "kinds": ["popularity"]}, 1000, "no recommendation model has been trained yet"),
    ],
)
def test_reasons_to_train(trained: dict[str, Any], rows: int, why: str) -> None:
    planned = plan(rows, {"trained": trained}, NOW, trigger="schedule", force=False)
    assert planned["decision"] == "TRAIN"
    assert planned["why"].startswith(why)
    assert [model["kind"] for model in planned["models"]] == ["recommendation", "popularity"]


@pytest.mark.parametrize("rows", [1000, 1099, 900])
def test_reasons_not_to_train(rows: int) -> None:
    trained = {"at": NOW - 6 * DAY_MS, "rows": 1000, "kinds": ["recommendation"]}
    planned = plan(rows, {"trained": trained}, NOW, trigger="schedule", force=False)
    assert (planned["decision"], planned["models"]) == ("KEEP", [])
    assert plan(rows, {"trained": trained}, NOW, trigger="schedule", force=True)["decision"] == "TRAIN"


@pytest.mark.parametrize(
    ("hours", "trigger", "force", "decision"),
    [
        (19.9, "request", False, "KEEP"),
        (20.0, "request", False, "TRAIN"),
        (19.9, "request", True, "TRAIN"),
        (19.9, "schedule", False, "TRAIN"),
    ],
)
def test_requests_do_not_train_one_after_the_other(hours: float, trigger: str, force: bool, decision: str) -> None:
    trained = {"at": NOW - round(hours * policy.HOUR_MS), "rows": 1000, "kinds": ["recommendation"]}
    planned = plan(1500, {"trained": trained}, NOW, trigger=trigger, force=force)
    assert planned["decision"] == decision
    if decision == "KEEP":
        assert planned["why"] == (
            "the last training is 19.9 h old, and a request trains 20 h after it at the earliest; the next night may: "
            "50.0% new interactions since the last training (limit 10%)"
        )


def test_the_first_training_may_be_asked_for() -> None:
    assert plan(1000, {}, NOW, trigger="request", force=False)["decision"] == "TRAIN"


@pytest.mark.usefixtures("reranking")
def test_turning_reranking_on_trains_the_ranking_model() -> None:
    trained = {"at": NOW, "rows": 1000, "kinds": ["recommendation", "popularity"]}
    planned = plan(1000, {"trained": trained}, NOW, trigger="schedule", force=False)
    assert planned["why"] == "no ranking model has been trained yet"
    assert planned["models"][-1] == {**policy.BASELINE, "name": "student-ranking-popularity"}


@pytest.mark.parametrize(
    ("value", "floor", "promoted"),
    [
        (0.3, 0.2, True),
        (0.2, 0.2, True),
        (0.19, 0.2, False),
        (0.0, 0.0, False),
        (math.nan, 0.1, False),
        (0.3, math.nan, False),
    ],
)
def test_the_gate(value: float, floor: float, promoted: bool) -> None:
    verdict_, why = judge({METRIC: value}, {METRIC: floor})
    assert verdict_ is promoted
    assert "NDCG@25" in why


def test_the_gate_needs_both_numbers() -> None:
    assert judge({}, {METRIC: 0.1}) == (False, "Personalize gave no NDCG@25 for the model")
    assert judge({METRIC: 0.1}, {}) == (False, "Personalize gave no NDCG@25 for popularity")


def test_without_a_baseline_nothing_is_judged() -> None:
    assert gate.evaluate([])["outcome"] == "FAILED"
