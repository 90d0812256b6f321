"""How the experts are weighed: a conditional logit over their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Floats, Ints

FLOOR = np.float32(0.05)


def features(scores: Floats) -> tuple[Floats, Floats]:
    """An expert's scores (…, n) as two features: z = scores / std, and log(max(z, 0) + floor).

    The sum of logs multiplies the experts' opinions, the linear term lets strong ones shout; with logs alone or linear
    alone the same experts rank clearly worse.
    """
    z = scores / (scores.std(-1, keepdims=True) + np.float32(1e-9))
    return z, np.log(np.maximum(z, 0) + FLOOR)


def fit(
    columns: Sequence[Floats], targets: Ints, penalties: Sequence[float], *, iterations: int = 60
) -> NDArray[np.float64]:
    """Weights w that maximise the mean log-likelihood of softmax(Σ w_k columns_k) at the targets, with an l2 penalty.

    Args:
        columns: One float32[b, n] per feature.
        targets: int[b], the item that came.
        penalties: The l2 penalty of each weight.
        iterations: Most L-BFGS steps; the problem is convex.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(targets))
    at_target = np.array([column[rows, targets].mean(dtype=np.float64) for column in columns])
    l2 = np.asarray(penalties)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = np.zeros_like(columns[0])
        for weight, column in zip(w, columns, strict=True):
            z += np.float32(weight) * column
        z -= z.max(1, keepdims=True)
        hits = z[rows, targets].astype(np.float64)
        np.exp(z, out=z)
        total = z.sum(1, keepdims=True)
        z /= total
        expected = np.array([np.vdot(z, column) for column in columns], dtype=np.float64) / len(targets)
        return (
            float((np.log(total[:, 0]) - hits).mean() + (l2 * w**2).sum()),
            expected - at_target + 2 * l2 * w,
        )

    start = np.full(len(columns), 0.1)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x)
