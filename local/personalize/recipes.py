"""The recipes on offer; a recipe's type decides which runtime operation serves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.personalize.errors import ResourceNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "arn:aws:personalize:::"
USER_PERSONALIZATION, PERSONALIZED_RANKING = "USER_PERSONALIZATION", "PERSONALIZED_RANKING"
RELATED_ITEMS, POPULAR_ITEMS, TRENDING_NOW = "RELATED_ITEMS", "POPULAR_ITEMS", "TRENDING_NOW"


@dataclass(frozen=True)
class Recipe:
    """A recipe: its type decides which runtime operation serves it.

    `features` are the default parameters of its feature transformation. `algorithm` and `transformation` are the names
    of both in AWS; where the developer guide tells none, they bear the recipe's.
    """

    name: str
    type: str
    description: str
    hyper_parameters: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, str] = field(default_factory=dict)
    algorithm: str = ""
    transformation: str = ""

    @property
    def arn(self) -> str:
        """Its ARN, the same in every account."""
        return f"{PREFIX}recipe/{self.name}"

    @property
    def algorithm_arn(self) -> str:
        """The ARN of its algorithm."""
        return f"{PREFIX}algorithm/{self.algorithm or self.name}"

    @property
    def transformation_arn(self) -> str:
        """The ARN of its feature transformation, which recipes may share."""
        return f"{PREFIX}feature-transformation/{self.transformation or self.name}"


NEXT, ORDER = "Items a user will want next.", "Given items in a user's order."
SEQUENCE_V1 = {"hidden_dimension": "149", "bptt": "32", "recency_mask": "true"}
SEQUENCE_V2 = {"apply_recency_bias": "true"}
HISTORY = {"min_user_history_length_percentile": "0.0", "max_user_history_length_percentile": "0.99"}
COUNTS = {
    "min_user_history_length_percentile": "0.005",
    "max_user_history_length_percentile": "0.995",
    "min_item_interaction_count_percentile": "0.01",
    "max_item_interaction_count_percentile": "0.9",
}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("aws-user-personalization-v2", USER_PERSONALIZATION, NEXT, SEQUENCE_V2),
        Recipe("aws-user-personalization", USER_PERSONALIZATION, NEXT, SEQUENCE_V1, HISTORY),
        Recipe("aws-personalized-ranking-v2", PERSONALIZED_RANKING, ORDER, SEQUENCE_V2),
        Recipe(
            "aws-personalized-ranking",
            PERSONALIZED_RANKING,
            ORDER,
            SEQUENCE_V1,
            HISTORY,
            transformation="JSON-percentile-filtering",
        ),
        Recipe("aws-popularity-count", POPULAR_ITEMS, "Items with the most interactions.", transformation="sims"),
        Recipe(
            "aws-trending-now",
            TRENDING_NOW,
            "Items whose interactions grow fastest.",
            features={"trend_discovery_frequency": "2 hours"},
            algorithm="aws-trending-now-custom",
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
            COUNTS,
            transformation="sims",
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
