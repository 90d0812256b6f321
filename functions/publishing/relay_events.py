"""Trigger: the stream of Operations (inserted outbox items), and a schedule with `{"sweep": true}`."""

from collections.abc import Mapping
from typing import Any

from publishing import relay


def handler(event: Mapping[str, Any], context: object) -> Mapping[str, Any]:
    """`{"batchItemFailures": …}` to the stream, `{"relayed": n, "pending": n}` to the schedule."""
    if event.get("sweep"):
        return relay.sweep()
    return relay.from_stream(event["Records"])
