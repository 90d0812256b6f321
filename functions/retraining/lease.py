"""One retraining at a time, whoever starts it: an item with owner, expiry and a fencing token.

The token grows with every new holder. Each step proves owner and token while it renews, before it creates or promotes
anything, so a holder that was overtaken stops at its next step. A holder's execution may be looked up: once that is
over nobody waits for the lease to expire.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from campus import clock, tables
from campus.clients import client
from campus.observability import logger
from campus.settings import settings

KEY = {"pk": "LEASE", "sk": "nightly_retraining"}

_OVER = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


class LeaseLostError(RuntimeError):
    """Another run holds the lease, or this one gave it back; nothing more may be created or promoted."""


@dataclass(frozen=True)
class Lease:
    """Proof of being the one run; travels through the state machine as `{owner, runId, fencingToken}`."""

    owner: str
    run_id: str
    fencing_token: int

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The lease that the state machine hands to every function under `lease`."""
        wire = event["lease"]
        return cls(wire["owner"], wire["runId"], int(wire["fencingToken"]))

    def to_dict(self) -> dict[str, Any]:
        """As the state machine carries it."""
        return {"owner": self.owner, "runId": self.run_id, "fencingToken": self.fencing_token}


def acquire(owner: str, run_id: str, *, answers_requests: bool = False) -> Lease | None:
    """Take the lease, also from a holder whose time or whose execution is over; None while another one holds it.

    Asking again as the same owner succeeds (the first answer may have been lost).

    Args:
        owner: an execution's ARN.
        run_id: its run, or the ticket of its erasure.
        answers_requests: forget the requests noted so far, because this run reads all that they are about.
    """
    free = "attribute_not_exists(#owner) OR #owner = :owner OR leaseExpiresAt < :now"
    held = _take(owner, run_id, free, {}, answers_requests=answers_requests)
    if held is None and (dead := _dead_holder()):
        abandoned = "(#owner = :dead AND fencingToken = :token) OR #owner = :owner"
        held = _take(owner, run_id, abandoned, dead, answers_requests=answers_requests)
    return held


@contextmanager
def returned_on_error(held: Lease) -> Iterator[None]:
    """Give the lease back where the block raises: there is no run yet that would do so at its end."""
    try:
        yield
    except Exception:
        with suppress(ClientError, BotoCoreError):
            give_back(held)
        raise


def prove(event: Mapping[str, Any]) -> Lease:
    """The lease of a step's input, proved and prolonged; raises LeaseLostError."""
    held = Lease.of(event)
    renew(held)
    return held


def renew(lease: Lease) -> None:
    """Prove and prolong the lease.

    Raises:
        LeaseLostError: somebody else took it over.
    """
    try:
        _update(
            UpdateExpression="SET leaseExpiresAt = :expiry",
            **_held_by(lease, {":expiry": clock.now() + settings.lease_seconds}),
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            raise _lost(lease) from None
        raise


def release(lease: Lease) -> dict[str, Any]:
    """The lease given back, as one action for `tables.transact`: it fails unless `lease` still holds."""
    return {
        "Update": {
            "TableName": settings.operations_table,
            "Key": KEY,
            "UpdateExpression": "REMOVE #owner, leaseExpiresAt",
            **_held_by(lease),
        }
    }


def give_back(lease: Lease, *further: Mapping[str, Any]) -> None:
    """Release the lease together with other actions, all or nothing.

    Requests write to the lease, too, and one that comes at this very moment only has this tried again.

    Raises:
        botocore.exceptions.ClientError: see `tables.refused`; ConditionalCheckFailed where `lease` no longer holds.
    """
    tables.insist(lambda: tables.transact([release(lease), *further]))


def write(lease: Lease, *actions: Mapping[str, Any]) -> None:
    """Write what only the holder may.

    Raises:
        LeaseLostError: somebody else took it over; nothing was written.
    """
    holds = {"TableName": settings.operations_table, "Key": KEY, **_held_by(lease)}
    try:
        tables.insist(lambda: tables.transact([{"ConditionCheck": holds}, *actions]))
    except ClientError as error:
        if "ConditionalCheckFailed" in tables.refused(error):
            raise _lost(lease) from None
        raise


def request_another() -> bool:
    """Note on the held lease that somebody asked for a run meanwhile; False where nobody holds it any more."""
    try:
        _update(
            UpdateExpression="SET requested = :yes",
            ConditionExpression="attribute_exists(#owner)",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":yes": True},
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return False
        raise
    return True


def another_requested() -> bool:
    """Whether a request came in during this run."""
    item = tables.operations().get_item(Key=KEY, ConsistentRead=True).get("Item", {})
    return bool(item.get("requested", False))


def _take(
    owner: str, run_id: str, condition: str, values: Mapping[str, Any], *, answers_requests: bool
) -> Lease | None:
    now = clock.now()
    setting = (
        "SET #owner = :owner, runId = :run, leaseExpiresAt = :expiry, acquiredAt = :now, "
        "fencingToken = if_not_exists(fencingToken, :zero) + :one"
    )
    try:
        answer = _update(
            UpdateExpression=setting + (" REMOVE requested" if answers_requests else ""),
            ConditionExpression=condition,
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={
                ":owner": owner,
                ":run": run_id,
                ":expiry": now + settings.lease_seconds,
                ":now": now,
                ":zero": 0,
                ":one": 1,
                **values,
            },
            ReturnValues="ALL_NEW",
        )
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return None
        raise
    return Lease(owner, run_id, int(str(answer["Attributes"]["fencingToken"])))


def _dead_holder() -> dict[str, Any]:
    """What proves the holder, if its execution was aborted, ran out of time, or ended with a laptop's `up`; else {}.

    Where Step Functions does not answer, or does not know the execution (yet: its answers may lag behind), the holder
    counts as alive, and the lease ends by itself.
    """
    item = tables.operations().get_item(Key=KEY, ConsistentRead=True).get("Item", {})
    if "owner" not in item:
        return {}
    try:
        execution = client("stepfunctions").describe_execution(executionArn=str(item["owner"]))
    except (ClientError, BotoCoreError) as error:
        logger().warning("the lease's holder could not be looked up", error=type(error).__name__)
        return {}
    return {":dead": item["owner"], ":token": item["fencingToken"]} if execution["status"] in _OVER else {}


def _update(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - DynamoDB's own arguments
    """One write of the item, on which a hundred requests may meet each other, and a run that ends."""
    return dict(tables.insist(lambda: tables.operations().update_item(Key=KEY, **arguments)))


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(f"run {lease.run_id} with token {lease.fencing_token} lost the lease")


def _held_by(lease: Lease, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The condition of a write that only the holder may make, whose expressions use further `values`."""
    return {
        "ConditionExpression": "#owner = :owner AND fencingToken = :token",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": lease.owner, ":token": lease.fencing_token, **(values or {})},
    }
