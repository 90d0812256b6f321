"""A state's task: logs, answers or raises as the input asks."""

import os
import sys
import time
from typing import Any


class SchoolClosedError(Exception):
    pass


CALLS = {"count": 0}


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    CALLS["count"] += 1
    time.sleep(event.get("sleep", 0))
    sys.stdout.write("".join(f"{line}\n" for line in event.get("log", [])))
    match event.get("raise"):
        case "closed":
            raise SchoolClosedError("the school is closed")
        case str(message):
            raise ValueError(message)
    return {"seen": event, "calls": CALLS["count"], "pid": os.getpid(), "greeting": os.environ["GREETING"]}
