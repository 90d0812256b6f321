"""How the blend is learned: what is held out, what is refitted, what a seed and an event's weight change."""

from __future__ import annotations

import numpy as np
import pytest

from local.recommender import Dataset, History, blend
from local.recommender.personalization import HELD_OUT_STEPS, BlendModel, _hold_out, _spared
from local.recommender.sequences import Sequences
from local.recommender.views import Experts, views_of


def wandering(users: int = 400, steps: int = 12, items: int = 15) -> Dataset:
    """Users who go one item further, or with probability one half anywhere."""
    random = np.random.default_rng(7)
    path = random.integers(0, items, (users, steps))
    for step in range(1, steps):
        led = random.random(users) < 0.5
        path[led, step] = (path[led, step - 1] + 1) % items
    names = [f"u{user:03d}" for user in range(users) for _ in range(steps)]
    return Dataset.from_columns(names, [f"i{item:02d}" for item in path.ravel()], list(range(steps)) * users)


def numbered(sequences: int, length: int) -> Sequences:
    """Every event an item of its own, so that each can be recognised."""
    items = np.arange(sequences * length, dtype=np.int32)
    return Sequences(items, np.arange(0, len(items) + 1, length), len(items))


def test_held_out_steps_are_in_no_remaining_sequence_and_the_others_all_are() -> None:
    sequences = numbered(200, 12)
    remaining, contexts, targets = _hold_out(sequences, np.random.default_rng(0), 150)
    assert len(np.unique(targets)) == len(targets)
    assert 150 < len(targets) <= 150 * HELD_OUT_STEPS
    assert len(np.unique(targets // 12)) == 150
    np.testing.assert_array_equal(np.sort(np.concatenate([remaining.items, targets])), sequences.items)
    for k in range(len(targets)):
        past = contexts.items[contexts.indptr[k] : contexts.indptr[k + 1]]
        np.testing.assert_array_equal(past, np.arange(targets[k] // 12 * 12, targets[k]))


def test_no_step_leads_across_the_gap() -> None:
    remaining, _, _ = _hold_out(numbered(200, 12), np.random.default_rng(0), 200)
    for s in range(len(remaining)):
        piece = remaining.items[remaining.indptr[s] : remaining.indptr[s + 1]]
        assert (np.diff(piece) == 1).all()


@pytest.mark.parametrize(("events", "students"), [(100, 200), (100_000, 400), (10**6, 1500)])
def test_no_more_than_two_per_cent_of_many_events_are_lost(events: int, students: int) -> None:
    assert _spared(events) == students


def test_a_large_catalogue_loses_the_steps_of_few_students(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = wandering()
    monkeypatch.setattr("local.recommender.personalization.REFIT_BELOW", 0)
    model = BlendModel().fit(dataset)
    train, _, _ = _hold_out(Sequences.from_dataset(dataset), np.random.default_rng(0), 200)
    np.testing.assert_array_equal(model.experts.dense["ridge"], Experts.fit(train, views_of(15)).dense["ridge"])


def test_a_small_catalogue_is_refitted_on_everything() -> None:
    dataset = wandering()
    model = BlendModel().fit(dataset)
    whole = Experts.fit(Sequences.from_dataset(dataset), views_of(15))
    np.testing.assert_array_equal(model.experts.dense["ridge"], whole.dense["ridge"])
    np.testing.assert_array_equal(model.experts.sparse["next"].data, whole.sparse["next"].data)


def test_the_seed_draws_the_held_out_steps() -> None:
    dataset = wandering()
    first, again, other = (BlendModel().fit(dataset, seed=seed).weights for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_popularity_counts_events_by_their_weight() -> None:
    dataset = Dataset.from_columns(["u", "v", "w"], ["a", "b", "b"], [1, 2, 3], ["buy", "view", "view"])
    model = BlendModel().fit(dataset.with_event_weights({"buy": 1.0, "view": 0.25}))
    np.testing.assert_allclose(model.popularity, np.log([1.5, 1.0]), atol=1e-6)


def test_cold_items_are_answered_alike_one_by_one_and_in_batches() -> None:
    random = np.random.default_rng(0)
    rows = [
        (f"u{user}", f"{'AB'[user % 2]}{k}", step)
        for user in range(120)
        for step, k in enumerate(random.permutation(6))
    ]
    users, items, times = zip(*rows, strict=True)
    catalogue = {f"{group}{k}": {"CLASS_ID": group} for group in "AB" for k in range(6)}
    dataset = Dataset.from_columns(users, items, times, items={**catalogue, "new": {"CLASS_ID": "B"}})
    model = BlendModel().fit(dataset)
    new = dataset.item_ids.index("new")
    assert model.popularity[new] == pytest.approx(model.popularity[6:12].mean(), abs=1e-4)
    for past in ([0, 1], [6, 7], [new], [7, new]):
        history = History(np.array(past, np.int32), np.arange(len(past), dtype=np.int64))
        np.testing.assert_allclose(model.scores_many([history])[0], model.scores(history), rtol=1e-3, atol=1e-3)


def test_penalties_shrink_the_weights_to_the_optimum_of_the_penalised_likelihood() -> None:
    random = np.random.default_rng(0)
    columns = random.normal(size=(300, 6, 2)).astype(np.float32)
    columns[:, 0] += np.array([0.8, -0.4], np.float32)
    penalties = np.array([0.3, 0.05], np.float32)
    w = blend.fit(columns, np.zeros((300, 6), np.float32), penalties)

    def loss(weights: np.ndarray) -> float:
        z = columns @ weights
        return float((np.log(np.exp(z).sum(1)) - z[:, 0]).mean() + (penalties * weights**2).sum())

    for step in ([1e-2, 0], [-1e-2, 0], [0, 1e-2], [0, -1e-2]):
        assert loss(w) < loss(w + np.array(step))
    free = blend.fit(columns, np.zeros((300, 6), np.float32), np.full(2, 1e-6, np.float32))
    assert np.abs(w).sum() < 0.8 * np.abs(free).sum()


def test_without_any_repetition_their_offset_stays_finite() -> None:
    offset = blend.fit_offset(np.zeros(10), np.zeros(99, bool))
    assert 1 / (1 + np.exp(-offset)) == pytest.approx(0.005, rel=1e-3)


def half_foreseeable(steps: int = 1500, items: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Features (evidence, popularity) of competing items, the one that came first, and where the foreseeable ones are.

    Half of the time comes the item with most evidence, though a popular one has nearly as much; else whatever is
    popular, without any evidence.
    """
    random = np.random.default_rng(3)
    columns = np.zeros((steps, items, 2), np.float32)
    columns[:, :, 1] = random.normal(size=(steps, items))
    columns[:, 0], columns[:, 1] = (2.0, 0.0), (1.7, 2.0)
    surprise = np.flatnonzero(np.arange(steps) % 2)
    popular = np.exp(2 * columns[surprise, 2:, 1])
    came = 2 + (np.cumsum(popular, 1) > random.random((len(surprise), 1)) * popular.sum(1, keepdims=True)).argmax(1)
    columns[surprise, 0], columns[surprise, came] = columns[surprise, came].copy(), columns[surprise, 0].copy()
    return columns, np.arange(0, steps, 2)


def test_what_nobody_could_foresee_does_not_spoil_the_order_at_the_top() -> None:
    columns, foreseeable = half_foreseeable()
    nothing = np.zeros(columns.shape[:2], np.float32)
    penalties = np.full(2, 1e-6, np.float32)

    def hits(w: np.ndarray) -> float:
        return float(((columns @ w)[foreseeable].argmax(1) == 0).mean())

    assert hits(blend.fit(columns, nothing, penalties)) == 0
    assert hits(blend.fit_top(columns, nothing, penalties)) == 1


def test_whatever_weights_are_focused_on_the_scores_stay_log_probabilities() -> None:
    columns, _ = half_foreseeable()
    nothing, penalties = np.zeros(columns.shape[:2], np.float32), np.full(2, 1e-6, np.float32)
    w = blend.fit_top(columns, nothing, penalties)

    def loss(factor: float) -> float:
        z = columns @ (factor * w)
        return float((np.log(np.exp(z).sum(1)) - z[:, 0]).mean())

    assert loss(1) < min(loss(0.95), loss(1.05))


def test_focus_maximises_the_power_mean_of_the_chances() -> None:
    columns, _ = half_foreseeable(steps=300)
    penalties = np.full(2, 1e-2, np.float32)
    w = blend.fit(columns, np.zeros(columns.shape[:2], np.float32), penalties, focus=0.5)

    def gain(weights: np.ndarray) -> float:
        z = columns @ weights
        chances = np.exp(z[:, 0]) / np.exp(z).sum(1)
        return float(2 * np.log(np.sqrt(chances).mean()) - (penalties * weights**2).sum())

    for step in ([2e-2, 0], [-2e-2, 0], [0, 2e-2], [0, -2e-2]):
        assert gain(w) > gain(w + np.array(step))
