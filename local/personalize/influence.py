"""What a campaign's configuration does to a model's answers: ranking influence, and exploration of young items.

Amazon documents the options, their ranges and their direction, not their formulas; these are ours. Without a
configuration nothing changes: a model's ranking is what it is.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from local.personalize.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from local.personalize.filtering import Catalogue, Mask
    from local.personalize.interactions import Interactions

DAY = 86_400.0
EXPLORING = frozenset({"aws-user-personalization", "aws-user-personalization-v2"})
WEIGHT, AGE_CUT_OFF = "explorationWeight", "explorationItemAgeCutOff"
DEFAULT_WEIGHT, DEFAULT_AGE_CUT_OFF = 0.3, 30.0


@dataclass(frozen=True)
class Traits:
    """What the imported interactions say of a catalogue's items: how many there are, and each item's age in days."""

    interactions: NDArray[np.float64]
    age: NDArray[np.float64]

    @classmethod
    def of(cls, catalogue: Catalogue, interactions: Interactions) -> Traits:
        """Ages run to the newest interaction, from CREATION_TIMESTAMP, else the first interaction, else from then."""
        latest = float(interactions.time.max()) if len(interactions) else 0.0
        # One place more than there are items, for those that nobody interacted with.
        counts = np.bincount(interactions.item, minlength=len(interactions.items) + 1)
        first = np.full(len(interactions.items) + 1, latest)
        np.minimum.at(first, interactions.item, interactions.time)
        codes = {item: code for code, item in enumerate(interactions.items)}
        rows = np.array([codes.get(item, len(codes)) for item in catalogue.ids], np.intp)
        created = catalogue.numbers("CREATION_TIMESTAMP")
        age = (latest - np.where(np.isnan(created), first[rows], created)) / DAY
        return cls(counts[rows].astype(np.float64), np.maximum(age, 0.0))


def check_campaign(recipe: str, configuration: Mapping[str, Any]) -> None:
    """Refuse a configuration that the recipe does not know, or whose values are out of range.

    Raises:
        InvalidInput: Names the member at fault.
    """
    exploration: Mapping[str, str] = configuration.get("itemExplorationConfig", {})
    if exploration and recipe not in EXPLORING:
        raise InvalidInput(f"itemExplorationConfig is not supported by the recipe {recipe}.")
    unknown = sorted(set(exploration) - {WEIGHT, AGE_CUT_OFF})
    if unknown:
        raise InvalidInput(f"itemExplorationConfig has no member {', '.join(unknown)}.")
    if WEIGHT in exploration and not 0 <= _number(exploration[WEIGHT]) <= 1:
        raise InvalidInput(f"itemExplorationConfig: {WEIGHT} must be a number from 0 to 1.")
    if AGE_CUT_OFF in exploration and not 0 < _number(exploration[AGE_CUT_OFF]) < math.inf:
        raise InvalidInput(f"itemExplorationConfig: {AGE_CUT_OFF} must be a positive number of days.")


def influenced(scores: NDArray[np.float32], traits: Traits, influence: Mapping[str, float]) -> NDArray[np.float32]:
    """Scores of the model's items, each factor added in units of their own spread: weight x spread x its z-score."""
    count, spread = len(scores), float(scores.std())
    factors = {
        "POPULARITY": np.log1p(traits.interactions[:count]),
        "FRESHNESS": -np.log1p(traits.age[:count]),
    }
    added = sum((weight * spread * _standardized(factors[name]) for name, weight in influence.items()), np.zeros(count))
    return (scores + added).astype(np.float32)


def explored(
    exploration: Mapping[str, str], catalogue: Catalogue, traits: Traits, allowed: Mask, best: Sequence[int], asker: str
) -> list[int]:
    """Young items to show beside the best: those with the fewest interactions, ties drawn, the same for the same asker.

    Args:
        exploration: The itemExplorationConfig; what it leaves out has Amazon's default.
        catalogue: The items.
        traits: What is known of them.
        allowed: Which pass the filter.
        best: Positions of what the model recommends.
        asker: The user's id.
    """
    young = allowed & (traits.age <= _number(exploration.get(AGE_CUT_OFF, str(DEFAULT_AGE_CUT_OFF))))
    young[list(best)] = False
    places = int(len(best) * _number(exploration.get(WEIGHT, str(DEFAULT_WEIGHT))))
    found: list[int] = np.flatnonzero(young).tolist()
    found.sort(key=lambda at: (traits.interactions[at], zlib.crc32(f"{asker}\n{catalogue.ids[at]}".encode())))
    return found[:places]


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std()
    return (values - values.mean()) / spread if spread else np.zeros(len(values))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
