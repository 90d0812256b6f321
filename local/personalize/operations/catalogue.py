"""What the service offers by itself: recipes, algorithms and feature transformations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput, ResourceNotFound
from local.personalize.operations.listing import page
from local.personalize.operations.registry import operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account

PREFIX = "arn:aws:personalize:::"
RELEASED = 1_543_622_400.0
"""2018-12-01, epoch seconds: a fixed date for what is not created by anybody."""
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
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("aws-user-personalization-v2", USER_PERSONALIZATION, "Items a user will want next.", {}),
        Recipe("aws-user-personalization", USER_PERSONALIZATION, "Items a user will want next.", SEQUENCE_V1),
        Recipe("aws-personalized-ranking-v2", PERSONALIZED_RANKING, "Given items in a user's order.", {}),
        Recipe("aws-personalized-ranking", PERSONALIZED_RANKING, "Given items in a user's order.", SEQUENCE_V1),
        Recipe("aws-popularity-count", POPULAR_ITEMS, "Items with the most interactions.", {}),
        Recipe(
            "aws-trending-now",
            TRENDING_NOW,
            "Items whose interactions grow fastest.",
            {"trend_discovery_frequency": "1 day"},
        ),
        Recipe("aws-similar-items", RELATED_ITEMS, "Items similar to a given one.", {}),
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


@operation("ListRecipes")
def list_recipes(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Recipes for custom dataset groups; there are none here for domains."""
    found = [] if "domain" in parameters else [_recipe(recipe) for recipe in RECIPES.values()]
    return page(found, parameters, "recipes")


@operation("DescribeRecipe")
def describe_recipe(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """One recipe."""
    return {"recipe": _recipe(RECIPES[recipe_name(parameters["recipeArn"])])}


@operation("DescribeAlgorithm")
def describe_algorithm(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The algorithm of a recipe, which bears its name; the container image is AWS's secret and a placeholder here."""
    recipe = _of_recipe(parameters["algorithmArn"], "algorithm")
    return {
        "algorithm": {
            "name": recipe.name,
            "algorithmArn": parameters["algorithmArn"],
            "algorithmImage": {"name": recipe.name, "dockerURI": "local"},
            "defaultHyperParameters": dict(recipe.hyper_parameters),
            "defaultHyperParameterRanges": {},
            "defaultResourceConfig": {},
            "trainingInputMode": "File",
            **_dates(),
        }
    }


@operation("DescribeFeatureTransformation")
def describe_transformation(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The feature transformation of a recipe, which bears its name."""
    recipe = _of_recipe(parameters["featureTransformationArn"], "feature-transformation")
    return {
        "featureTransformation": {
            "name": recipe.name,
            "featureTransformationArn": parameters["featureTransformationArn"],
            "defaultParameters": {},
            "status": "ACTIVE",
            **_dates(),
        }
    }


def _of_recipe(arn: str, segment: str) -> Recipe:
    name = arn.removeprefix(f"{PREFIX}{segment}/")
    if not arn.startswith(PREFIX):
        raise InvalidInput(f"{arn} is no ARN of a {segment}.")
    if name not in RECIPES:
        raise ResourceNotFound(f"Could not find {segment} with Arn {arn}")
    return RECIPES[name]


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "recipeArn": recipe.arn,
        "algorithmArn": f"{PREFIX}algorithm/{recipe.name}",
        "featureTransformationArn": f"{PREFIX}feature-transformation/{recipe.name}",
        "recipeType": recipe.type,
        "description": recipe.description,
        "status": "ACTIVE",
        **_dates(),
    }


def _dates() -> dict[str, float]:
    return {"creationDateTime": RELEASED, "lastUpdatedDateTime": RELEASED}
