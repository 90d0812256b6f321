"""What the service offers by itself: recipes, algorithms and feature transformations."""

from __future__ import annotations

from collections import ChainMap
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
    return page(found, parameters, "recipes", range(len(found)))


@operation("DescribeRecipe")
def describe_recipe(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """One recipe."""
    return {"recipe": _recipe(RECIPES[recipe_name(parameters["recipeArn"])])}


@operation("DescribeAlgorithm")
def describe_algorithm(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The algorithm of a recipe; the container image is AWS's secret and a placeholder here."""
    arn, name = _named(parameters["algorithmArn"], "algorithm")
    found = [recipe for recipe in RECIPES.values() if recipe.algorithm_arn == arn]
    if not found:
        raise ResourceNotFound(f"Could not find algorithm with Arn {arn}")
    return {
        "algorithm": {
            "name": name,
            "algorithmArn": arn,
            "algorithmImage": {"name": name, "dockerURI": "local"},
            "defaultHyperParameters": dict(found[0].hyper_parameters),
            "defaultHyperParameterRanges": {},
            "defaultResourceConfig": {},
            "trainingInputMode": "File",
            **_dates(),
        }
    }


@operation("DescribeFeatureTransformation")
def describe_transformation(_: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The feature transformation of one recipe or of several, whose parameters it has."""
    arn, name = _named(parameters["featureTransformationArn"], "feature-transformation")
    found = [recipe.features for recipe in RECIPES.values() if recipe.transformation_arn == arn]
    if not found:
        raise ResourceNotFound(f"Could not find feature-transformation with Arn {arn}")
    return {
        "featureTransformation": {
            "name": name,
            "featureTransformationArn": arn,
            "defaultParameters": dict(ChainMap(*map(dict, found))),
            "status": "ACTIVE",
            **_dates(),
        }
    }


def _named(arn: str, segment: str) -> tuple[str, str]:
    """An ARN of Personalize's own resources, and the name it ends with."""
    if not arn.startswith(PREFIX):
        raise InvalidInput(f"{arn} is no ARN of a {segment}.")
    return arn, arn.rpartition("/")[2]


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "recipeArn": recipe.arn,
        "algorithmArn": recipe.algorithm_arn,
        "featureTransformationArn": recipe.transformation_arn,
        "recipeType": recipe.type,
        "description": recipe.description,
        "status": "ACTIVE",
        **_dates(),
    }


def _dates() -> dict[str, float]:
    return {"creationDateTime": RELEASED, "lastUpdatedDateTime": RELEASED}
