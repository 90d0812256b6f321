"""What metadata say about items and students that have no history."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from local.recommender.sparse_rows import SparseRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from local.recommender.dataset import Cell, Dataset, Floats, Ints

NEIGHBOURS = 10
BLOCK_CELLS = 2**22
"""Likenesses computed at once."""
SMOOTHING = 20.0
"""Events of the general distribution mixed into that of each attribute value."""

NOTHING = (np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64))


def words(cell: Cell) -> list[str]:
    """The values of a categorical cell, which `|` separates; none for numbers and absent cells."""
    return [word for word in cell.split("|") if word] if isinstance(cell, str) else []


def relatives(metadata: Mapping[str, list[Cell]], cold: Ints, warm: Ints) -> list[Ints]:
    """For each cold item its up to ten nearest warm items by shared values; empty where nothing is shared.

    A shared value counts -log of its share among the items, so that rare ones tell more; of equally near ones the
    first come first.
    """
    from scipy.sparse import diags_array

    held = _holdings(metadata, np.concatenate([cold, warm]))
    holders = held[len(cold) :].sum(0)
    telling = np.flatnonzero((holders > 0) & (holders < len(warm)))
    weights = np.log((1 + len(warm)) / (1 + holders[telling]))
    asked = held[: len(cold)][:, telling] @ diags_array(weights)
    others = held[len(cold) :][:, telling].T.tocsr()
    found: list[Ints] = []
    size = max(1, BLOCK_CELLS // max(len(warm), 1))
    for start in range(0, len(cold), size):
        block = (asked[start : start + size] @ others).toarray()
        found += [warm[_nearest(likeness)] for likeness in block]
    return found


def _holdings(metadata: Mapping[str, list[Cell]], items: Ints) -> csr_array:
    """float64[items, values]: 1 where an item has a value, numbered by column and word as they come."""
    from scipy.sparse import csr_array

    codes: dict[tuple[str, str], int] = {}
    columns: list[int] = []
    indptr = [0]
    for item in items.tolist():
        for name, cells in metadata.items():
            columns += [codes.setdefault((name, word), len(codes)) for word in dict.fromkeys(words(cells[item]))]
        indptr.append(len(columns))
    shape = (len(items), len(codes))
    return csr_array((np.ones(len(columns)), np.array(columns, np.int32), np.array(indptr)), shape=shape)


def _nearest(likeness: NDArray[np.float64]) -> NDArray[np.intp]:
    """The positions of the ten highest likenesses above 0, highest first, then by position."""
    least = np.partition(likeness, -NEIGHBOURS)[-NEIGHBOURS] if len(likeness) > NEIGHBOURS else 0.0
    near = np.flatnonzero(likeness > least)
    if least > 0:
        near = np.sort(np.append(near, np.flatnonzero(likeness == least)[: NEIGHBOURS - len(near)]))
    return near[np.argsort(-likeness[near], kind="stable")]


@dataclass(frozen=True)
class Newcomers:
    """What students begin with: the distribution of first events, sharpened by the student's attributes.

    log P(item | attributes) ∝ log P(item) + Σ over attributes of log P(item | value) / P(item), each smoothed: naive
    Bayes with the item as the class.

    Attributes:
        base: float32[n], log P(item) of first events.
        values: "column=value", the values that are known.
        floors: float32[v], the log-ratio that a value adds to items nobody with it began with.
        lifts: What it adds beyond that to the others, one row a value: as many cells as there were first events.
    """

    base: Floats
    values: list[str] = field(default_factory=list)
    floors: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    lifts: SparseRows = field(default_factory=lambda: SparseRows(*NOTHING))

    @classmethod
    def fit(cls, dataset: Dataset) -> Newcomers:
        """Count the first event of every user."""
        n = len(dataset.item_ids)
        firsts = np.flatnonzero(np.diff(dataset.users, prepend=-1))
        users, items = dataset.users[firsts], dataset.items[firsts]
        everything = np.bincount(dataset.items, minlength=n) + 0.5
        counts = np.bincount(items, minlength=n) + everything / everything.sum()
        share = counts / counts.sum()
        codes: dict[str, int] = {}
        held: list[tuple[int, int]] = []
        for column, cells in dataset.user_metadata.items():
            for item, user in zip(items.tolist(), users.tolist(), strict=True):
                held += [(codes.setdefault(f"{column}={word}", len(codes)), item) for word in words(cells[user])]
        pairs = np.array(held, np.int64).reshape(-1, 2)
        width = max(n, len(codes))
        had = SparseRows.from_pairs(pairs[:, 0] * width + pairs[:, 1], np.ones(len(pairs), np.float32), width)
        holders = np.bincount(pairs[:, 0], minlength=len(codes))
        floors = np.log(SMOOTHING / (SMOOTHING + holders)).astype(np.float32)
        # log of (had + smoothed) / (holders + SMOOTHING) / share, less the floor.
        lifts = np.log1p(had.data / (SMOOTHING * share[had.indices])).astype(np.float32)
        return cls(np.log(share).astype(np.float32), list(codes), floors, replace(had, data=lifts))

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {value: code for code, value in enumerate(self.values)}

    def scores(self, user: Mapping[str, str] | None) -> Floats:
        """float32[n] for a student of these attributes; unknown values say nothing."""
        names = [f"{column}={word}" for column, cell in (user or {}).items() for word in words(cell)]
        known = np.array([self._codes[name] for name in names if name in self._codes], np.int64)
        total: Floats = self.base + self.floors[known].sum()
        self.lifts.add(total, known, np.ones(len(known), np.float32))
        return total

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The learned state, as arrays by name; the values are a JSON text."""
        return {
            "first": self.base,
            "first_values": np.frombuffer(json.dumps(self.values).encode(), np.uint8),
            "first_floors": self.floors,
            "first_data": self.lifts.data,
            "first_indices": self.lifts.indices,
            "first_indptr": self.lifts.indptr,
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Newcomers:
        """The state that `arrays` told."""
        lifts = SparseRows(*(np.asarray(arrays[f"first_{name}"]) for name in ("data", "indices", "indptr")))
        values = json.loads(bytes(arrays["first_values"]))
        return cls(np.asarray(arrays["first"]), values, np.asarray(arrays["first_floors"]), lifts)
