"""Stream of the table: remembers each record, reports the poisonous one as failed and leaves the rest to a retry."""

import os
import uuid
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    table = boto3.resource("dynamodb").Table(os.environ["SEEN_TABLE"])
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["pk"]["S"]
        table.put_item(Item={"pk": "SEEN#relay", "sk": uuid.uuid4().hex, "key": key, "event": record["eventName"]})
        if "poison" in key:
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
