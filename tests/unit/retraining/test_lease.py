"""The lease: one holder, an expiry, a token that tells the old holder from the new one."""

from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from campus import clock, tables
from retraining import lease
from retraining.lease import Lease, LeaseLostError


def acquired(owner: str = "first") -> Lease:
    held = lease.acquire(owner, f"run-of-{owner}")
    assert held is not None
    return held


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    now = clock.now() + seconds
    monkeypatch.setattr(clock, "now", lambda: now)


def test_of_a_hundred_only_one_holds_it() -> None:
    holders = [lease.acquire(f"execution-{number}", f"run-{number}") for number in range(100)]
    assert [holder.run_id for holder in holders if holder] == ["run-0"]


def test_asking_again_as_the_holder_succeeds() -> None:
    assert acquired().fencing_token < acquired().fencing_token


def test_an_expired_lease_is_taken_over_and_its_old_holder_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    old = acquired("old")
    later(monkeypatch, 1801)
    new = acquired("new")
    assert new.fencing_token > old.fencing_token
    with pytest.raises(LeaseLostError):
        lease.renew(old)
    lease.renew(new)


def test_renewing_prolongs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = acquired("patient")
    later(monkeypatch, 1700)
    lease.renew(held)
    later(monkeypatch, 1700)
    assert lease.acquire("eager", "another") is None


def test_an_expired_lease_that_nobody_took_can_still_be_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    held = acquired()
    later(monkeypatch, 9999)
    lease.renew(held)
    assert lease.acquire("eager", "another") is None


def test_a_released_lease_is_free_and_its_token_goes_on_growing() -> None:
    first = acquired("first")
    tables.transact([lease.release(first)])
    assert acquired("second").fencing_token == first.fencing_token + 1


def test_a_lease_given_back_proves_nothing() -> None:
    held = acquired()
    tables.transact([lease.release(held)])
    with pytest.raises(LeaseLostError):
        lease.prove({"lease": held.to_dict()})


def test_a_lost_lease_cannot_be_released(monkeypatch: pytest.MonkeyPatch) -> None:
    old = acquired("old")
    later(monkeypatch, 1801)
    acquired("new")
    with pytest.raises(Exception, match="TransactionCanceled"):
        tables.transact([lease.release(old)])
    assert lease.acquire("third", "another") is None


def test_a_request_is_noted_only_while_somebody_holds_it() -> None:
    assert lease.request_another() is False
    held = acquired()
    assert lease.another_requested() is False
    assert lease.request_another() is True
    tables.transact([lease.release(held)])
    assert lease.another_requested() is True


class Crowd:
    """DynamoDB calls that meet another one on the same item, the first time each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.met: list[str] = []
        self.real = BaseClient._make_api_call  # type: ignore[attr-defined]
        monkeypatch.setattr(BaseClient, "_make_api_call", lambda client, *call: self.answer(client, *call))

    def answer(self, client: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        if operation in {"UpdateItem", "TransactWriteItems"} and self.met.count(operation) < 3:
            self.met.append(operation)
            single = operation == "UpdateItem"
            code = "TransactionConflictException" if single else "TransactionCanceledException"
            reasons = [] if single else [{"Code": "TransactionConflict"}]
            answer: Any = {"Error": {"Code": code}, "CancellationReasons": reasons}
            raise ClientError(answer, operation)
        return self.real(client, operation, given)


def test_who_meets_another_one_on_the_lease_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for write in (acquired, lease.request_another):
        with monkeypatch.context() as patched:
            crowd = Crowd(patched)
            assert write()
        assert crowd.met == ["UpdateItem"] * 3


def test_a_run_ends_well_though_a_request_comes_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    held = acquired()
    crowd = Crowd(monkeypatch)
    lease.renew(held)
    lease.give_back(held)
    assert crowd.met == ["UpdateItem"] * 3 + ["TransactWriteItems"] * 3
    assert lease.request_another() is False


def test_a_run_that_reads_everything_has_answered_the_requests_before_it() -> None:
    held = acquired()
    lease.request_another()
    tables.transact([lease.release(held)])
    held = acquired("rollback")
    assert lease.another_requested() is True
    tables.transact([lease.release(held)])
    assert lease.acquire("night", "run", answers_requests=True)
    assert lease.another_requested() is False


def execution(status: str) -> str:
    """An execution's ARN."""
    states = boto3.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/machine"
    machine = states.create_state_machine(name="nightly", definition="{}", roleArn=role)["stateMachineArn"]
    arn: str = states.start_execution(stateMachineArn=machine)["executionArn"]
    if status == "ABORTED":
        states.stop_execution(executionArn=arn)
    return arn


def test_the_lease_of_an_execution_that_ended_is_taken_over_at_once() -> None:
    old = acquired(execution("ABORTED"))
    new = acquired("new")
    assert new.fencing_token > old.fencing_token
    with pytest.raises(LeaseLostError):
        lease.renew(old)


@pytest.mark.parametrize("owner", ["RUNNING", "unknown"])
def test_one_that_runs_or_that_nobody_knows_keeps_it(owner: str) -> None:
    unknown = "arn:aws:states:ap-southeast-1:123456789012:execution:nightly:unknown"
    held = acquired(unknown if owner == "unknown" else execution("RUNNING"))
    assert lease.acquire("new", "run") is None
    lease.renew(held)


def test_of_two_that_find_the_holder_dead_one_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    acquired(execution("ABORTED"))
    found = lease._dead_holder()
    acquired("quicker")
    monkeypatch.setattr(lease, "_dead_holder", lambda: found)
    assert lease.acquire("slower", "run") is None
    assert lease.acquire("quicker", "run") is not None
