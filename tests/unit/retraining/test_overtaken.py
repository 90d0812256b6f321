"""A run whose execution was stopped, and whose function goes on all the same while another run is at work."""

import pytest
from botocore.client import BaseClient

from campus import clock, tables
from campus.clients import client
from campus.settings import settings
from retraining import campaigns, data_check, lease, reading, runs
from tests.unit.retraining import students
from tests.unit.retraining.account import Account
from tests.unit.retraining.machine import Machine, handler
from tests.unit.retraining.test_import_modes import held, student, wanted
from tests.unit.retraining.test_lease import execution
from tests.unit.retraining.test_rollback import CAMPAIGN, deployed
from tests.unit.retraining.test_whole_runs import live

STALE = "261122-020000-aaaa"


class Stopped(BaseException):
    """StopExecution, or the end of a laptop: no state is entered any more."""


def test_its_promotion_is_refused_though_it_began_before(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    students.term()
    first = machine.run({"trigger": "schedule"}).output["solutionVersionArn"]
    machine.run({"trigger": "manual", "force": True})
    second = live()["solutionVersionArn"]
    machine.run({"trigger": "rollback", "to": first})
    stale = lease.acquire(execution("ABORTED"), STALE)
    assert stale is not None
    real = campaigns._describe
    others: list[None] = []

    def slow(*asked: object) -> object:
        found = real(*asked)  # type: ignore[arg-type]
        if not others:
            others.append(None)
            assert machine.run({"trigger": "rollback", "to": first}).status == "SUCCEEDED"
        return found

    monkeypatch.setattr(campaigns, "_describe", slow)
    with pytest.raises(lease.LeaseLostError):
        handler("update_campaign")({"lease": stale.to_dict(), "name": CAMPAIGN, "solutionVersionArn": second})
    assert deployed(account) == live()["solutionVersionArn"] == first


@pytest.mark.parametrize("worker", [{}, {"worker": 1}])
def test_its_export_writes_nothing_more(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, worker: dict[str, int]
) -> None:
    students.term()
    stale = lease.acquire(execution("ABORTED"), STALE)
    assert stale is not None
    taken: list[lease.Lease | None] = []
    real = reading.scan

    def overtaken(table: str, *asked: object, **more: object) -> object:
        pages = real(table, *asked, **more)  # type: ignore[arg-type]
        if table == settings.interactions_table and not taken:
            taken.append(lease.acquire("another", "261122-030000-bbbb"))
        return pages

    monkeypatch.setattr(reading, "scan", overtaken)
    asked = {"lease": stale.to_dict(), "cutOff": clock.now_ms(), "full": True, "workers": 2 if worker else 1, **worker}
    with pytest.raises(lease.LeaseLostError):
        handler("generate_training_data")(asked)
    assert taken[0] is not None
    assert client("s3").list_objects_v2(Bucket=settings.lake_bucket)["KeyCount"] == 0


def test_a_takeover_whose_answer_was_lost_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lease.acquire(execution("ABORTED"), STALE) is not None
    real = getattr(BaseClient, "_make_api_call")  # noqa: B009 - the stubs do not know it
    lost: list[object] = []

    def call(self: BaseClient, operation: str, said: dict[str, object]) -> object:
        if "#owner = :dead" in str(said.get("ConditionExpression")) and not lost:
            lost.append(real(self, operation, said))  # done; the SDK asks again
        return real(self, operation, said)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    held = lease.acquire("new", "261122-030000-bbbb")
    assert lost
    assert held is not None
    lease.renew(held)
    assert tables.operations().get_item(Key=lease.KEY)["Item"]["owner"] == "new"
    assert runs.load(STALE) is None


def test_a_night_that_was_stopped_leaves_its_doubt_too(
    machine: Machine, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_check, "MIN_INTERACTIONS", 100)
    students.term()
    assert machine.run({"trigger": "schedule"}).status == "SUCCEEDED"
    student(1, "en")

    def stopped(_: object) -> object:
        raise Stopped

    machine.instead["plan_training"] = stopped
    with pytest.raises(Stopped):
        machine.run({"trigger": "schedule"})
    assert "en" in held(account)[1].values()
    machine.instead.clear()
    student(1, "vi")
    later = clock.now() + 3600
    monkeypatch.setattr(clock, "now", lambda: later)
    assert machine.run({"trigger": "schedule"}).status == "SUCCEEDED"
    assert held(account)[1] == wanted()[1]
    assert not [known for known in runs.watermark()["datasets"].values() if "unsure" in known]
