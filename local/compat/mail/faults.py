"""Faults of SendEmail on request, for tests: refused, failed, slow, its answer or an event lost.

- `{"effect": "fail", "times": 1}`: 500 before the mail is taken
- `{"effect": "throttle", "share": 0.3}`: 429 before the mail is taken
- `{"effect": "delay", "seconds": 0.5}`: a late answer
- `{"effect": "lose", "share": 0.2}`: the mail is taken, and the connection breaks in the middle of the answer
- `{"effect": "drop", "event": "SEND"}`: the event is never sent; "*" is every event

Without `times` a rule holds until all are dropped. Shares are drawn from a seeded generator: same calls, same faults.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from local.compat.mail.wire import Answer, refused

EFFECTS = frozenset({"fail", "throttle", "delay", "lose", "drop"})
_SEED = 7


@dataclass
class Rule:
    """One fault; `times` counts down, None means for ever."""

    effect: str
    event: str = ""
    share: float = 1.0
    seconds: float = 0.0
    times: int | None = None


class Faults:
    """The rules in force; every call comes from the emulator's event loop."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._random = random.Random(_SEED)  # noqa: S311 - decides which test calls fail, not a secret

    def add(self, fields: dict[str, Any]) -> None:
        """Add a rule.

        Raises:
            ValueError: unknown field or effect.
        """
        try:
            rule = Rule(**fields)
        except TypeError as error:
            raise ValueError(f"A fault rule has the fields {', '.join(Rule.__annotations__)}: {error}") from error
        if rule.effect not in EFFECTS or (rule.effect == "drop") != bool(rule.event):
            raise ValueError(f"An effect is one of {', '.join(sorted(EFFECTS))}; drop, and only drop, names an event")
        self._rules.append(rule)

    def clear(self) -> None:
        """Drop all rules and begin the draws anew."""
        self._rules.clear()
        self._random.seed(_SEED)

    async def before_acceptance(self) -> Answer | None:
        """The answer instead of SES's where the mail is not taken."""
        if rule := self._take("delay"):
            await asyncio.sleep(rule.seconds)
        if self._take("throttle"):
            return refused("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        if self._take("fail"):
            return refused("InternalFailure", "An injected fault.", 500)
        return None

    def after_acceptance(self, answer: Answer) -> Answer:
        """The answer as the caller sees it: whole, or cut short, so that the server closes the connection."""
        if not self._take("lose"):
            return answer
        status, headers, body = answer
        return status, {**headers, "Content-Length": str(len(body))}, body[:-1]

    def drops(self, kind: str) -> bool:
        """Whether this event gets lost."""
        return self._take("drop", kind) is not None

    def _take(self, effect: str, event: str = "") -> Rule | None:
        for rule in self._rules:
            fits = rule.effect == effect and rule.event in (event, "*") and rule.times != 0
            if fits and (rule.share >= 1 or self._random.random() < rule.share):
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None


FAULTS = Faults()
