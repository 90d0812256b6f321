"""SQS: remembers each body, how many run at once, and fails the poisonous ones."""

import os
import time
from typing import Any

from seen import remember


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    started = time.time()
    failures = []
    for record in event["Records"]:
        if "sleep" in record["body"]:
            time.sleep(0.3)
        if "poison" in record["body"]:
            failures.append({"itemIdentifier": record["messageId"]})
        remember(
            "consume",
            body=record["body"],
            receives=int(record["attributes"]["ApproximateReceiveCount"]),
            pid=os.getpid(),
            started=str(started),
            ended=str(time.time()),
        )
    return {"batchItemFailures": failures}
