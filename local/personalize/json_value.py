"""JSON as it comes from clients."""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A value as `json.loads` gives it; its type is known from a service model's shape only, not to the type checker."""
DEEPEST = 100


def parse_json(text: str) -> Json:
    """The value of a JSON text.

    Raises:
        ValueError: Not JSON (which has neither NaN nor infinity), or nested too deep to be worked with.
    """
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    _check_depth(value, DEEPEST)
    return value


TOO_DEEP = f"lists and objects are nested more than {DEEPEST} deep"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _check_depth(value: Json, left: int) -> None:
    if not isinstance(value, list | dict):
        return
    if not left:
        raise ValueError(TOO_DEEP)
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, left - 1)
