"""The queues: how much waits in each, and dead letters on their way back."""

import json
from typing import Final

from botocore.exceptions import ClientError

from local.console.sources.account import Account, Row
from local.console.sources.events import short

_BATCH: Final = 10
_MOST: Final = 1000
# What answers an API that the local cloud does not have.
_UNKNOWN: Final = {"InvalidAction", "AWS.SimpleQueueService.UnsupportedOperation", "UnknownOperationException"}


class Queues:
    """SQS."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def all(self) -> list[Row]:
        """Every queue: name, arn, waiting, inFlight, and for dead letters `source`, the queue they come from."""
        sqs = self._account.client("sqs")
        rows: dict[str, Row] = {}
        redrives: dict[str, str] = {}
        for url in self._account.kept("queues", 60, lambda: sqs.list_queues(MaxResults=100).get("QueueUrls", [])):
            attributes = sqs.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=[
                    "QueueArn",
                    "RedrivePolicy",
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                ],
            )["Attributes"]
            arn = attributes["QueueArn"]
            if policy := attributes.get("RedrivePolicy"):
                redrives[json.loads(policy)["deadLetterTargetArn"]] = arn
            rows[arn] = {
                "name": short(arn),
                "arn": arn,
                "url": url,
                "waiting": int(attributes.get("ApproximateNumberOfMessages", 0)),
                "inFlight": int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0)),
            }
        for arn, row in rows.items():
            row["source"] = redrives.get(arn)
            row["dead"] = arn in redrives or row["name"] == "DeadLetters"
        return sorted(rows.values(), key=lambda row: (row["dead"], row["name"]))

    def letters(self, name: str) -> list[Row] | None:
        """Some dead letters of a queue, left where they are: body, sentAt; None where there is no such queue."""
        dead = next((row for row in self.all() if row["name"] == name and row["dead"]), None)
        if dead is None:
            return None
        messages = self._account.client("sqs").receive_message(
            QueueUrl=dead["url"], MaxNumberOfMessages=_BATCH, VisibilityTimeout=0, AttributeNames=["SentTimestamp"]
        )
        return [
            {"body": one["Body"], "sentAt": int(one.get("Attributes", {}).get("SentTimestamp", 0)) / 1000}
            for one in messages.get("Messages", [])
        ]

    def redrive(self, name: str) -> int | None:
        """Send the dead letters of a queue back to where they came from.

        Returns:
            How many went; None where SQS does it on its own from now on.

        Raises:
            LookupError: there is no such queue of dead letters with a source.
        """
        queues = {row["arn"]: row for row in self.all()}
        dead = next((row for row in queues.values() if row["name"] == name and row["source"]), None)
        if dead is None:
            raise LookupError("There is no such queue of dead letters.")
        try:
            self._account.client("sqs").start_message_move_task(SourceArn=dead["arn"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN:
                raise
            return self._move(dead["url"], queues[dead["source"]]["url"])
        return None

    def _move(self, dead: str, alive: str) -> int:
        """What StartMessageMoveTask does, message by message."""
        sqs = self._account.client("sqs")
        moved = 0
        while moved < _MOST:
            messages = sqs.receive_message(
                QueueUrl=dead, MaxNumberOfMessages=_BATCH, MessageAttributeNames=["All"], WaitTimeSeconds=0
            ).get("Messages", [])
            if not messages:
                break
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                sqs.send_message(QueueUrl=alive, MessageBody=message["Body"], MessageAttributes=attributes)
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
        return moved
