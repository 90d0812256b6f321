"""What Personalize holds is in doubt: a night failed while it imported, a dataset is gone, or nobody can be asked."""

import pytest

from campus import clock, tables
from retraining import doubts, export, import_mode, imports, lake, lease, names, runs, scope
from tests.unit.retraining import students, test_import_modes
from tests.unit.retraining.account import Account, RefusedError
from tests.unit.retraining.holdings import Holdings
from tests.unit.retraining.test_import_modes import held, night, student, wanted

pytestmark = pytest.mark.usefixtures("_small")
_small = test_import_modes._small


def test_after_a_failed_import_all_users_and_items_are_imported(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(77)
    students.put(students.interaction("s1", 99))
    assert night("n2", fails=True)["users"] == "PUT"
    mark = runs.watermark()
    assert mark["runId"] == "n1"
    assert "unsure" not in mark["datasets"]["items"]
    student(78)
    manifest = export.brief(export.export("n3", clock.now_ms(), scope.choose(mark, clock.now_ms(), full=False)))
    jobs = [job for job in import_mode.choose("n3", manifest, mark) if job["dataset"] == "users"]
    assert [(job["mode"], job["base"]) for job in jobs] == [("FULL", "n1 n2"), ("PUT", "n1 n2")]
    assert jobs[0]["why"] == (
        "run n2 failed after it had begun to import; 2 added or changed and 0 removed since run n1 and run n2"
    )
    assert night("n3")["interactions"] == "EVENTS"
    assert held(account) == wanted()


def test_whoever_overtook_a_run_keeps_its_own_doubt(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    stale, mark = lease.acquire("one", "n2"), runs.watermark()
    assert stale
    lease.give_back(stale)
    with pytest.raises(lease.LeaseLostError):
        doubts.note(stale, mark, [{"dataset": "users", "mode": "PUT"}])
    assert runs.watermark() == mark


def test_whoever_left_after_a_failed_night_leaves_personalize(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    for number in range(100, 105):
        student(number)
    assert night("n2", fails=True)["users"] == "INCREMENTAL"
    for number in range(100, 105):
        tables.students().delete_item(Key={"studentId": f"s{number}"})
    assert night("n3")["users"] == "FULL"
    assert held(account) == wanted()


def test_what_a_failed_night_put_is_put_right_although_the_next_one_fails_too(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(1, "en")
    assert night("n2", fails=True)["users"] == "PUT"
    student(1, "vi")
    with monkeypatch.context() as at_once:
        at_once.setattr(imports, "advance", lambda *_: {"outcome": "FAILED"})
        night("n3", fails=True)
    assert runs.watermark()["datasets"]["users"]["unsure"] == ["n2", "n3"]
    night("n4")
    assert held(account) == wanted()
    assert "unsure" not in runs.watermark()["datasets"]["users"]


def test_the_resumed_run_itself_goes_on_with_what_it_had_chosen(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(77)
    night("n2", fails=True)
    assert night("n2")["users"] == "PUT"


@pytest.mark.usefixtures("_no_sleep")
def test_a_night_that_could_not_ask_imports_everything_and_puts_again_what_was_put(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    student(1, "en")
    assert night("n2")["users"] == "PUT"
    student(1, "vi")
    account.refusals["DescribeDataset"] = [RefusedError("ThrottlingException", "slow down")] * 3
    assert set(night("n3").values()) == {"FULL"}
    assert held(account) == wanted()


@pytest.mark.parametrize("dataset", ["users", "items"])
def test_users_or_items_that_are_gone_are_imported_again_and_nothing_else(account: Account, dataset: str) -> None:
    students.term(people=5, each=4)
    night("n1")
    account.holdings.bulk[dataset] = []
    del account.resources[names.dataset_arn(dataset)]
    assert night("n2") == {"interactions": "NONE", "items": "NONE", "users": "NONE", dataset: "FULL"}
    why = lake.existing_manifest("n2")["gone"]
    assert why == {dataset: f"the dataset {dataset} that run n1 imported into is gone"}
    assert held(account) == wanted()


def test_a_dataset_made_anew_gets_everything_again(account: Account) -> None:
    students.term(people=5, each=4)
    night("n1")
    account.holdings = Holdings()
    arn = names.dataset_arn("interactions")
    account.resources[arn]["creationDateTime"] = clock.now() + 5
    assert set(night("n2").values()) == {"FULL"}
    assert held(account) == wanted()
