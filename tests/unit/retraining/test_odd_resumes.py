"""What was made though its answer was lost is adopted; an export that builds on what counts no longer is refused."""

from typing import Any

import pytest

from tests.unit.retraining import students
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.machine import Machine
from tests.unit.retraining.test_whole_runs import lease_owner


@pytest.mark.usefixtures("_no_sleep")
@pytest.mark.parametrize(
    "operation",
    ["CreateDataset", "CreateDatasetImportJob", "CreateSolution", "CreateSolutionVersion", "CreateCampaign"],
)
def test_what_was_made_though_the_answer_was_lost_is_adopted(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """The SDK asks again by itself and is told that it exists already."""
    students.term()
    real = account.answer
    lost: list[str] = []

    def answer(name: str, given: dict[str, Any]) -> Any:
        made = real(name, given)
        if name == operation and not lost:
            lost.append(name)
            raise RefusedError("InternalServerException", "the answer is lost", 500)
        return made

    monkeypatch.setattr(account, "answer", answer)
    ended = machine.run({"trigger": "schedule"})
    assert (ended.status, ended.error, lost) == ("SUCCEEDED", "", [operation])


def test_a_resumed_export_on_top_of_another_dataset_group_is_refused_by_name(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    students.term()
    machine.run({"trigger": "schedule", "runId": "first"})
    students.put(*(students.interaction("s1", number) for number in range(500, 520)))
    account.endings["recommendation/v"] = ("CREATE FAILED", "no luck")
    assert machine.run({"trigger": "manual", "force": True, "runId": "second"}).status == "FAILED"
    account.endings.clear()
    monkeypatch.setenv("DATASET_GROUP", "other")
    ended = machine.run({"runId": "second"})
    assert (ended.error, lease_owner()) == ("DataRefused", None)
    assert "the export builds on run first, which counts no longer: start a new run" in ended.cause
