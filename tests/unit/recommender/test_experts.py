"""The experts and their views against formulas written out, on sequences longer than every memory."""

from __future__ import annotations

import numpy as np
import pytest

from local.recommender import blend, experts, views
from local.recommender.sequences import Sequences
from local.recommender.views import Experts

RIDGE, RECENT, ORDER_FREE, NEXT, NEAR = range(5)


def sequences_of(*items: list[int], n_items: int, weights: list[float] | None = None) -> Sequences:
    lengths = [len(some) for some in items]
    return Sequences(
        np.concatenate([np.array(some, np.int32) for some in items]),
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        n_items,
        None if weights is None else np.array(weights, np.float32),
    )


def long_sequences(users: int = 12, length: int = 120, n_items: int = 9) -> Sequences:
    random = np.random.default_rng(4)
    return sequences_of(*random.integers(0, n_items, (users, length)).tolist(), n_items=n_items)


def test_near_items_count_less_the_further_they_follow() -> None:
    matrix = experts.near(sequences_of([0, 1, 2, 3, 4, 5, 6], n_items=7)).csr().toarray()
    decayed = experts.NEAR_DECAY ** np.arange(experts.NEAR_LENGTH)
    np.testing.assert_allclose(matrix[0, 1 : 1 + experts.NEAR_LENGTH], decayed / decayed.sum(), rtol=1e-5)
    assert matrix[0, 1 + experts.NEAR_LENGTH] == 0


def test_transitions_weigh_the_event_they_lead_to() -> None:
    matrix = experts.transitions(sequences_of([0, 1], [0, 2], n_items=3, weights=[1, 3, 1, 1])).csr().toarray()
    np.testing.assert_allclose(matrix[0], [0, 0.75, 0.25])


def test_ridge_remembers_exactly_its_length() -> None:
    sequences = long_sequences()
    gram, cross = experts._lag_statistics(sequences, 0.25)
    expected_gram, expected_cross = np.zeros_like(gram), np.zeros_like(cross)
    for s in range(len(sequences)):
        items = sequences.items[sequences.indptr[s] : sequences.indptr[s + 1]]
        weight = (len(items) - 1) ** -0.25
        for t in range(1, len(items)):
            state = np.zeros(len(gram))
            for k, item in enumerate(items[:t][::-1][: experts.RIDGE_LENGTH]):
                state[item] += experts.RIDGE_DECAY**k
            expected_gram += weight * np.outer(state, state)
            expected_cross[:, items[t]] += weight * state
    np.testing.assert_allclose(gram, expected_gram, rtol=1e-5)
    np.testing.assert_allclose(cross, expected_cross, rtol=1e-5)


def test_ridge_is_shrunk_by_its_prior_of_so_many_events() -> None:
    sequences = long_sequences()
    gram, cross = experts._lag_statistics(sequences, 0.25)
    penalty = experts.PRIOR + experts.RIDGE_SHARE * np.trace(gram) / len(gram)
    expected = np.linalg.solve(gram + penalty * np.eye(len(gram)), cross)
    np.testing.assert_allclose(experts.ridge(sequences), expected, rtol=1e-3, atol=1e-5)


def test_ridge_learns_from_the_newest_events_alone() -> None:
    sequences = long_sequences()
    np.testing.assert_array_equal(experts.ridge(sequences, newest=7), experts.ridge(sequences.newest(7)))
    assert not np.allclose(experts.ridge(sequences, newest=7), experts.ridge(sequences), atol=1e-3)
    very_long = sequences_of(np.random.default_rng(0).integers(0, 4, 700).tolist(), n_items=4)
    np.testing.assert_array_equal(experts.ridge(very_long), experts.ridge(very_long.newest(500)))


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> tuple[Experts, Sequences]:
    """Experts of a catalogue whose rarest two items are outside the dense core."""
    monkeypatch.setattr(views, "CORE", 7)
    random = np.random.default_rng(3)
    rare = np.where(random.random((40, 120)) < 0.02, random.integers(0, 2, (40, 120)), 2)
    items = np.where(rare < 2, rare, random.integers(2, 9, (40, 120)))
    sequences = sequences_of(*items.tolist(), n_items=9)
    return Experts.fit(sequences, views.views_of(9)), sequences


def test_the_dense_core_holds_the_most_frequent_items(fitted: tuple[Experts, Sequences]) -> None:
    model, _ = fitted
    assert model.core is not None
    assert model.core.tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert model.views[NEAR].matrix == "near"


@pytest.mark.parametrize("length", [1, 2, 25, 40, 100])
def test_each_view_fades_and_forgets_as_it_says(fitted: tuple[Experts, Sequences], length: int) -> None:
    model, sequences = fitted
    history = sequences.items[sequences.indptr[0] : sequences.indptr[1]][:length]
    assert model.slots is not None
    core = model.slots[history]
    for view, matrix, decay, memory in (
        (RIDGE, "ridge", 0.8, 20),
        (RECENT, "ease", 0.8, 30),
        (ORDER_FREE, "ease", 1.0, 64),
        (NEXT, "next", 1.0, 1),
        (NEAR, "near", 0.8, 10),
    ):
        sparse = matrix in model.sparse
        expected = np.zeros(9)
        known = history if sparse else core[core >= 0]
        for age, item in enumerate(known[::-1][:memory].tolist()):
            if sparse:
                expected += decay**age * model.sparse[matrix].csr().toarray()[item]
            else:
                expected[model.core] += decay**age * model.dense[matrix][item]
        np.testing.assert_allclose(model.scores(history.astype(np.int64))[view], expected, rtol=1e-3, atol=1e-5)
        batch = model.scores_many(sequences_of(history.tolist(), n_items=9))[view][0]
        np.testing.assert_allclose(batch, expected, rtol=1e-3, atol=1e-5)


def test_serving_remembers_no_more_events_than_training(fitted: tuple[Experts, Sequences]) -> None:
    model, _ = fitted
    remembered = {
        int(view): int(np.count_nonzero(row))
        for numbers, mixes in model._mixes.values()
        for view, row in zip(numbers, mixes, strict=True)
    }
    assert remembered == {RIDGE: 20, RECENT: 30, ORDER_FREE: 64, NEXT: 1, NEAR: 10}


def test_evidence_against_an_item_is_no_more_than_no_evidence_to_the_logarithm() -> None:
    z, logs = blend.features(np.array([[-4.0, 0.0, 2.0]], np.float32), np.array([[2.0]], np.float32))
    np.testing.assert_allclose(z, [[-2, 0, 1]])
    np.testing.assert_allclose(logs, np.log([[0.05, 0.05, 1.05]]), rtol=1e-5)
