"""HTTP API: answers with the event it was given and its own surroundings."""

import json
import os
from typing import Any

SECRETS = ("AWS_SECRET_ACCESS_KEY",)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    body = {"event": event, "environment": environment, "pid": os.getpid(), "function": context.function_name}
    return {"statusCode": 200, "body": json.dumps(body), "headers": {"content-type": "application/json"}}
