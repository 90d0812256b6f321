"""What comes to the mailers: nothing is begun that could not end in time, and what waits is hidden meanwhile."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from campus import queue
from campus.clients import client
from campus.observability import logger
from campus.queue import ParkedError, PostponedError
from campus.settings import settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

Spare = Callable[[], int]
"""Milliseconds that the invocation can spend before what must not be cut short; negative: it can begin no more."""

# SQS hides a message for 12 hours at most, counted from its receipt.
_LONGEST_HIDDEN = 43_200 - 300
# SES has 12 seconds to connect and answer; what would not end in time is not begun.
_ENOUGH_MILLISECONDS = 14_000
# The MailQueue gives a message up after ten receives; one that only waits leaves a margin for workers that die.
LAST_RECEIPT = 8


def consume(
    event: Mapping[str, Any],
    context: "LambdaContext",
    act: Callable[[Mapping[str, Any], Spare], None],
    postpone: queue.Postpone | None = None,
) -> "PartialItemFailureResponse":
    """`campus.queue.consume`, where what is left of the invocation is too short for SES is parked."""

    def spare() -> int:
        return context.get_remaining_time_in_millis() - _ENOUGH_MILLISECONDS

    def in_time(message: Mapping[str, Any]) -> None:
        if spare() < 0:
            raise ParkedError("no time left", 0)
        act(message, spare)

    return queue.consume(event, context, in_time, postpone)


def postpone_mail(record: "SQSRecord", error: PostponedError, seconds: int) -> bool:
    """Hide the message until it makes sense, instead of using up its receipts before.

    Every receipt counts towards the redrive. So a parked message is put on the queue anew before its last ones; should
    the worker die before the old one is deleted, there are two, and the ledger makes one mail of them.

    Returns:
        True where a new message stands for this one.
    """
    try:
        if isinstance(error, ParkedError) and queue.receipts(record) >= LAST_RECEIPT:
            client("sqs").send_message(QueueUrl=settings.mail_queue_url, MessageBody=record.body)
            return True
        client("sqs").change_message_visibility(
            QueueUrl=settings.mail_queue_url,
            ReceiptHandle=record.receipt_handle,
            VisibilityTimeout=min(seconds, _LONGEST_HIDDEN),
        )
    except (ClientError, BotoCoreError) as problem:
        # Then it comes back after the queue's own timeout, which is only earlier or later.
        logger().warning("not postponed", message_id=record.message_id, error=type(problem).__name__)
    return False
