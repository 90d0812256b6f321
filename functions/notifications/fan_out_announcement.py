"""Trigger: SQS AnnouncementQueue (teacher.sendAnnouncement)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from notifications import fan_out, inbox

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """The messages that stay on the queue."""
    return inbox.consume(event, context, fan_out.fan_out)
