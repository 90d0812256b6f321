"""A name for parsed JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A value as `json.loads` gives it; its type is known from a service model's shape only, not to the type checker."""
