"""The numerical parts against direct computation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from local.recommender import Dataset, History, blend, create_model, experts, linear_algebra, load_model, views
from local.recommender.sequences import Sequences

if TYPE_CHECKING:
    from pathlib import Path


def some_sequences(users: int = 30, items: int = 9, events: int = 300) -> Sequences:
    random = np.random.default_rng(2)
    dataset = Dataset.from_columns(
        [f"u{code}" for code in random.integers(0, users, events)],
        [f"i{code}" for code in random.integers(0, items, events)],
        np.arange(events),
    )
    return Sequences.from_dataset(dataset)


@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_statistics_equal_those_of_explicit_states(weighted: bool) -> None:
    sequences = some_sequences()
    weights = np.random.default_rng(0).random(len(sequences.items)).astype(np.float32) if weighted else None
    sequences = Sequences(sequences.items, sequences.indptr, sequences.n_items, weights)
    gram, cross = experts._lag_statistics(sequences, 0.25)
    n = sequences.n_items
    expected_gram, expected_cross = np.zeros((n, n)), np.zeros((n, n))
    for s in range(len(sequences)):
        items = sequences.items[sequences.indptr[s] : sequences.indptr[s + 1]]
        for t in range(1, len(items)):
            state = np.zeros(n)
            for k, item in enumerate(items[:t][::-1][: experts.RIDGE_LENGTH]):
                state[item] += experts.RIDGE_DECAY**k
            weight = max(len(items) - 1, 1) ** -0.25
            if weights is not None:
                weight *= weights[sequences.indptr[s] + t]
            expected_gram += weight * np.outer(state, state)
            expected_cross[:, items[t]] += weight * state
    np.testing.assert_allclose(gram, expected_gram, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(cross, expected_cross, rtol=1e-4, atol=1e-4)


def test_transitions_are_the_shares_of_next_items() -> None:
    dataset = Dataset.from_columns(["u"] * 5 + ["v"] * 2, list("abaca") + list("ab"), range(7))
    matrix = experts.transitions(Sequences.from_dataset(dataset)).csr().toarray()
    np.testing.assert_allclose(matrix, np.array([[0, 2 / 3, 1 / 3], [1, 0, 0], [1, 0, 0]]), rtol=1e-6)


def test_ease_has_the_closed_form_of_its_paper() -> None:
    sequences = some_sequences()
    x = (sequences.bags(1.0, 10**6).toarray() > 0).astype(float)
    gram = x.T @ x
    penalty = experts.PRIOR + experts.EASE_SHARE * np.trace(gram) / len(gram)
    p = np.linalg.inv(gram + penalty * np.eye(len(gram)))
    expected = -p / np.diag(p)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(experts.ease(sequences), expected, rtol=1e-3, atol=1e-5)


def test_a_singular_matrix_is_solved_with_as_much_ridge_as_it_takes() -> None:
    gram = np.full((3, 3), 1e6, np.float32)
    solution = linear_algebra.solve(gram, np.ones((3, 1), np.float32), 1e-6)
    assert np.isfinite(solution).all()


def test_the_blend_recovers_the_weights_that_made_the_choices() -> None:
    random = np.random.default_rng(0)
    columns = random.normal(size=(4000, 12, 3)).astype(np.float32)
    true = np.array([1.5, -0.7, 0.0])
    chances = np.exp(columns @ true)
    chances /= chances.sum(1, keepdims=True)
    picks = (chances.cumsum(1) > random.random((4000, 1))).argmax(1)
    rows = np.arange(4000)
    columns[rows, 0], columns[rows, picks] = columns[rows, picks].copy(), columns[rows, 0].copy()
    weights = blend.fit(columns, np.zeros((4000, 12), np.float32), np.full(3, 1e-6, np.float32))
    np.testing.assert_allclose(weights, true, atol=0.1)


def test_sampled_competitors_stand_for_the_whole_catalogue() -> None:
    random = np.random.default_rng(0)
    rough = random.normal(size=(50, 2000)).astype(np.float32)
    targets = random.integers(0, 2000, 50).astype(np.int32)
    items, offsets = blend.competitors(rough, targets, random)
    np.testing.assert_array_equal(items[:, 0], targets)
    whole = np.exp(rough).sum(1)
    sampled = np.exp(np.take_along_axis(rough, items, 1) + offsets).sum(1)
    assert np.mean(sampled / whole) == pytest.approx(1, abs=0.05)
    for row, offset in zip(items, offsets, strict=True):
        counted = row[np.isfinite(offset)][: blend.BEST + 1]
        assert len(np.unique(counted)) == len(counted)


def test_the_offset_of_repetitions_meets_their_rate() -> None:
    odds = np.array([-2.0, -1.0, 0.0, 1.0])
    repeated = np.arange(1000) < 300
    offset = blend.fit_offset(odds, repeated)
    assert np.mean(1 / (1 + np.exp(-odds - offset))) == pytest.approx(0.3, abs=0.002)


def test_beyond_the_dense_core_the_tail_is_still_recommended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(views, "CORE", 10)
    random = np.random.default_rng(0)
    names = [f"i{k:02d}" for k in range(40)]
    rows = []
    for user in range(600):
        start = int(random.integers(40) if user % 2 else random.integers(10))
        rows += [(f"u{user}", names[(start + step) % 40], step) for step in range(4)]
    users, items, times = zip(*rows, strict=True)
    dataset = Dataset.from_columns(users, items, times)
    model = create_model("aws-user-personalization-v2").fit(dataset)
    history = History(np.array([24, 25], np.int32), np.arange(2, dtype=np.int64))
    assert dataset.item_ids[int(model.scores(history).argmax())] == "i26"
    model.save(tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.scores(history), model.scores(history))
    np.testing.assert_allclose(model.scores_many([history])[0], model.scores(history), rtol=1e-3, atol=1e-3)
    assert (tmp_path / "model.npz").stat().st_size < 40 * 40 * 4 * 2
