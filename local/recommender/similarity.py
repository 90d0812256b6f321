"""Models that relate items: SIMS and Similar-Items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from local.recommender.metadata import relatives
from local.recommender.model import Model
from local.recommender.sequences import Sequences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History


class SimilarityModel(Model):
    """Discounted co-occurrence of items in the histories of users, as CSR rows.

    s_ij = c_ij / (c_i · c_j^d) with c the number of users of an item or of both and d the popularity discount; pairs
    of fewer than `minimum` common users are dropped. With `metadata`, items that nobody has used yet are related to
    their nearest by shared metadata values, the k-th with 1/k. What is related to nothing falls back to popularity.
    """

    kind = "similarity"

    def __init__(self, discount: float = 0.5, minimum: int = 3, *, metadata: bool = False) -> None:
        self.item_ids: list[str] = []
        self._discount, self._minimum, self._metadata = discount, minimum, metadata
        self._data = np.zeros(0, np.float32)
        self._indices = np.zeros(0, np.int32)
        self._indptr = np.zeros(1, np.int64)
        self._base = np.zeros(0, np.float32)

    def fit(self, dataset: Dataset, *, seed: int = 0) -> Self:
        """Count common users of items."""
        sequences = Sequences.from_dataset(dataset)
        bags = sequences.bags(1.0, np.iinfo(np.int64).max)
        bags.data[:] = 1
        common = (bags.T @ bags).tocoo()
        users = np.maximum(bags.sum(0), 1)
        keep = (common.row != common.col) & (common.data >= self._minimum)
        row, col, count = common.row[keep], common.col[keep], common.data[keep]
        likeness = count / (users[row] * users[col] ** self._discount)
        if self._metadata:
            counts = bags.sum(0)
            cold, warm = np.flatnonzero(counts == 0).astype(np.int32), np.flatnonzero(counts).astype(np.int32)
            kin = relatives(dataset.item_metadata, cold, warm)
            row = np.concatenate([row, np.repeat(cold, [len(near) for near in kin])])
            col = np.concatenate([col, *kin])
            likeness = np.concatenate([likeness, *(1 / (1 + np.arange(len(near))) for near in kin)])
        order = np.lexsort((col, row))
        self._data = likeness.astype(np.float32)[order]
        self._indices = col[order].astype(np.int32)
        self._indptr = np.searchsorted(row[order], np.arange(len(users) + 1)).astype(np.int64)
        popularity = np.bincount(dataset.items, minlength=len(users)) + 0.5
        self._base = (1e-3 * popularity / popularity.sum()).astype(np.float32)
        self.item_ids = dataset.item_ids
        return self

    def similar(self, item_index: int) -> Floats:
        """Log of the similarity to the given item, over a trace of popularity."""
        row = slice(int(self._indptr[item_index]), int(self._indptr[item_index + 1]))
        related = self._base.copy()
        related[self._indices[row]] += self._data[row]
        related[item_index] = self._base.min()
        return np.log(related)

    def scores(self, history: History) -> Floats:
        """As `similar` to the newest item; popularity for an empty history."""
        return self.similar(int(history.items[-1])) if len(history.items) else np.log(self._base)

    def _arrays(self) -> Mapping[str, NDArray[np.generic]]:
        return {"data": self._data, "indices": self._indices, "indptr": self._indptr, "base": self._base}

    @classmethod
    def _restored(cls, item_ids: list[str], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        model = cls()
        model.item_ids = item_ids
        model._data, model._indices = np.asarray(arrays["data"]), np.asarray(arrays["indices"])
        model._indptr, model._base = np.asarray(arrays["indptr"]), np.asarray(arrays["base"])
        return model
