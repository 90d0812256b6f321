"""Which function performs which operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.personalize.account import Account

    Operation = Callable[[Account, dict[str, Any]], Mapping[str, Any]]

OPERATIONS: dict[str, Operation] = {}


def operation(name: str) -> Callable[[Operation], Operation]:
    """Register the function that performs an operation: it takes the validated parameters and returns the answer."""

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register
