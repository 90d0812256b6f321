"""Promotions: a share of the results must come from items that pass another filter."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def slots(count: int, promoted: int, asker: str) -> list[bool]:
    """Which of `count` places hold promoted items: at random, but the same for the same asker."""
    places = [position < promoted for position in range(count)]
    random.Random(zlib.crc32(asker.encode())).shuffle(places)  # noqa: S311 - a layout, not a secret
    return places


def merged(
    ordinary: Sequence[int], promoted: Sequence[int], name: str, count: int, asker: str
) -> list[tuple[int, str]]:
    """Positions with the name of their promotion ("" for none): both kinds in their own order, places drawn."""
    chosen = set(promoted)
    others = [position for position in ordinary if position not in chosen][: count - len(promoted)]
    from_promotion, from_others = iter(promoted), iter(others)
    return [
        (next(from_promotion), name) if place else (next(from_others), "")
        for place in slots(len(promoted) + len(others), len(promoted), asker)
    ]


def share_of(promotion: Mapping[str, Any], count: int) -> int:
    """How many of `count` results a promotion fills.

    Raises:
        InvalidInput: It lacks its filter, its share or its name.
    """
    for member in ("name", "percentPromotedItems", "filterArn"):
        if member not in promotion:
            raise InvalidInput(
                f"Value null at 'promotions.1.member.{member}' failed to satisfy constraint: Member must not be null"
            )
    return max(1, round(count * int(promotion["percentPromotedItems"]) / 100))
