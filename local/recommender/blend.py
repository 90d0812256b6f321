"""How the experts are weighed: a conditional logit over their scores, fitted to what could be foreseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from local.recommender.dataset import Floats, Ints, Longs

    Doubles = NDArray[np.float64]

FLOOR = np.float32(0.05)
BEST, DRAWN = 48, 128
"""Competitors of each target when the catalogue is larger: the best by a rough ranking, and a uniform sample."""
TOLERANCE, START = 1e-6, 0.2
"""Newton's last step is the one that promises to gain less log-likelihood than this; all weights start alike."""
FOCUS, LEAST_FACTOR = 0.5, 0.1
"""Half-way between log-likelihood and expected hits."""


def scale(scores: Floats) -> Floats:
    """float32[..., 1], the standard deviation of each row of an expert's scores."""
    means = scores.mean(-1, keepdims=True)
    squares = np.einsum("...n,...n->...", scores, scores)[..., None] / np.float32(scores.shape[-1])
    return np.asarray(np.sqrt(np.maximum(squares - means * means, 0)) + np.float32(1e-9))


def features(scores: Floats, scales: Floats) -> tuple[Floats, Floats]:
    """An expert's scores (…, n) as two features: z = scores / scale, and log(max(z, 0) + floor).

    The sum of logs multiplies the experts' opinions, the linear term lets strong ones shout; with logs alone or linear
    alone the same experts rank clearly worse.
    """
    z = scores / scales
    return z, np.log(np.maximum(z, 0) + FLOOR)


def competitors(rough: Floats, targets: Ints, random: np.random.Generator) -> tuple[Longs, Floats]:
    """Which items compete in the likelihood of each step, and with what log-weight.

    Args:
        rough: float32[b, n], a rough ranking.
        targets: int32[b].
        random: Source of the sample.

    Returns:
        int64[b, c] items, the target first, and float32[b, c] offsets: 0, or the log of how many items a drawn one
        stands for (sampled softmax with importance weights), or minus infinity for one that is already there.
    """
    b, n = rough.shape
    if n <= BEST + DRAWN:
        order = np.tile(np.arange(n), (b, 1))
        rows = np.arange(b)
        order[rows, 0], order[rows, targets] = targets, 0
        return order, np.zeros((b, n), np.float32)
    best = np.argpartition(-rough, BEST, axis=1)[:, :BEST]
    drawn = random.integers(0, n, (b, DRAWN))
    items = np.concatenate([targets[:, None], best, drawn], axis=1).astype(np.int64)
    listed = np.zeros((b, n), bool)
    np.put_along_axis(listed, best, values=True, axis=1)
    np.put_along_axis(listed, targets[:, None].astype(np.int64), values=True, axis=1)
    offsets = np.zeros(items.shape, np.float32)
    offsets[:, 1 : BEST + 1][best == targets[:, None]] = -np.inf
    offsets[:, BEST + 1 :] = np.where(np.take_along_axis(listed, drawn, 1), -np.inf, np.log(n / DRAWN))
    return items, offsets


def fit_top(columns: Floats, offsets: Floats, penalties: Floats) -> Doubles:
    """Weights under which the items that came tend to rank first, scaled so that the scores are log-probabilities.

    The log-likelihood spends weight, popularity's above all, on raising items that nobody could have foreseen from
    hopeless to unlikely, at the expense of the order at the top. So the order is that of `fit` with `FOCUS`; then one
    factor on all weights maximises the plain penalised log-likelihood, which calibrates the probabilities.
    """
    w = fit(columns, offsets, penalties, focus=FOCUS)
    blended = (columns @ w.astype(np.float32))[..., None]
    penalty = np.array([(penalties * w**2).sum()], np.float32)
    return w * max(float(fit(blended, offsets, penalty)[0]), LEAST_FACTOR)


def fit(columns: Floats, offsets: Floats, penalties: Floats, *, focus: float = 0.0, steps: int = 20) -> Doubles:
    """Weights w that maximise the log of the power mean of p, less the penalties: log(mean p^q) / q, q = focus.

    p is the probability of the first item under softmax(columns·w + offsets). q = 0 is the log-likelihood, q = 1 the
    expected share of hits; between them lies generalised cross-entropy (Zhang & Sabuncu, NeurIPS 2018). The gradient is
    that of the log-likelihood with each step weighted by p^q, so what could not be foreseen counts little. Newton's
    method with step halving, the weights held fixed within a step: for q = 0 a convex problem, else a lower bound that
    touches (p^q is convex in log p). A handful of passes over the data.

    Args:
        columns: float32[b, c, k], features of the competing items, the one that came first.
        offsets: float32[b, c].
        penalties: float32[k], the l2 penalty of each weight.
        focus: q.
        steps: Most Newton steps.
    """
    k = columns.shape[-1]
    flat = columns.reshape(-1, k)

    def chances(w: Doubles) -> tuple[float, Doubles, Floats]:
        z = (flat @ w.astype(np.float32)).reshape(offsets.shape) + offsets
        z -= z.max(1, keepdims=True)
        hit = z[:, 0].astype(np.float64)
        np.exp(z, out=z)
        total = z.sum(1, keepdims=True)
        z /= total
        hit -= np.log(total[:, 0])
        shares = np.exp(focus * hit)
        mean = np.log(shares.mean()) / focus if focus else hit.mean()
        return float((penalties * w**2).sum() - mean), shares / shares.sum(), z

    w = np.full(k, START)
    loss, shares, p = chances(w)
    for _ in range(steps):
        counted = shares.astype(np.float32)[:, None]
        expected = np.einsum("bc,bck->bk", p, columns, optimize=True)
        gradient = shares @ (expected - columns[:, 0]) + 2 * penalties * w
        curvature = (flat * (p * counted).reshape(-1, 1)).T @ flat - (expected * counted).T @ expected
        step = np.linalg.solve(curvature.astype(np.float64) + np.diag(2 * penalties + 1e-7), gradient)
        if gradient @ step / 2 < TOLERANCE:
            return w - step
        size = 1.0
        tried, shares, p = chances(w - step)
        while tried > loss and size > 1e-3:
            size /= 2
            tried, shares, p = chances(w - size * step)
        w, loss = w - size * step, tried
    return w


def log_odds(scores: Floats, rows: Longs, items: Ints) -> NDArray[np.float64]:
    """float64[b], log of the weight of the items seen in each row against all others, under softmax(scores).

    Args:
        scores: float32[b, n].
        rows: int64[m], row of each seen item.
        items: int32[m], the seen items; repetitions are harmless.
    """
    chances = np.exp(scores - scores.max(1, keepdims=True))
    seen = np.zeros(scores.shape, bool)
    seen[rows, items] = True
    share = np.where(seen, chances, 0).sum(1, dtype=np.float64) / chances.sum(1, dtype=np.float64)
    share = np.clip(share, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(share / (1 - share)))


def fit_offset(odds: NDArray[np.float64], repeated: NDArray[np.bool_], *, steps: int = 50) -> float:
    """The offset on the log-odds under which repetitions are expected at the rate at which they came.

    The maximum-likelihood intercept of a logistic regression with given log-odds, by bisection; half a repetition in
    one step more keeps it finite.

    Args:
        odds: Log-odds of a sample of the steps.
        repeated: Of all steps, whether a seen item came.
        steps: Halvings of the bracket [-20, 20].
    """
    rate = (repeated.sum() + 0.5) / (len(repeated) + 1)
    low, high = -20.0, 20.0
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-odds - middle))).mean() < rate else (low, middle)
    return middle
