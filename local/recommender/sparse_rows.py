"""Sparse item-to-item matrices that are read by row, with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from local.recommender.dataset import Floats, Ints, Longs


@dataclass(frozen=True)
class SparseRows:
    """Row i holds `data[indptr[i]:indptr[i + 1]]` at columns `indices[...]`, ascending.

    Attributes:
        data: float32[nnz].
        indices: int32[nnz].
        indptr: int64[n + 1].
    """

    data: Floats
    indices: Ints
    indptr: Longs

    @classmethod
    def from_pairs(cls, pairs: Longs, weights: Floats, n: int) -> SparseRows:
        """Sum the weights of equal pairs, each coded row · n + column."""
        order = np.argsort(pairs, kind="stable")
        pairs = pairs[order]
        starts = np.flatnonzero(np.diff(pairs, prepend=-1))
        data = np.add.reduceat(weights[order], starts) if len(starts) else np.zeros(0, np.float32)
        rows, columns = np.divmod(pairs[starts], max(n, 1))
        indptr = np.searchsorted(rows, np.arange(n + 1)).astype(np.int64)
        return cls(data.astype(np.float32), columns.astype(np.int32), indptr)

    def normalised(self) -> SparseRows:
        """The same with every row scaled to sum 1."""
        totals = np.add.reduceat(np.append(self.data, np.float32(0)), self.indptr[:-1]) if len(self.indptr) > 1 else 1
        return SparseRows(self.data / np.repeat(totals, np.diff(self.indptr)), self.indices, self.indptr)

    def add(self, total: Floats, rows: Longs, weights: Floats) -> None:
        """Add the weighted rows to the dense `total`, float32[n]."""
        for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
            cells = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
            total[self.indices[cells]] += np.float32(weight) * self.data[cells]

    def csr(self) -> csr_array:
        """The matrix for scipy, sharing memory."""
        from scipy.sparse import csr_array

        n = len(self.indptr) - 1
        return csr_array((self.data, self.indices, self.indptr), shape=(n, n))
