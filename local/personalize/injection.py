"""Faults on request, for tests: failing, stopping or hanging jobs, a full disk, throttled or slow answers.

Off unless the service was made with `allow_faults`. A rule is a JSON object, given to `POST /_personalize/faults`:

    {"job": "SolutionVersion", "name": "night-*", "effect": "fail", "reason": "…", "times": 1}
    {"job": "DatasetImportJob", "effect": "full disk"}
    {"operation": "GetRecommendations", "effect": "throttle", "share": 0.2}
    {"operation": "*", "effect": "delay", "seconds": 0.5, "times": 10}

`job` is a kind of resource, `name` and `operation` may hold the wildcards of `fnmatch`; without `times` a rule holds
until `DELETE /_personalize/faults`, and what hangs goes on then. Shares are drawn from a seeded generator: same calls,
same faults.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput
from local.personalize.store import KINDS, SOLUTION_VERSION
from local.personalize.wire import operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.personalize.store import Resource

JOB_EFFECTS = frozenset({"fail", "stop", "hang", "full disk"})
CALL_EFFECTS = frozenset({"throttle", "delay"})
SEED = 7


@dataclass
class Rule:
    """One fault; `times` counts down, None means for ever."""

    effect: str
    job: str = ""
    name: str = "*"
    operation: str = ""
    reason: str = "An injected fault."
    share: float = 1.0
    seconds: float = 0.0
    times: int | None = None


def _checked(fields: dict[str, Any]) -> Rule:
    try:
        rule = Rule(**fields)
    except TypeError as error:
        raise InvalidInput(f"A fault rule has the fields {', '.join(Rule.__annotations__)}: {error}") from error
    for name, (holds, must) in RULES.items():
        if name in fields and not holds(fields[name]):
            raise InvalidInput(f"The {name} of a fault rule must be {must}, not {fields[name]!r}.")
    if rule.effect not in (JOB_EFFECTS if rule.job else CALL_EFFECTS) or bool(rule.job) == bool(rule.operation):
        raise InvalidInput(
            f"A fault rule names a job ({', '.join(sorted(JOB_EFFECTS))})"
            f" or an operation ({', '.join(sorted(CALL_EFFECTS))})."
        )
    if rule.effect == "stop" and rule.job != SOLUTION_VERSION.name:
        raise InvalidInput("Only a SolutionVersion can be stopped.")
    return rule


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_operation(value: object) -> bool:
    return isinstance(value, str) and any(fnmatchcase(name, value) for name in operations())


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value <= 1


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and value >= 0


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)


JOBS = tuple(kind.name for kind in KINDS if kind.status)
RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "effect": (_is_text, "a string"),
    "job": (JOBS.__contains__, f"one of {', '.join(JOBS)}"),
    "name": (_is_text, "a string"),
    "operation": (_is_operation, "an operation, or a pattern that fits one"),
    "reason": (_is_text, "a string"),
    "share": (_is_share, "a number above 0, at most 1"),
    "seconds": (_is_duration, "a number, at least 0"),
    "times": (_is_count, "a whole number, at least 1"),
}
"""What the value of each field must be, as a test and in words."""


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = Lock()
        self._random = random.Random(SEED)  # noqa: S311 - decides which test calls fail, not a secret

    def add(self, *rules: dict[str, Any]) -> None:
        """Add rules; all of them, or none if one is refused.

        Raises:
            InvalidInput: Unknown fields, values that a field cannot have, or an effect that does not go with them.
        """
        checked = [_checked(fields) for fields in rules]
        with self._lock:
            self._rules += checked

    def clear(self) -> None:
        """Drop all rules and begin the draws anew."""
        with self._lock:
            self._rules.clear()
            self._random.seed(SEED)

    def for_job(self, resource: Resource) -> Rule | None:
        """The fault to apply to a job that begins to run."""
        name = str(resource.record.get("jobName") or resource.record.get("name") or resource.arn)
        return self._take(lambda rule: rule.job == resource.kind.name and fnmatchcase(name, rule.name))

    def for_call(self, operation: str) -> Rule | None:
        """The fault to apply to a call."""
        return self._take(lambda rule: bool(rule.operation) and fnmatchcase(operation, rule.operation))

    def _take(self, fits: Callable[[Rule], bool]) -> Rule | None:
        with self._lock:
            for rule in self._rules:
                if rule.times != 0 and fits(rule) and (rule.share >= 1 or self._random.random() < rule.share):
                    if rule.times is not None:
                        rule.times -= 1
                    return rule
        return None
