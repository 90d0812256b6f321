"""Trigger: the stream of Operations (inserted outbox items), and a schedule with `{"sweep": true}`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from campus.observability import without_texts
from publishing import relay

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@without_texts
def handler(event: Mapping[str, Any], context: "LambdaContext") -> Mapping[str, Any]:
    """`{"batchItemFailures": …}` to the stream, `{"relayed": n, "pending": n}` to the schedule."""
    if event.get("sweep"):
        return relay.sweep(context.get_remaining_time_in_millis)
    return relay.from_stream(event["Records"], context.get_remaining_time_in_millis)
