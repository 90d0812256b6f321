"""What the service offers by itself: recipes, algorithms and feature transformations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput, ResourceNotFound
from local.personalize.operations.listing import page
from local.personalize.operations.registry import operation
from local.personalize.recipes import PREFIX, RECIPES, recipe_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.recipes import Recipe

RELEASED = 1_543_622_400.0
"""2018-12-01, epoch seconds: a fixed date for what is not created by anybody."""


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
