"""Trigger: SQS FeedbackQueue (SES's events on the default bus, without addresses)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from campus import queue
from notifications import feedback

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """The messages that stay on the queue."""
    return queue.consume(event, context, feedback.record)
