"""The fixtures of the retraining's functions belong to one run: each answers what the next is given."""

from typing import Any

import pytest

from campus import tables
from retraining import acquire_lease, check_data, plan_training, record_run
from tests.unit.campus.school import fixture


@pytest.fixture(autouse=True)
def _retraining(_school: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "1800")
    monkeypatch.setenv("RECOMMENDATION_RECIPE", "aws-user-personalization-v2")
    monkeypatch.setenv("RANKING_RECIPE", "aws-personalized-ranking-v2")
    monkeypatch.setenv("ENABLE_RERANKING", "false")
    monkeypatch.setenv("RETRAIN_AFTER_DAYS", "7")
    monkeypatch.setenv("RETRAIN_SHARE", "0.05")
    monkeypatch.setenv("LAKE_BUCKET", "lake")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Nightclass")


def test_the_run_of_the_fixtures_ends_as_promoted() -> None:
    run: dict[str, Any] = fixture("record_run")["run"]

    started = acquire_lease.handler(fixture("acquire_lease"), None)
    assert started["outcome"] == "ACQUIRED"
    for name in ("generate_training_data", "check_data", "train_model", "check_status", "record_run"):
        assert fixture(name)["lease"] == started["lease"]
    assert started["run"].keys() <= run.keys()

    assert check_data.handler(fixture("check_data"), None) == run["data"]
    assert plan_training.handler(fixture("plan_training"), None) == run["plan"]
    assert fixture("train_model")["model"] in run["plan"]["models"]

    record = record_run.handler(fixture("record_run"), None)
    assert record["status"] == "PROMOTED"
    row = tables.operations().get_item(Key={"pk": "MODEL", "sk": "student-ranking-recommendation"})["Item"]
    assert row["solutionVersionArn"] == fixture("update_campaign")["solutionVersionArn"]
