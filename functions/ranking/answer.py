"""What a ranking answers: scored items, the rung of the ladder they come from, and the model behind them."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Scored:
    """An item and its score; scores compare only within one answer."""

    item_id: str
    score: float


@dataclass(frozen=True)
class Answer:
    """Items best first; `source` is campaign, cache or popular; `model_version` is None where no model spoke."""

    items: Sequence[Scored]
    source: str
    model_version: str | None = None

    def without(self, excluded: Container[str]) -> Self:
        """The same answer without some items."""
        return replace(self, items=[item for item in self.items if item.item_id not in excluded])

    def first(self, count: int) -> Self:
        """The `count` best."""
        return replace(self, items=self.items[:count])

    def body(self, user_id: str) -> dict[str, Any]:
        """As it goes over HTTP."""
        return {
            "userId": user_id,
            "recommendations": [{"itemId": item.item_id, "score": item.score} for item in self.items],
            "source": self.source,
            "modelVersion": self.model_version,
        }
