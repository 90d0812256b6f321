"""What callers of the package rely on, for every recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from local.personalize import recipes as personalize
from local.recommender import (
    Dataset,
    History,
    UnknownHyperParameterError,
    check_features,
    check_range,
    create_model,
    evaluate,
    load_model,
)
from local.recommender.recipes import RECIPES

if TYPE_CHECKING:
    from pathlib import Path


def random_dataset(users: int = 40, items: int = 12, events: int = 400, seed: int = 0) -> Dataset:
    random = np.random.default_rng(seed)
    return Dataset.from_columns(
        [f"u{code}" for code in random.integers(0, users, events)],
        [f"i{code}" for code in random.integers(0, items, events)],
        random.integers(0, 10**6, events),
        items={"cold": {"TYPE": "course"}},
        users={"nobody": {"LOCALE": "vi"}},
    )


def history(*items: int) -> History:
    return History(np.array(items, np.int32), np.arange(len(items), dtype=np.int64))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("events", [0, 1, 2, 400])
def test_scores_are_finite_for_any_history_and_any_amount_of_data(recipe: str, events: int) -> None:
    dataset = random_dataset(events=events)
    model = create_model(recipe).fit(dataset)
    n = len(dataset.item_ids)
    histories = [history(), history(0), history(*[k % n for k in range(300)])]
    batch = model.scores_many(histories)
    assert batch.shape == (3, n)
    for row, past in zip(batch, histories, strict=True):
        scores = model.scores(past)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores, row, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_saved_model_answers_as_before(recipe: str, tmp_path: Path) -> None:
    model = create_model(recipe).fit(random_dataset())
    model.save(tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    assert again.item_ids == model.item_ids
    np.testing.assert_array_equal(again.scores(history(1, 2)), model.scores(history(1, 2)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_same_data_and_seed_give_the_same_model(recipe: str) -> None:
    first, second = (create_model(recipe).fit(random_dataset(), seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.scores(history(4, 1)), second.scores(history(4, 1)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_evaluation_reports_the_metrics_of_personalize(recipe: str) -> None:
    metrics = evaluate(recipe, random_dataset())
    assert set(metrics) == {
        "coverage",
        "mean_reciprocal_rank_at_25",
        *(f"{name}_at_{k}" for name in ("normalized_discounted_cumulative_gain", "precision") for k in (5, 10, 25)),
    }
    assert all(0 <= value <= 1 for value in metrics.values())


def test_unknown_recipes_and_hyper_parameters_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="no recipe 'aws-hrnn'"):
        create_model("aws-hrnn")
    with pytest.raises(UnknownHyperParameterError, match="aws-sims has no hyper-parameter 'depth'"):
        create_model("aws-sims", {"depth": "3"})
    with pytest.raises(ValueError, match=r"min_cointeraction_count of aws-sims: '11' is refused"):
        create_model("aws-sims", {"min_cointeraction_count": "11"})


HISTORY = {"min_user_history_length_percentile", "max_user_history_length_percentile"}
FEATURES = {
    "aws-user-personalization": HISTORY,
    "aws-personalized-ranking": HISTORY,
    "aws-trending-now": {"trend_discovery_frequency"},
    "aws-sims": {*HISTORY, "min_item_interaction_count_percentile", "max_item_interaction_count_percentile"},
}
"""The featurization hyper-parameters of the guide, by recipe."""
TUNABLE = {
    "aws-user-personalization": {"hidden_dimension": "integer", "bptt": "integer", "recency_mask": "categorical"},
    "aws-personalized-ranking": {"hidden_dimension": "integer", "bptt": "integer", "recency_mask": "categorical"},
    "aws-similar-items": {"item_id_hidden_dim": "integer", "item_metadata_hidden_dim": "integer"},
    "aws-sims": {"popularity_discount_factor": "continuous", "min_cointeraction_count": "integer"},
}
"""Those that the guide calls "HPO tunable", by recipe, with their kind."""
SEQUENCE_V1 = {
    "hidden_dimension": (["32", "256"], ["31", "257", "64.5", "many"]),
    "bptt": (["2", "32"], ["1", "33"]),
    "recency_mask": (["true", "False"], ["yes", "1"]),
    "min_user_history_length_percentile": (["0.0", "1.0"], ["-0.1", "1.1", "low"]),
    "max_user_history_length_percentile": (["0", "0.99"], ["99"]),
}
SEQUENCE_V2 = {"apply_recency_bias": (["true", "false"], ["0"])}
DOCUMENTED = {
    "aws-user-personalization": SEQUENCE_V1,
    "aws-personalized-ranking": SEQUENCE_V1,
    "aws-user-personalization-v2": SEQUENCE_V2,
    "aws-personalized-ranking-v2": SEQUENCE_V2,
    "aws-popularity-count": {},
    "aws-trending-now": {
        "trend_discovery_frequency": (["30 minutes", "1 hour", "2 hours", "3 hours", "1 day"], ["4 hours", "7200"])
    },
    "aws-similar-items": {
        "popularity_discount_factor": (["0.0", "1.0"], ["-0.1", "1.01"]),
        "item_id_hidden_dim": (["30", "200"], ["29", "201"]),
        "item_metadata_hidden_dim": (["30", "200"], ["0", "201"]),
    },
    "aws-sims": {
        "popularity_discount_factor": (["0.0", "1.0"], ["-0.1", "1.01"]),
        "min_cointeraction_count": (["0", "10"], ["-1", "11", "2.5"]),
        "min_user_history_length_percentile": (["0.005"], ["5"]),
        "max_user_history_length_percentile": (["0.995"], ["5"]),
        "min_item_interaction_count_percentile": (["0.01"], ["5"]),
        "max_item_interaction_count_percentile": (["0.9"], ["5"]),
    },
}
"""By recipe and hyper-parameter of Amazon's developer guide: values at the ends of its range, and values beyond."""


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_have_the_documented_hyper_parameters_and_ranges(recipe: str) -> None:
    assert set(RECIPES[recipe].parameters) == set(DOCUMENTED[recipe])
    for name, (accepted, refused) in DOCUMENTED[recipe].items():
        for text in accepted:
            create_model(recipe, {name: text})
        for text in refused:
            with pytest.raises(ValueError, match=f"hyper-parameter {name} of {recipe}"):
                create_model(recipe, {name: text})


