"""Ranking metrics as Amazon Personalize reports them ("Evaluating a solution version with metrics")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Floats, Ints

CUTOFFS = (5, 10, 25)
MRR_CUTOFF = 25


def ranks(scores: Floats, relevant: Ints) -> NDArray[np.float64]:
    """Rank (1 = best) of each relevant item within one row of scores; ties count half, favouring nobody."""
    targets = scores[relevant][:, None]
    better = (scores > targets).sum(1)
    equal = (scores == targets).sum(1) - 1
    return np.asarray(1.0 + better + equal / 2, np.float64)


def of_ranks(relevant_ranks: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    """Mean metrics over users, from the ranks of each user's relevant items.

    NDCG discounts rank r by 1/log2(1 + r), its ideal puts all relevant items first; precision divides by the cut-off;
    the reciprocal rank is that of the first relevant item within 25, else 0.
    """
    metrics = dict.fromkeys(NAMES, 0.0)
    for user_ranks in relevant_ranks:
        first = user_ranks.min()
        metrics["mean_reciprocal_rank_at_25"] += 1 / first if first <= MRR_CUTOFF else 0.0
        for cutoff in CUTOFFS:
            hits = user_ranks[user_ranks <= cutoff]
            ideal = 1 / np.log2(2 + np.arange(min(cutoff, len(user_ranks))))
            metrics[f"normalized_discounted_cumulative_gain_at_{cutoff}"] += (1 / np.log2(1 + hits)).sum() / ideal.sum()
            metrics[f"precision_at_{cutoff}"] += len(hits) / cutoff
    return {name: float(total / max(len(relevant_ranks), 1)) for name, total in metrics.items()}


NAMES = (
    "mean_reciprocal_rank_at_25",
    *(f"normalized_discounted_cumulative_gain_at_{cutoff}" for cutoff in CUTOFFS),
    *(f"precision_at_{cutoff}" for cutoff in CUTOFFS),
)


def top(scores: Floats, count: int) -> Ints:
    """int[rows, count], the best items of each row, best first; ties in item order."""
    count = min(count, scores.shape[1])
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count < scores.shape[1] else None
    if best is None:
        return np.argsort(-scores, axis=1, kind="stable").astype(np.int32)
    best.sort(axis=1)
    order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
    return np.take_along_axis(best, order, 1).astype(np.int32)
