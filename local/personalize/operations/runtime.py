"""GetRecommendations and GetPersonalizedRanking."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local.personalize.csv_source import CONVERSIONS
from local.personalize.errors import InvalidInput, NotImplementedHere, ResourceNotFound
from local.personalize.operations.datasets import schema_of
from local.personalize.operations.registry import operation
from local.personalize.questions import Question
from local.personalize.recipes import (
    PERSONALIZED_RANKING,
    RELATED_ITEMS,
    USER_PERSONALIZATION,
    recipe_name,
    recipe_type,
)
from local.personalize.store import CAMPAIGN, SOLUTION_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.questions import Suggestion
    from local.personalize.store import Resource

DEFAULT_RESULTS = 25
MAXIMUM_RESULTS, MAXIMUM_WITH_METADATA = 500, 50
MAXIMUM_COLUMNS = 10
GIVES_REASONS = "aws-user-personalization-v2"


@operation("GetRecommendations")
def recommend(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The items that suit a user, or that are similar to an item, best first."""
    if "recommenderArn" in parameters:
        raise NotImplementedHere("Recommenders of domain dataset groups are not implemented here.")
    if "campaignArn" not in parameters:
        raise InvalidInput("Value null at 'campaignArn' failed to satisfy constraint: Member must not be null")
    campaign = _campaign(account, parameters)
    kind = recipe_type(_version(account, campaign).record["recipeArn"])
    if kind == PERSONALIZED_RANKING:
        raise InvalidInput("GetRecommendations does not support recipes of type PERSONALIZED_RANKING.")
    if kind == USER_PERSONALIZATION and "userId" not in parameters:
        raise InvalidInput("userId is required for recipes of type USER_PERSONALIZATION.")
    if kind == RELATED_ITEMS and "itemId" not in parameters:
        raise InvalidInput("itemId is required for recipes of type RELATED_ITEMS.")
    columns = _metadata_columns(account, campaign, parameters)
    count = _checked_count(parameters.get("numResults") or DEFAULT_RESULTS, "numResults", columns)
    question = _question(account, campaign, parameters)
    found = question.recommended(count)
    answer = [_predicted(question, suggestion, columns) for suggestion in found]
    return {"itemList": answer, "recommendationId": _recommendation_id()}


@operation("GetPersonalizedRanking")
def rank(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The given items in the order that suits a user; items unknown to the model come last, unscored."""
    campaign = _campaign(account, parameters)
    if recipe_type(_version(account, campaign).record["recipeArn"]) != PERSONALIZED_RANKING:
        raise InvalidInput("GetPersonalizedRanking supports only recipes of type PERSONALIZED_RANKING.")
    columns = _metadata_columns(account, campaign, parameters)
    _checked_count(len(parameters["inputList"]), "inputList", columns)
    if not parameters["inputList"]:
        raise InvalidInput("inputList must name at least one item.")
    question = _question(account, campaign, parameters)
    known, unknown = question.ranked(parameters["inputList"])
    ranking = [_predicted(question, suggestion, columns) for suggestion in known]
    ranking += [{"itemId": item, "score": 0.0} for item in unknown]
    return {"personalizedRanking": ranking, "recommendationId": _recommendation_id()}


def _question(account: Account, campaign: Resource, parameters: Mapping[str, Any]) -> Question:
    _check_context(account, campaign, parameters.get("context", {}))
    if parameters.get("filterValues") and "filterArn" not in parameters:
        raise InvalidInput("filterValues are for the filter of a filterArn, which is missing.")
    configuration = campaign.record["campaignConfig"]
    return Question.of(account.serving, account.store, _version(account, campaign), configuration, parameters)


def _check_context(account: Account, campaign: Resource, context: Mapping[str, str]) -> None:
    """A context names metadata fields of the Interactions schema, with values of their types."""
    dataset = account.serving.dataset(campaign.record["datasetGroupArn"], "INTERACTIONS")
    fields = {field.name: field for field in schema_of(account, dataset).metadata("INTERACTIONS")} if dataset else {}
    for name, value in context.items():
        if name not in fields:
            raise InvalidInput(f"context: the Interactions schema has no metadata field {name}.")
        try:
            CONVERSIONS[fields[name].type](value)
        except ValueError as error:
            raise InvalidInput(f"context: '{value[:80]}' is no {fields[name].type}, the type of {name}.") from error


def _campaign(account: Account, parameters: Mapping[str, Any]) -> Resource:
    campaign = account.store.find(CAMPAIGN, parameters["campaignArn"])
    if campaign.status != "ACTIVE":
        raise ResourceNotFound(f"Campaign {campaign.arn} is not ACTIVE; its status is {campaign.status}.")
    return campaign


def _version(account: Account, campaign: Resource) -> Resource:
    return account.store.find(SOLUTION_VERSION, campaign.record["solutionVersionArn"])


def _checked_count(count: int, member: str, columns: list[str]) -> int:
    limit = MAXIMUM_WITH_METADATA if columns else MAXIMUM_RESULTS
    if count > limit:
        raise InvalidInput(
            f"Value '{count}' at '{member}' failed to satisfy constraint: at most {limit}"
            f"{' with metadata' if columns else ''}"
        )
    return count


def _metadata_columns(account: Account, campaign: Resource, parameters: Mapping[str, Any]) -> list[str]:
    wanted: Mapping[str, list[str]] = parameters.get("metadataColumns", {})
    if not wanted:
        return []
    if not campaign.record["campaignConfig"].get("enableMetadataWithRecommendations"):
        raise InvalidInput("metadataColumns needs a campaign with enableMetadataWithRecommendations.")
    if set(wanted) != {"ITEMS"}:
        raise InvalidInput("metadataColumns has the one key ITEMS.")
    if len(wanted["ITEMS"]) > MAXIMUM_COLUMNS:
        raise InvalidInput(f"metadataColumns can name at most {MAXIMUM_COLUMNS} columns.")
    items = account.serving.dataset(campaign.record["datasetGroupArn"], "ITEMS")
    unknown = [name for name in wanted["ITEMS"] if items is None or name not in schema_of(account, items)]
    if unknown:
        raise InvalidInput(f"metadataColumns: the Items dataset has no column {', '.join(unknown)}.")
    return list(wanted["ITEMS"])


def _predicted(question: Question, suggestion: Suggestion, columns: list[str]) -> dict[str, Any]:
    item: dict[str, Any] = {"itemId": question.catalogue.ids[suggestion.position], "score": suggestion.score}
    if columns:
        cells = {column: question.catalogue.cell(suggestion.position, column) for column in columns}
        item["metadata"] = {column: str(cell) for column, cell in cells.items() if cell is not None}
    if suggestion.promotion:
        item["promotionName"] = suggestion.promotion
    reason = "Promoted item" if suggestion.promotion else "Exploration" if suggestion.explored else ""
    if reason and recipe_name(question.version.record["recipeArn"]) == GIVES_REASONS:
        item["reason"] = [reason]
    return item


def _recommendation_id() -> str:
    return f"RID-{uuid.uuid4().hex}"
