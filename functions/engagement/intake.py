"""A batch from SQS: each event recorded by itself, then followed live."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from campus import validation
from campus.observability import logger, metrics
from campus.validation import InvalidInputError
from engagement import interaction, live, recording

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


def consume(event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """Take in the interactions of a batch; the failed ones stay on the queue, and end in its DLQ by redrive."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    try:
        return process_partial_response(dict(event), _take_in, processor, context)
    finally:
        if metrics().metric_set:
            metrics().flush_metrics()


def _take_in(record: "SQSRecord") -> None:
    try:
        happened = interaction.of(_body(record.body))
        recording.record(happened)
    except InvalidInputError as error:
        logger().error("poisoned message", message_id=record.message_id, reason=str(error))
        raise
    except Exception as error:
        # Its text may quote what was written, so only its name is logged.
        logger().error("failed", message_id=record.message_id, error=type(error).__name__)
        raise
    # Also after a repeated delivery: the first may have ended in between. Personalize uses an event id once.
    live.follow(happened)


def _body(text: str) -> Mapping[str, Any]:
    try:
        return validation.mapping(json.loads(text), "message")
    except ValueError:
        raise InvalidInputError("the message is not a JSON object") from None
