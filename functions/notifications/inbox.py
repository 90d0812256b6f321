"""A batch from SQS: each message by itself, so that a poisoned or postponed one holds up nobody."""

import json
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from campus import validation
from campus.clients import client
from campus.observability import logger, metrics
from campus.settings import settings
from campus.validation import InvalidInputError
from notifications.postponement import PostponedError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

Act = Callable[[Mapping[str, Any]], None]
Hide = Callable[["SQSRecord", int], None]
# SQS hides a message for 12 hours at most, counted from its receipt.
_LONGEST_HIDDEN = 43_200 - 300
# SES has 12 seconds to connect and answer; what would not end in time is not begun.
_ENOUGH_MILLISECONDS = 14_000


def consume(
    event: Mapping[str, Any], context: "LambdaContext", act: Act, hide: Hide | None = None
) -> "PartialItemFailureResponse":
    """Hand each message's JSON object to `act`; the failed ones stay on the queue, and end in its DLQ by redrive.

    Args:
        event: Lambda's event from SQS.
        context: tells the time that is left.
        act: raises PostponedError for what should come back later.
        hide: keeps a postponed message away for some seconds; without it the queue's own timeout does.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    def handle(record: "SQSRecord") -> None:
        try:
            _require_time(context)
            act(_body(record.body))
        except PostponedError as error:
            seconds = _backoff(record) if error.seconds is None else error.seconds
            logger().warning("postponed", message_id=record.message_id, reason=str(error), seconds=seconds)
            if hide:
                hide(record, seconds)
            raise
        except InvalidInputError as error:
            logger().error("poisoned message", message_id=record.message_id, reason=str(error))
            raise
        except Exception as error:
            # Its text may quote what was sent, so only its name is logged.
            logger().error("failed", message_id=record.message_id, error=type(error).__name__)
            raise

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    try:
        return process_partial_response(dict(event), handle, processor, context)
    finally:
        if metrics().metric_set:
            metrics().flush_metrics()


def _require_time(context: "LambdaContext") -> None:
    if context.get_remaining_time_in_millis() < _ENOUGH_MILLISECONDS:
        raise PostponedError("no time left", 0)


def _body(text: str) -> Mapping[str, Any]:
    try:
        return validation.mapping(json.loads(text), "message")
    except ValueError:
        raise InvalidInputError("the message is not a JSON object") from None


def _backoff(record: "SQSRecord") -> int:
    """Seconds: some at the first receipt, three times as many at each further one, with jitter."""
    receipts = int(record.attributes.approximate_receive_count or 1)
    return random.randint(5, 30) * int(3 ** min(receipts - 1, 6))  # noqa: S311 - jitter


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
