"""Models that answer everybody alike: Popularity-Count and Trending-Now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from local.recommender.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History


TRACE = 0.01
"""What the most popular item has added to half an event where trends are ranked."""


class _OneRanking(Model):
    """The same log-probabilities for every history."""

    def __init__(self) -> None:
        self.item_ids: list[str] = []
        self._log_shares = np.zeros(0, np.float32)

    def scores(self, history: History) -> Floats:
        return self._log_shares.copy()

    def scores_many(self, histories: Sequence[History]) -> Floats:
        return np.tile(self._log_shares, (len(histories), 1))

    def _learned(self, dataset: Dataset, weights: NDArray[Any]) -> Self:
        """Take up the items and the logs of their weights, which need not sum to one."""
        self.item_ids = dataset.item_ids
        self._log_shares = (weights - np.logaddexp.reduce(weights)).astype(np.float32)
        return self

    def _arrays(self) -> Mapping[str, NDArray[np.generic]]:
        return {"log_shares": self._log_shares}

    @classmethod
    def _restored(cls, item_ids: list[str], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        model = cls()
        model.item_ids = item_ids
        model._log_shares = np.asarray(arrays["log_shares"], np.float32)
        return model


class PopularityModel(_OneRanking):
    """aws-popularity-count: log of the share of interactions, half an event added to each item."""

    kind = "popularity"

    def fit(self, dataset: Dataset, *, seed: int = 0) -> Self:
        """Count the interactions of each item."""
        counts = np.bincount(dataset.items, dataset.weights, len(dataset.item_ids))
        return self._learned(dataset, np.log(counts + 0.5))


class TrendingModel(_OneRanking):
    """aws-trending-now: which items gain most interactions from one period to the next.

    With c₁ and c₀ the counts of the newest period and the one before it, an item's trend is the z-value of a Poisson
    difference, (c₁ - c₀) / √(c₁ + c₀ + 1); exp of it is the pseudo-count that enters the shares, with half an event
    and, so that items without a trend come in the order of their popularity, a trace of its rank added.
    """

    kind = "trending"

    def __init__(self, period: int = 7_200) -> None:
        super().__init__()
        self._period = period

    def fit(self, dataset: Dataset, *, seed: int = 0) -> Self:
        """Compare the newest period, which ends with the newest event, with the one before it."""
        n = len(dataset.item_ids)
        age = (dataset.timestamps.max() - dataset.timestamps) // self._period if len(dataset) else dataset.timestamps
        newest, before = (np.bincount(dataset.items[age == k], minlength=n) for k in (0, 1))
        trend = (newest - before) / np.sqrt(newest + before + 1.0)
        popularity = np.unique(np.bincount(dataset.items, minlength=n), return_inverse=True)[1]
        rank = popularity / max(popularity.max(initial=0), 1)
        return self._learned(dataset, np.logaddexp(trend, np.log(0.5 + TRACE * rank)))
