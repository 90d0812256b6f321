"""Trigger: SQS MailQueue (student.enrolled, student.submitAssignment, announcements to one recipient each)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from notifications import delivery, inbox

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """The messages that stay on the queue."""
    return inbox.consume(event, context, delivery.deliver, inbox.postpone_mail)
