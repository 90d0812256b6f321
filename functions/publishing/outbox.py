"""The outbox: an event is written in the same transaction as the fact it tells, and relayed to the bus afterwards.

So nothing is published that was not committed, and nothing committed is lost when the bus is away. The event id is
the producer's: a repeated `Idempotency-Key` names the same event again, and a re-relayed event keeps its id.
"""

import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from campus import clock, tables
from campus.events import AnyEvent, Metadata
from campus.http import Request
from campus.settings import settings

PENDING = "OUTBOX#PENDING"
_NAMESPACE = uuid.UUID("6f0c8f5e-5d1b-5c53-9a4e-2f6f3c1f7f0a")
_ATTEMPTS = 6


def key(event_id: str) -> dict[str, str]:
    """Primary key of an event's outbox item in Operations."""
    return {"pk": f"OUTBOX#{event_id}", "sk": "EVENT"}


def metadata(request: Request, resource: str) -> Metadata:
    """The envelope of the event that a request causes.

    Args:
        request: its caller and Idempotency-Key, with `resource`, fix the event id; without a key the id is random.
        resource: method and concrete path, so that one key used on two resources names two events.
    """
    if (client_key := request.idempotency_key) is None:
        event_id = uuid.uuid4()
    else:
        event_id = uuid.uuid5(_NAMESPACE, json.dumps([request.caller.user_id, resource, client_key]))
    correlation = f"request:{request.request_id}" if request.request_id else str(event_id)
    return Metadata(str(event_id), clock.iso(clock.now()), correlation)


def item(event: AnyEvent) -> dict[str, Any]:
    """The pending outbox item of an event."""
    return {
        **key(event.metadata.event_id),
        "eventId": event.metadata.event_id,
        "source": event.source,
        "detailType": event.detail_type,
        "detail": event.detail(),
        "state": PENDING,
        "since": clock.now(),
    }


def commit(event: AnyEvent, facts: Sequence[Mapping[str, Any]] = ()) -> bool:
    """Write the facts and the event, all or nothing.

    Args:
        event: goes to the outbox unless an event of its id is there already.
        facts: actions of TransactWriteItems, each with the condition under which it is news.

    Returns:
        False where a condition did not hold: this, or this event, was written before, and now nothing was.

    Raises:
        botocore.exceptions.ClientError: DynamoDB refused for another reason, or the items stayed contended.
    """
    put = {
        "TableName": settings.operations_table,
        "Item": item(event),
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            tables.transact([*facts, {"Put": put}])
        except ClientError as error:
            reasons = tables.refused(error)
            if "ConditionalCheckFailed" in reasons:
                return False
            # The SDK does not repeat a cancelled transaction, though contention between two requests passes.
            if not reasons or attempt == _ATTEMPTS or "ValidationError" in reasons:
                raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
        else:
            return True
    raise AssertionError("unreachable: the last attempt returns or raises")
