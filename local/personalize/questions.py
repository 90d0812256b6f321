"""One request for recommendations, wherever it comes from: the runtime API or a batch inference job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from local.personalize.errors import InvalidInput
from local.personalize.filter_expression import parse_filter
from local.personalize.filtering import Asker, Catalogue, passing
from local.personalize.influence import explored, influenced
from local.personalize.promotions import merged, share_of
from local.personalize.recipes import RELATED_ITEMS, recipe_type
from local.personalize.serving import NO_PAST, softmax
from local.personalize.store import FILTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from local.personalize.filtering import Mask
    from local.personalize.influence import Traits
    from local.personalize.serving import Past, Serving
    from local.personalize.store import Resource, Store


@dataclass(frozen=True)
class Suggestion:
    """An item to answer with; `promotion` is the name of the promotion it is due to, or empty."""

    position: int
    score: float
    promotion: str = ""
    explored: bool = False


@dataclass(frozen=True)
class Question:
    """A request with what it refers to: a version, its catalogue, the user's past and metadata, the item named.

    `configuration` is the campaign's, or the batch job's: exploration and ranking influence.
    """

    serving: Serving
    store: Store
    version: Resource
    configuration: Mapping[str, Any]
    parameters: Mapping[str, Any]
    catalogue: Catalogue
    asker: Asker
    past: Past

    @classmethod
    def of(
        cls,
        serving: Serving,
        store: Store,
        version: Resource,
        configuration: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> Question:
        """Look up what the request's userId and itemId mean to a version."""
        group, user = version.record["datasetGroupArn"], parameters.get("userId")
        past = serving.past(group, user or "")
        catalogue = serving.catalogue(version)
        relates = recipe_type(version.record["recipeArn"]) == RELATED_ITEMS
        item = {**catalogue.records.get(parameters["itemId"], {}), "ITEM_ID": parameters["itemId"]} if relates else None
        asker = Asker({**serving.user(group, user), "USER_ID": user} if user else {}, past.recent(), item)
        return cls(serving, store, version, configuration, parameters, catalogue, asker, past)

    @property
    def relates_items(self) -> bool:
        """Whether the version answers for an item instead of a user."""
        return recipe_type(self.version.record["recipeArn"]) == RELATED_ITEMS

    def recommended(self, count: int) -> list[Suggestion]:
        """The best `count` items that pass the filter, and the promoted ones among them."""
        shares = softmax(self._scores())
        allowed, asker = self._allowed(), self.parameters.get("userId", "")
        best = self._best(shares, allowed, count)
        exploration = self.configuration.get("itemExplorationConfig", {})
        young = explored(exploration, self.catalogue, self._traits, allowed, best, asker) if exploration else []
        order = merged(best, young, "", count, asker)
        for promotion in self.parameters.get("promotions", []):
            wanted = share_of(promotion, count)
            fitting = allowed & self._mask(promotion["filterArn"], promotion.get("filterValues", {}), self.catalogue)
            fitting_best = self._best(shares, fitting, wanted)
            order = merged([position for position, _ in order], fitting_best, promotion["name"], count, asker)
        return [
            Suggestion(
                position,
                float(shares[position]) if position < self.catalogue.known else 0.0,
                name,
                explored=position in young and not name,
            )
            for position, name in order
        ]

    def ranked(self, listed: list[str]) -> tuple[list[Suggestion], list[str]]:
        """The listed items that pass the filter and the model knows, best first; and the others as they were listed."""
        index = self.catalogue.index
        items = list(dict.fromkeys(listed))
        if "filterArn" in self.parameters:
            # Over the listed items alone, so that one that nobody knows yet is judged like the others.
            listing = Catalogue(items, 0, self.catalogue.records)
            mask = self._mask(self.parameters["filterArn"], self.parameters.get("filterValues", {}), listing)
            items = [item for item, passes in zip(items, mask, strict=True) if passes]
        known = [index[item] for item in items if index.get(item, self.catalogue.known) < self.catalogue.known]
        shares = softmax(self._scores()[known]) if known else np.empty(0)
        order = np.argsort(-shares, kind="stable").tolist()
        unknown = [item for item in items if index.get(item, self.catalogue.known) >= self.catalogue.known]
        return [Suggestion(known[at], float(shares[at])) for at in order], unknown

    def _scores(self) -> NDArray[np.float32]:
        deployment = self.serving.deployment(self.version)
        if not self.relates_items:
            scores = deployment.model.scores(self.serving.history(deployment, self.past, self.asker.user))
            influence = self.configuration.get("rankingInfluence", {})
            return influenced(scores, self._traits, influence) if influence else scores
        if (position := deployment.index.get(self.parameters["itemId"])) is not None:
            return deployment.model.similar(position)
        # An item that the model does not know is like popular items, which is what such a model scores for nobody.
        return deployment.model.scores(self.serving.history(deployment, NO_PAST, {}))

    @property
    def _traits(self) -> Traits:
        return self.serving.traits(self.version)

    def _allowed(self) -> Mask:
        allowed = np.ones(len(self.catalogue.ids), bool)
        if "filterArn" in self.parameters:
            allowed = self._mask(self.parameters["filterArn"], self.parameters.get("filterValues", {}), self.catalogue)
        if self.relates_items and self.parameters["itemId"] in self.catalogue.index:
            allowed[self.catalogue.index[self.parameters["itemId"]]] = False
        return allowed

    def _mask(self, arn: str, values: Mapping[str, str], catalogue: Catalogue) -> Mask:
        chosen = self.store.find(FILTER, arn)
        if chosen.status != "ACTIVE":
            raise InvalidInput(f"The filter {arn} is not ACTIVE; its status is {chosen.status}.")
        if chosen.record["datasetGroupArn"] != self.version.record["datasetGroupArn"]:
            raise InvalidInput(f"The filter {arn} belongs to another dataset group than the campaign.")
        expression = parse_filter(chosen.record["filterExpression"])
        personal = {dataset for dataset, _ in expression.fields} - {"ITEMS"}
        if personal and not self.parameters.get("userId"):
            raise InvalidInput(f"userId is required: the filter {arn} reads {', '.join(sorted(personal))}.")
        return passing(expression, values, catalogue, self.asker)

    def _best(self, shares: NDArray[np.float64], allowed: Mask, count: int) -> list[int]:
        """The allowed positions with the highest shares; then those the model does not know, as they arrived."""
        known = self.catalogue.known
        candidates = np.flatnonzero(allowed[:known])
        if len(candidates) > count:
            candidates = candidates[np.argpartition(-shares[candidates], count - 1)[:count]]
        best: list[int] = candidates[np.lexsort((candidates, -shares[candidates]))].tolist()
        return (best + (np.flatnonzero(allowed[known:]) + known).tolist())[:count]
