"""Event sequences of many users in one flat array, the form in which models count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from local.recommender.dataset import Dataset, Floats, History, Ints, Longs


@dataclass(frozen=True)
class Sequences:
    """Item sequences, oldest first: sequence s is `items[indptr[s]:indptr[s + 1]]`.

    Attributes:
        items: int32[n] item codes.
        indptr: int64[s + 1] offsets.
        n_items: Size of the catalogue.
        weights: float32[n], how much each event counts as something to learn; None means 1 for all.
    """

    items: Ints
    indptr: Longs
    n_items: int
    weights: Floats | None = None

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> Sequences:
        """One sequence per user code, empty for users without events."""
        indptr = np.searchsorted(dataset.users, np.arange(len(dataset.user_ids) + 1)).astype(np.int64)
        return cls(dataset.items, indptr, len(dataset.item_ids), dataset.weights)

    @classmethod
    def from_histories(cls, histories: Sequence[History], n_items: int) -> Sequences:
        """One sequence per history, in the order given."""
        indptr = np.concatenate(([0], np.cumsum([len(history.items) for history in histories], dtype=np.int64)))
        items = [history.items for history in histories]
        return cls(np.concatenate(items) if items else np.zeros(0, np.int32), indptr.astype(np.int64), n_items)

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.indptr) - 1

    @property
    def lengths(self) -> Longs:
        """int64[s], events of each sequence."""
        return np.diff(self.indptr)

    @property
    def positions(self) -> Longs:
        """int64[n], index of each event within its sequence."""
        return np.arange(len(self.items)) - np.repeat(self.indptr[:-1], self.lengths)

    def rows(self) -> Longs:
        """int64[n], number of the sequence that each event belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def slices(self, rows: Longs, starts: Longs, stops: Longs) -> Sequences:
        """Events `starts[k]:stops[k]` of sequence `rows[k]`, for each k."""
        lengths = np.maximum(stops - starts, 0)
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        picks = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] + starts - indptr[:-1], lengths)
        weights = None if self.weights is None else self.weights[picks]
        return Sequences(self.items[picks], indptr, self.n_items, weights)

    def newest(self, length: int) -> Sequences:
        """At most the last `length` events of each sequence."""
        lengths = self.lengths
        return self.slices(np.arange(len(self)), np.maximum(lengths - length, 0), lengths)

    def relabelled(self, labels: Longs, n_items: int) -> Sequences:
        """The sequences with item i renamed labels[i]; events whose label is negative are left out."""
        items = labels[self.items]
        keep = items >= 0
        indptr = np.concatenate(([0], np.cumsum(keep)))[self.indptr].astype(np.int64)
        weights = None if self.weights is None else self.weights[keep]
        return Sequences(items[keep].astype(np.int32), indptr, n_items, weights)

    def bags(self, decay: float, length: int) -> csr_array:
        """float32[s, n_items]: the last `length` events of each, weighted decay^age (the newest has age 0), summed."""
        from scipy.sparse import csr_array

        tail = self.newest(length)
        ages = np.repeat(tail.indptr[1:], tail.lengths) - 1 - np.arange(len(tail.items))
        data = (decay**ages).astype(np.float32)
        bags = csr_array((data, tail.items.copy(), tail.indptr.copy()), shape=(len(self), self.n_items))
        bags.sum_duplicates()
        return bags
