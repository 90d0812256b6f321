"""Recipe names of Amazon Personalize, and what stands behind each here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.recommender.personalization import BlendModel
from local.recommender.popularity import PopularityModel, TrendingModel
from local.recommender.similarity import SimilarityModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.recommender.model import Model

MODELS: tuple[type[Model], ...] = (BlendModel, PopularityModel, TrendingModel, SimilarityModel)


class UnknownHyperParameterError(ValueError):
    """A recipe was given a hyper-parameter that it does not have."""


@dataclass(frozen=True)
class Number:
    """A number within bounds."""

    low: float
    high: float
    whole: bool = True

    def check(self, text: str) -> None:
        """Raise ValueError unless `text` is such a number."""
        value = int(text) if self.whole else float(text)
        if not self.low <= value <= self.high:
            raise ValueError(f"not within [{self.low:g}, {self.high:g}]")


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def check(self, text: str) -> None:
        """Raise ValueError unless `text` is one of the words."""
        if text.lower() not in self.words:
            raise ValueError(f"not one of {', '.join(self.words)}")


@dataclass(frozen=True)
class Recipe:
    """A recipe's hyper-parameters and its model."""

    build: Callable[[Mapping[str, str]], Model]
    parameters: Mapping[str, Number | Choice]


FLAG = Choice(("true", "false"))
PERCENTILE = Number(0, 1, whole=False)
HISTORY: dict[str, Number | Choice] = {
    "min_user_history_length_percentile": PERCENTILE,
    "max_user_history_length_percentile": PERCENTILE,
}
SEQUENCE_V1: dict[str, Number | Choice] = {
    "hidden_dimension": Number(32, 256),
    "bptt": Number(2, 32),
    "recency_mask": FLAG,
    **HISTORY,
}
SEQUENCE_V2: dict[str, Number | Choice] = {"apply_recency_bias": FLAG}
SIMS: dict[str, Number | Choice] = {
    "popularity_discount_factor": Number(0, 1, whole=False),
    "min_cointeraction_count": Number(0, 10),
    **HISTORY,
    "min_item_interaction_count_percentile": PERCENTILE,
    "max_item_interaction_count_percentile": PERCENTILE,
}
HIDDEN_DIMENSION = Number(30, 200)
PERIODS = {"30 minutes": 1_800, "1 hour": 3_600, "2 hours": 7_200, "3 hours": 10_800, "1 day": 86_400}


def _blend(given: Mapping[str, str]) -> Model:
    flag = given.get("recency_mask", given.get("apply_recency_bias", "true"))
    return BlendModel(recency=flag.lower() == "true")


RECIPES: dict[str, Recipe] = {
    "aws-user-personalization": Recipe(_blend, SEQUENCE_V1),
    "aws-user-personalization-v2": Recipe(_blend, SEQUENCE_V2),
    "aws-personalized-ranking": Recipe(_blend, SEQUENCE_V1),
    "aws-personalized-ranking-v2": Recipe(_blend, SEQUENCE_V2),
    "aws-popularity-count": Recipe(lambda _: PopularityModel(), {}),
    "aws-trending-now": Recipe(
        lambda given: TrendingModel(PERIODS[given.get("trend_discovery_frequency", "2 hours").lower()]),
        {"trend_discovery_frequency": Choice(tuple(PERIODS))},
    ),
    "aws-similar-items": Recipe(
        lambda _: SimilarityModel(metadata=True),
        {"item_id_hidden_dim": HIDDEN_DIMENSION, "item_metadata_hidden_dim": HIDDEN_DIMENSION},
    ),
    "aws-sims": Recipe(
        lambda given: SimilarityModel(
            float(given.get("popularity_discount_factor", "0.5")), int(given.get("min_cointeraction_count", "3"))
        ),
        SIMS,
    ),
}


def create_model(recipe: str, hyper_parameters: Mapping[str, str] | None = None) -> Model:
    """An untrained model of the recipe, named by the last part of its ARN.

    Raises:
        UnknownHyperParameterError: The recipe has no hyper-parameter of that name.
        ValueError: No such recipe, or a hyper-parameter out of its range.
    """
    if recipe not in RECIPES:
        raise ValueError(f"no recipe {recipe!r}; there are {', '.join(RECIPES)}")
    given = dict(hyper_parameters or {})
    for name, text in given.items():
        if name not in RECIPES[recipe].parameters:
            known = ", ".join(RECIPES[recipe].parameters) or "none"
            raise UnknownHyperParameterError(f"{recipe} has no hyper-parameter {name!r}; it has {known}")
        try:
            RECIPES[recipe].parameters[name].check(text)
        except ValueError as error:
            raise ValueError(f"hyper-parameter {name} of {recipe}: {text!r} is refused: {error}") from None
    return RECIPES[recipe].build(given)
