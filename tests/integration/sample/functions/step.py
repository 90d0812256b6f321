"""A state's task: answers or raises as the input asks."""

import os
from typing import Any


class SchoolClosedError(Exception):
    pass


class RetryThisError(Exception):
    pass


CALLS = {"count": 0}


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    CALLS["count"] += 1
    if event.get("raise") == "closed":
        raise SchoolClosedError("the school is closed")
    if event.get("raise") == "once" and CALLS["count"] == 1:
        raise RetryThisError("try again")
    return {"seen": event, "calls": CALLS["count"], "pid": os.getpid(), "greeting": os.environ["GREETING"]}
