"""Stream of the table: remembers each record, reports those that ask for it as failed."""

from typing import Any

from seen import remember


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    failures = []
    for record in event["Records"]:
        keys = record["dynamodb"]["Keys"]
        remember("relay", key=keys["pk"]["S"], event_name=record["eventName"])
        if "poison" in keys["pk"]["S"]:
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
            break
    return {"batchItemFailures": failures}
