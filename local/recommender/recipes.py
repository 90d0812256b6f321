"""Recipe names of Amazon Personalize, and what stands behind each here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from local.recommender.personalization import BlendModel
from local.recommender.popularity import PopularityModel, TrendingModel
from local.recommender.similarity import SimilarityModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from local.recommender.model import Model

MODELS: tuple[type[Model], ...] = (BlendModel, PopularityModel, TrendingModel, SimilarityModel)


class UnknownHyperParameterError(ValueError):
    """A recipe was given a hyper-parameter that it does not have."""


@dataclass(frozen=True)
class Number:
    """A number within bounds; `tunable` ones may take part in a search for the best value."""

    low: float
    high: float
    whole: bool = True
    tunable: bool = False

    @property
    def kind(self) -> str:
        """What Personalize calls such a parameter."""
        return "integer" if self.whole else "continuous"

    def check(self, text: str) -> None:
        """Raise ValueError unless `text` is such a number."""
        value = int(text) if self.whole else float(text)
        if not self.low <= value <= self.high:
            raise ValueError(f"not within [{self.low:g}, {self.high:g}]")


@dataclass(frozen=True)
class Choice:
    """One of some words; `tunable` as of a number."""

    words: tuple[str, ...]
    tunable: bool = False
    kind: ClassVar[str] = "categorical"

    def check(self, text: str) -> None:
        """Raise ValueError unless `text` is one of the words."""
        if text.lower() not in self.words:
            raise ValueError(f"not one of {', '.join(self.words)}")


@dataclass(frozen=True)
class Recipe:
    """A recipe's model and its parameters: those of the algorithm, and `features`, which choose what it learns from."""

    build: Callable[[Mapping[str, str]], Model]
    algorithm: Mapping[str, Number | Choice] = field(default_factory=dict)
    features: Mapping[str, Number | Choice] = field(default_factory=dict)

    @property
    def parameters(self) -> Mapping[str, Number | Choice]:
        """All of them."""
        return {**self.algorithm, **self.features}


FLAG = Choice(("true", "false"))
TUNED_FLAG = Choice(FLAG.words, tunable=True)
PERCENTILE = Number(0, 1, whole=False)
HISTORY: dict[str, Number | Choice] = {
    "min_user_history_length_percentile": PERCENTILE,
    "max_user_history_length_percentile": PERCENTILE,
}
SEQUENCE_V1: dict[str, Number | Choice] = {
    "hidden_dimension": Number(32, 256, tunable=True),
    "bptt": Number(2, 32, tunable=True),
    "recency_mask": TUNED_FLAG,
}
SEQUENCE_V2: dict[str, Number | Choice] = {"apply_recency_bias": FLAG}
SIMS: dict[str, Number | Choice] = {
    "popularity_discount_factor": Number(0, 1, whole=False, tunable=True),
    "min_cointeraction_count": Number(0, 10, tunable=True),
}
SIMILAR_ITEMS: dict[str, Number | Choice] = {
    "popularity_discount_factor": Number(0, 1, whole=False),
    "item_id_hidden_dim": Number(30, 200, tunable=True),
    "item_metadata_hidden_dim": Number(30, 200, tunable=True),
}
COUNTS: dict[str, Number | Choice] = {
    **HISTORY,
    "min_item_interaction_count_percentile": PERCENTILE,
    "max_item_interaction_count_percentile": PERCENTILE,
}
PERIODS = {"30 minutes": 1_800, "1 hour": 3_600, "2 hours": 7_200, "3 hours": 10_800, "1 day": 86_400}


def _blend(given: Mapping[str, str]) -> Model:
    flag = given.get("recency_mask", given.get("apply_recency_bias", "true"))
    return BlendModel(recency=flag.lower() == "true")


RECIPES: dict[str, Recipe] = {
    "aws-user-personalization": Recipe(_blend, SEQUENCE_V1, HISTORY),
    "aws-user-personalization-v2": Recipe(_blend, SEQUENCE_V2),
    "aws-personalized-ranking": Recipe(_blend, SEQUENCE_V1, HISTORY),
    "aws-personalized-ranking-v2": Recipe(_blend, SEQUENCE_V2),
    "aws-popularity-count": Recipe(lambda _: PopularityModel()),
    "aws-trending-now": Recipe(
        lambda given: TrendingModel(PERIODS[given.get("trend_discovery_frequency", "2 hours").lower()]),
        features={"trend_discovery_frequency": Choice(tuple(PERIODS))},
    ),
    "aws-similar-items": Recipe(
        lambda given: SimilarityModel(float(given.get("popularity_discount_factor", "0.0")), metadata=True),
        SIMILAR_ITEMS,
    ),
    "aws-sims": Recipe(
        lambda given: SimilarityModel(
            float(given.get("popularity_discount_factor", "0.5")), int(given.get("min_cointeraction_count", "3"))
        ),
        SIMS,
        COUNTS,
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
        _check(recipe, "hyper-parameter", RECIPES[recipe].parameters, name, [text])
    return RECIPES[recipe].build(given)


def check_features(recipe: str, given: Mapping[str, str]) -> None:
    """Refuse what does not choose the data a recipe learns from.

    Raises:
        UnknownHyperParameterError: The recipe has no such parameter, or it is one of the algorithm.
        ValueError: It is out of its range.
    """
    for name, text in given.items():
        _check(recipe, "feature transformation parameter", RECIPES[recipe].features, name, [text])


def check_range(recipe: str, kind: str, name: str, values: Sequence[str]) -> None:
    """Refuse what a search for the best value cannot try.

    Args:
        recipe: Name of the recipe.
        kind: integer, continuous or categorical.
        name: Of the hyper-parameter.
        values: Both ends of a range, or the words to try.

    Raises:
        UnknownHyperParameterError: The recipe has no tunable hyper-parameter of that kind and name.
        ValueError: A value is out of its range.
    """
    algorithm = RECIPES[recipe].algorithm
    tunable = {key: parameter for key, parameter in algorithm.items() if parameter.tunable and parameter.kind == kind}
    _check(recipe, f"tunable {kind} hyper-parameter", tunable, name, values)


def _check(recipe: str, what: str, known: Mapping[str, Number | Choice], name: str, values: Iterable[str]) -> None:
    if name not in known:
        raise UnknownHyperParameterError(f"{recipe} has no {what} {name!r}; it has {', '.join(known) or 'none'}")
    for text in values:
        try:
            known[name].check(text)
        except ValueError as error:
            raise ValueError(f"{what} {name} of {recipe}: {text!r} is refused: {error}") from None
