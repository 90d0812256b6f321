"""GetRecommendations and GetPersonalizedRanking."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from local.personalize.errors import InvalidInput, NotImplementedHere, ResourceNotFound
from local.personalize.filter_expression import parse_filter
from local.personalize.filtering import Asker, passing
from local.personalize.operations.catalogue import (
    PERSONALIZED_RANKING,
    RELATED_ITEMS,
    USER_PERSONALIZATION,
    recipe_type,
)
from local.personalize.operations.registry import operation
from local.personalize.promotions import merged, share_of
from local.personalize.serving import softmax
from local.personalize.store import CAMPAIGN, FILTER, SOLUTION_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from local.personalize.account import Account
    from local.personalize.filtering import Catalogue, Mask
    from local.personalize.serving import Past
    from local.personalize.store import Resource

DEFAULT_RESULTS = 25
MAXIMUM_RESULTS, MAXIMUM_WITH_METADATA = 500, 50
MAXIMUM_COLUMNS = 10


@dataclass(frozen=True)
class Question:
    """One runtime request with what it refers to."""

    account: Account
    version: Resource
    catalogue: Catalogue
    asker: Asker
    past: Past
    user: Mapping[str, Any]

    @property
    def recipe(self) -> str:
        """The recipe type."""
        return recipe_type(self.version.record["recipeArn"])

    def scores(self, item: str | None) -> NDArray[np.float32]:
        """float32[items of the model]: as the recipe type scores, for the user or for the item."""
        deployment = self.account.serving.deployment(self.version)
        if self.recipe == RELATED_ITEMS:
            position = deployment.index.get(item or "")
            related: NDArray[np.float32] = (
                np.zeros(len(deployment.index), np.float32) if position is None else deployment.model.similar(position)
            )
            return related
        scores: NDArray[np.float32] = deployment.model.scores(
            self.account.serving.history(deployment, self.past, self.user)
        )
        return scores

    def mask(self, arn: str, values: Mapping[str, str]) -> Mask:
        """bool[items of the catalogue]: those that pass a filter."""
        chosen = self.account.store.find(FILTER, arn)
        if chosen.status != "ACTIVE":
            raise InvalidInput(f"The filter {arn} is not ACTIVE; its status is {chosen.status}.")
        if chosen.record["datasetGroupArn"] != self.version.record["datasetGroupArn"]:
            raise InvalidInput(f"The filter {arn} belongs to another dataset group than the campaign.")
        return passing(parse_filter(chosen.record["filterExpression"]), values, self.catalogue, self.asker)


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
    columns = _metadata_columns(campaign, parameters)
    count = _checked_count(parameters.get("numResults") or DEFAULT_RESULTS, "numResults", columns)
    question = ask(account, campaign, parameters)
    shares = softmax(question.scores(parameters.get("itemId")))
    allowed = _allowed(question, parameters)
    chosen = best_positions(shares, allowed, question.catalogue.known, count)
    order = [(position, "") for position in chosen]
    for promotion in parameters.get("promotions", []):
        wanted = share_of(promotion, count)
        fitting = allowed & question.mask(promotion["filterArn"], promotion.get("filterValues", {}))
        best = best_positions(shares, fitting, question.catalogue.known, wanted)
        order = merged(chosen, best, promotion["name"], count, parameters.get("userId", ""))
    answer = [_predicted(question, position, shares, columns, name) for position, name in order]
    return {"itemList": answer, "recommendationId": _recommendation_id()}


@operation("GetPersonalizedRanking")
def rank(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The given items in the order that suits a user; items unknown to the model come last, unscored."""
    campaign = _campaign(account, parameters)
    if recipe_type(_version(account, campaign).record["recipeArn"]) != PERSONALIZED_RANKING:
        raise InvalidInput("GetPersonalizedRanking supports only recipes of type PERSONALIZED_RANKING.")
    columns = _metadata_columns(campaign, parameters)
    _checked_count(len(parameters["inputList"]), "inputList", columns)
    if not parameters["inputList"]:
        raise InvalidInput("inputList must name at least one item.")
    question = ask(account, campaign, parameters)
    listed = list(dict.fromkeys(parameters["inputList"]))
    if "filterArn" in parameters:
        mask = question.mask(parameters["filterArn"], parameters.get("filterValues", {}))
        index = question.catalogue.index
        listed = [item for item in listed if item in index and mask[index[item]]]
    positions = [question.catalogue.index.get(item, -1) for item in listed]
    known = [at for at in positions if 0 <= at < question.catalogue.known]
    shares = softmax(question.scores(None)[known]) if known else np.empty(0)
    best = np.argsort(-shares, kind="stable")
    ranking = [_ranked(question, known[at], float(shares[at]), columns) for at in best]
    rest = [item for item, at in zip(listed, positions, strict=True) if not 0 <= at < question.catalogue.known]
    ranking += [{"itemId": item, "score": 0.0} for item in rest]
    return {"personalizedRanking": ranking, "recommendationId": _recommendation_id()}


