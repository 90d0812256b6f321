"""The recipes on offer; a recipe's type decides which runtime operation serves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.personalize.errors import ResourceNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "arn:aws:personalize:::"
USER_PERSONALIZATION, PERSONALIZED_RANKING = "USER_PERSONALIZATION", "PERSONALIZED_RANKING"
RELATED_ITEMS, POPULAR_ITEMS, TRENDING_NOW = "RELATED_ITEMS", "POPULAR_ITEMS", "TRENDING_NOW"


@dataclass(frozen=True)
class Recipe:
    """A recipe: its type decides which runtime operation serves it."""

    name: str
    type: str
    description: str
    hyper_parameters: Mapping[str, str]

    @property
    def arn(self) -> str:
        """Its ARN, the same in every account."""
        return f"{PREFIX}recipe/{self.name}"


SEQUENCE_V1 = {"hidden_dimension": "149", "bptt": "32", "recency_mask": "true"}
SEQUENCE_V2 = {"apply_recency_bias": "true"}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("aws-user-personalization-v2", USER_PERSONALIZATION, "Items a user will want next.", SEQUENCE_V2),
        Recipe("aws-user-personalization", USER_PERSONALIZATION, "Items a user will want next.", SEQUENCE_V1),
        Recipe("aws-personalized-ranking-v2", PERSONALIZED_RANKING, "Given items in a user's order.", SEQUENCE_V2),
        Recipe("aws-personalized-ranking", PERSONALIZED_RANKING, "Given items in a user's order.", SEQUENCE_V1),
        Recipe("aws-popularity-count", POPULAR_ITEMS, "Items with the most interactions.", {}),
        Recipe(
            "aws-trending-now",
            TRENDING_NOW,
            "Items whose interactions grow fastest.",
            {"trend_discovery_frequency": "2 hours"},
        ),
        Recipe(
            "aws-similar-items",
            RELATED_ITEMS,
            "Items similar to a given one.",
            {"popularity_discount_factor": "0.0", "item_id_hidden_dim": "100", "item_metadata_hidden_dim": "100"},
        ),
        Recipe(
            "aws-sims",
            RELATED_ITEMS,
            "Items that occur together with a given one.",
            {"popularity_discount_factor": "0.5", "min_cointeraction_count": "3"},
        ),
    )
}


def recipe_name(arn: str) -> str:
    """The name of an existing recipe.

    Raises:
        ResourceNotFound: No recipe has that ARN.
    """
    name = arn.removeprefix(f"{PREFIX}recipe/")
    if name not in RECIPES:
        raise ResourceNotFound(f"Could not find Recipe with Arn {arn}. Known: {', '.join(RECIPES)}")
    return name


def recipe_type(arn: str) -> str:
    """The type of an existing recipe."""
    return RECIPES[recipe_name(arn)].type