@pytest.mark.parametrize("recipe", RECIPES)
def test_features_and_tunable_ranges_are_those_documented(recipe: str) -> None:
    assert set(RECIPES[recipe].features) == FEATURES.get(recipe, set())
    for name, (accepted, refused) in DOCUMENTED[recipe].items():
        if name in RECIPES[recipe].features:
            check_features(recipe, {name: accepted[0]})
            with pytest.raises(ValueError, match=f"feature transformation parameter {name} of {recipe}"):
                check_features(recipe, {name: refused[0]})
        else:
            with pytest.raises(UnknownHyperParameterError, match="no feature transformation parameter"):
                check_features(recipe, {name: accepted[0]})
        for kind in ("integer", "continuous", "categorical"):
            if TUNABLE.get(recipe, {}).get(name) == kind:
                check_range(recipe, kind, name, accepted)
                with pytest.raises(ValueError, match="is refused"):
                    check_range(recipe, kind, name, [accepted[0], refused[0]])
            else:
                with pytest.raises(UnknownHyperParameterError, match=f"no tunable {kind} hyper-parameter '{name}'"):
                    check_range(recipe, kind, name, accepted)


@pytest.mark.parametrize("recipe", RECIPES)
def test_defaults_that_the_service_tells_are_hyper_parameters_of_the_recipe(recipe: str) -> None:
    told = personalize.RECIPES[recipe]
    create_model(recipe, told.hyper_parameters)
    check_features(recipe, told.features)
    assert {*told.hyper_parameters, *told.features} == set(RECIPES[recipe].parameters)


def test_only_the_similarity_recipes_answer_for_an_item() -> None:
    dataset = random_dataset()
    assert create_model("aws-similar-items").fit(dataset).similar(0).shape == (len(dataset.item_ids),)
    with pytest.raises(ValueError, match="do not answer for an item"):
        create_model("aws-user-personalization-v2").fit(dataset).similar(0)
