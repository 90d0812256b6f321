"""Closed-form item-to-item matrices: row i says what follows, or goes with, item i."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from local.recommender import linear_algebra
from local.recommender.sparse_rows import SparseRows

if TYPE_CHECKING:
    from local.recommender.dataset import Floats
    from local.recommender.sequences import Sequences

PRIOR = 200.0
"""Ridge penalty in events: how much evidence outweighs the belief that two items have nothing to do with each other.

A count and not a share of the mean diagonal: with little data per item the answer leans on the prior, with much it does
not. The data's own scale enters by the small shares added below.
"""
EASE_SHARE, RIDGE_SHARE = 0.1, 0.25
RIDGE_DECAY, RIDGE_LENGTH = 0.8, 20
"""How far back, and with what weight per step, the autoregression looks."""
NEAR_DECAY, NEAR_LENGTH = 0.7, 5


def transitions(sequences: Sequences) -> SparseRows:
    """First-order Markov chain: P(next item = j | last item = i), unsmoothed, n x n."""
    return follows(sequences, 1, 1.0)


def near(sequences: Sequences) -> SparseRows:
    """What comes within a few steps, each step counting less; for items outside the dense core, n x n."""
    return follows(sequences, NEAR_LENGTH, NEAR_DECAY)


def follows(sequences: Sequences, length: int, decay: float) -> SparseRows:
    """Σ over lags k ≤ length of decay^(k-1) · [x_t = j, x_{t-k} = i], rows scaled to sum 1."""
    n, items, positions = sequences.n_items, sequences.items.astype(np.int64), sequences.positions
    pairs, weights = [], []
    for lag in range(1, length + 1):
        later = np.flatnonzero(positions >= lag)
        pairs.append(items[later - lag] * n + items[later])
        weight = np.full(len(later), decay ** (lag - 1), np.float32)
        weights.append(weight if sequences.weights is None else weight * sequences.weights[later])
    return SparseRows.from_pairs(np.concatenate(pairs), np.concatenate(weights), n).normalised()


def ease(sequences: Sequences) -> Floats:
    """EASE^R (Steck, WWW 2019): the item-item regression with zero diagonal, float32[n, n].

    B = -P / diag(P), P = (XᵀX + λI)⁻¹ over binary user histories.
    """
    bags = sequences.bags(1.0, np.iinfo(np.int64).max)
    bags.data[:] = 1
    gram = np.asarray((bags.T @ bags).todense(), np.float32)
    precision = linear_algebra.inverse(gram, PRIOR + EASE_SHARE * float(np.trace(gram)) / len(gram))
    precision /= -np.diag(precision)
    np.fill_diagonal(precision, 0)
    return precision


def ridge(sequences: Sequences, *, power: float = 0.25, newest: int = 500) -> Floats:
    """Ridge regression of the next item's one-hot on the decayed recent history, float32[n, n].

    With s_t = Σ_k decay^k e(x_{t-1-k}), k < length: B = (Σ w s sᵀ + λI)⁻¹ Σ w s e(x_t)ᵀ; a linear autoregression in the
    family of SLIST/SLIT (Choi et al., WWW 2021). Only the `newest` events of a sequence are targets, each weighted by
    (targets in the sequence)^-power, so that long sequences do not drown short ones.
    """
    gram, cross = _lag_statistics(sequences.newest(newest), power)
    return linear_algebra.solve(gram, cross, PRIOR + RIDGE_SHARE * float(np.trace(gram)) / len(gram))


def _lag_statistics(sequences: Sequences, power: float) -> tuple[Floats, Floats]:
    """Σ w s sᵀ and Σ w s e(x)ᵀ, exactly, by counting pairs of events at each lag: O(events · length) for any n."""
    n, items, positions = sequences.n_items, sequences.items.astype(np.int64), sequences.positions
    lengths = np.repeat(sequences.lengths, sequences.lengths)
    weights = (np.maximum(lengths - 1.0, 1.0) ** -power).astype(np.float32)
    if sequences.weights is not None:
        weights *= sequences.weights
    gram, cross = np.zeros(n * n, np.float32), np.zeros(n * n, np.float32)
    # seen[p] = Σ of weight·decay^(2k) over the targets p+1+k that still see both events of the lag's pair ending at p.
    seen = np.zeros(len(items), np.float32)
    for lag in reversed(range(RIDGE_LENGTH + 1)):
        if lag < RIDGE_LENGTH:
            ahead = RIDGE_LENGTH - lag
            within = np.flatnonzero(positions + ahead < lengths)
            seen[within] += np.float32(RIDGE_DECAY ** (2 * ahead - 2)) * weights[within + ahead]
        newer = np.flatnonzero(positions >= lag)
        pairs = items[newer - lag] * n + items[newer]
        if lag:
            np.add.at(gram, pairs, np.float32(RIDGE_DECAY**lag) * seen[newer])
            np.add.at(cross, pairs, np.float32(RIDGE_DECAY ** (lag - 1)) * weights[newer])
    square = gram.reshape(n, n)
    square += square.T.copy()
    square[np.diag_indices(n)] += np.bincount(items, seen, n).astype(np.float32)
    return square, cross.reshape(n, n)