@operation("GetActionRecommendations")
def recommend_actions(_: Account, __: dict[str, Any]) -> Mapping[str, Any]:
    """Refused: there are no action datasets here."""
    raise NotImplementedHere("GetActionRecommendations is not implemented here; use GetRecommendations.")


def _allowed(question: Question, parameters: Mapping[str, Any]) -> Mask:
    allowed = np.ones(len(question.catalogue.ids), bool)
    if "filterArn" in parameters:
        allowed = question.mask(parameters["filterArn"], parameters.get("filterValues", {}))
    if question.recipe == RELATED_ITEMS and parameters["itemId"] in question.catalogue.index:
        allowed[question.catalogue.index[parameters["itemId"]]] = False
    return allowed


def best_positions(shares: NDArray[np.float64], allowed: Mask, known: int, count: int) -> list[int]:
    """The allowed positions with the highest shares, then those the model does not know, newest last."""
    candidates = np.flatnonzero(allowed[:known])
    if len(candidates) > count:
        candidates = candidates[np.argpartition(-shares[candidates], count - 1)[:count]]
    best: list[int] = candidates[np.lexsort((candidates, -shares[candidates]))].tolist()
    return (best + (np.flatnonzero(allowed[known:]) + known).tolist())[:count]


def ask(account: Account, campaign: Resource, parameters: Mapping[str, Any]) -> Question:
    """What a request refers to: the deployed version, the user's past and metadata, the item named."""
    version = _version(account, campaign)
    group, user = version.record["datasetGroupArn"], parameters.get("userId")
    past = account.serving.past(group, user or "")
    metadata = account.serving.user(group, user) if user else {}
    catalogue = account.serving.catalogue(version)
    item = catalogue.records.get(parameters["itemId"], {}) if "itemId" in parameters else None
    return Question(account, version, catalogue, Asker(metadata, past.recent(), item), past, metadata)


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


def _metadata_columns(campaign: Resource, parameters: Mapping[str, Any]) -> list[str]:
    wanted: Mapping[str, list[str]] = parameters.get("metadataColumns", {})
    if not wanted:
        return []
    if not campaign.record["campaignConfig"].get("enableMetadataWithRecommendations"):
        raise InvalidInput("metadataColumns needs a campaign with enableMetadataWithRecommendations.")
    if set(wanted) != {"ITEMS"}:
        raise InvalidInput("metadataColumns has the one key ITEMS.")
    if len(wanted["ITEMS"]) > MAXIMUM_COLUMNS:
        raise InvalidInput(f"metadataColumns can name at most {MAXIMUM_COLUMNS} columns.")
    return list(wanted["ITEMS"])


def _predicted(
    question: Question, position: int, shares: NDArray[np.float64], columns: list[str], promotion: str
) -> dict[str, Any]:
    known = position < question.catalogue.known
    item = _ranked(question, position, float(shares[position]) if known else 0.0, columns)
    if promotion:
        item |= {"promotionName": promotion, "reason": ["Promoted item"]}
    return item


def _ranked(question: Question, position: int, score: float, columns: list[str]) -> dict[str, Any]:
    item: dict[str, Any] = {"itemId": question.catalogue.ids[position], "score": score}
    if columns:
        cells = {column: question.catalogue.cell(position, column) for column in columns}
        item["metadata"] = {column.lower(): str(cell) for column, cell in cells.items() if cell is not None}
    return item


def _recommendation_id() -> str:
    return f"RID-{uuid.uuid4().hex}"
