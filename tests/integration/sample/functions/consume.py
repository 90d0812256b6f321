"""SQS: remembers each body and when it was worked on, and fails the poisonous ones."""

import os
import time
import uuid
from decimal import Decimal
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    table = boto3.resource("dynamodb").Table(os.environ["SEEN_TABLE"])
    started = Decimal(str(time.time()))
    if any("slow" in record["body"] for record in event["Records"]):
        time.sleep(0.5)
    for record in event["Records"]:
        seen = {
            "pk": "SEEN#consume",
            "sk": uuid.uuid4().hex,
            "body": record["body"],
            "receives": int(record["attributes"]["ApproximateReceiveCount"]),
            "pid": os.getpid(),
            "started": started,
            "ended": Decimal(str(time.time())),
        }
        table.put_item(Item=seen)
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]} for record in event["Records"] if "poison" in record["body"]
        ]
    }
