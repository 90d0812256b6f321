"""What comes to the mailers: nothing is begun that could not end in time, and what waits is hidden meanwhile."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from campus import queue
from campus.clients import client
from campus.observability import logger
from campus.queue import Act, Hide, PostponedError
from campus.settings import settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

# SQS hides a message for 12 hours at most, counted from its receipt.
_LONGEST_HIDDEN = 43_200 - 300
# SES has 12 seconds to connect and answer; what would not end in time is not begun.
_ENOUGH_MILLISECONDS = 14_000


def consume(
    event: Mapping[str, Any], context: "LambdaContext", act: Act, hide: Hide | None = None
) -> "PartialItemFailureResponse":
    """`campus.queue.consume`, where what is left of the invocation is too short for SES is postponed."""

    def in_time(message: Mapping[str, Any]) -> None:
        if context.get_remaining_time_in_millis() < _ENOUGH_MILLISECONDS:
            raise PostponedError("no time left", 0)
        act(message)

    return queue.consume(event, context, in_time, hide)


def hide_on_mail_queue(record: "SQSRecord", seconds: int) -> None:
    """Let the message come back when it makes sense, instead of using up its receipts before."""
    try:
        client("sqs").change_message_visibility(
            QueueUrl=settings.mail_queue_url,
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=min(seconds, _LONGEST_HIDDEN),
        )
    except (ClientError, BotoCoreError) as error:
        # Then it comes back after the queue's own timeout, which is only earlier or later.
        logger().warning("visibility unchanged", message_id=record.message_id, error=type(error).__name__)
