"""Closed-form item-to-item matrices: row i says what follows, or goes with, item i."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from local.recommender import linear_algebra

if TYPE_CHECKING:
    from local.recommender.dataset import Floats
    from local.recommender.sequences import Sequences

RIDGE_DECAY, RIDGE_LENGTH = 0.8, 20
"""How far back, and with what weight per step, the autoregression looks."""


def transitions(sequences: Sequences) -> Floats:
    """First-order Markov chain: float32[n, n], P(next item = j | last item = i), unsmoothed."""
    n, items = sequences.n_items, sequences.items.astype(np.int64)
    follows = np.flatnonzero(sequences.positions > 0)
    weights = None if sequences.weights is None else sequences.weights[follows]
    counts = np.bincount(items[follows - 1] * n + items[follows], weights, n * n).reshape(n, n)
    return np.asarray(counts / (counts.sum(1, keepdims=True) + 1e-6), np.float32)


def ease(sequences: Sequences, *, regularisation: float = 0.5) -> Floats:
    """EASE^R (Steck, WWW 2019): the item-item regression with zero diagonal, float32[n, n].

    B = -P / diag(P), P = (XᵀX + λI)⁻¹ over binary user histories; λ is in units of the mean diagonal.
    """
    bags = sequences.bags(1.0, np.iinfo(np.int64).max)
    bags.data[:] = 1
    gram = (bags.T @ bags).toarray()
    precision = linear_algebra.inverse(gram, regularisation * max(float(np.trace(gram)) / len(gram), 1.0))
    matrix = precision / -np.diag(precision)
    np.fill_diagonal(matrix, 0)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def ridge(sequences: Sequences, *, regularisation: float = 1.0, power: float = 0.25, newest: int = 500) -> Floats:
    """Ridge regression of the next item's one-hot on the decayed recent history, float32[n, n].

    With s_t = Σ_k decay^k e(x_{t-1-k}), k < length: B = (Σ w s sᵀ + λI)⁻¹ Σ w s e(x_t)ᵀ; a linear autoregression in the
    family of SLIST/SLIT (Choi et al., WWW 2021). Only the `newest` events of a sequence are targets, each weighted by
    (targets in the sequence)^-power, so that long sequences do not drown short ones.
    """
    gram, cross = _lag_statistics(sequences.newest(newest), power)
    return linear_algebra.solve(gram, cross, regularisation * max(float(np.trace(gram)) / len(gram), 1e-6))


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
