"""A batch from SQS: each message by itself, so that a poisoned or postponed one holds up nobody."""

import json
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from campus import validation
from campus.observability import log_failure, logger, metrics
from campus.validation import InvalidInputError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

Act = Callable[[Mapping[str, Any]], None]
Postpone = Callable[["SQSRecord", "PostponedError", int], bool]


class PostponedError(Exception):
    """The message shall come back after `seconds`; None: the later the more often it came already."""

    def __init__(self, reason: str, seconds: int | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class ParkedError(PostponedError):
    """Nothing is wrong with the message, it only has to wait: however long it does, it never ends in the DLQ."""


def consume(
    event: Mapping[str, Any], context: "LambdaContext", act: Act, postpone: Postpone | None = None
) -> "PartialItemFailureResponse":
    """Hand each message's JSON object to `act`; the failed ones stay on the queue, and end in its DLQ by redrive.

    Args:
        event: Lambda's event from SQS.
        context: the invocation's.
        act: raises PostponedError for what should come back later, InvalidInputError for what can never be right.
        postpone: keeps a postponed message away for some seconds, or says True where it has put the message on the
            queue anew; without it the queue's own timeout keeps it away.
    """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    def handle(record: "SQSRecord") -> None:
        try:
            act(_body(record.body))
        except PostponedError as error:
            seconds = _backoff(record) if error.seconds is None else error.seconds
            logger().warning("postponed", message_id=record.message_id, reason=str(error), seconds=seconds)
            if postpone is None or not postpone(record, error, seconds):
                raise
        except InvalidInputError as error:
            logger().error("poisoned message", message_id=record.message_id, reason=str(error))
            raise
        except Exception as error:
            log_failure("failed", error, message_id=record.message_id)
            raise

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    try:
        return process_partial_response(dict(event), handle, processor, context)
    finally:
        if metrics().metric_set:
            metrics().flush_metrics()


def _body(text: str) -> Mapping[str, Any]:
    try:
        return validation.mapping(json.loads(text), "message")
    except (ValueError, RecursionError):
        raise InvalidInputError("the message is not a JSON object") from None


def receipts(record: "SQSRecord") -> int:
    """How often the message was received, this time included; the redrive policy counts the same."""
    return int(record.attributes.approximate_receive_count or 1)


def _backoff(record: "SQSRecord") -> int:
    """Seconds: some at the first receipt, three times as many at each further one, with jitter."""
    return random.randint(5, 30) * int(3 ** min(receipts(record) - 1, 6))  # noqa: S311 - jitter
