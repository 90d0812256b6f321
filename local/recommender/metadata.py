"""What metadata say about items and students that have no history."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from local.recommender.dataset import Cell, Dataset, Floats, Ints

NEIGHBOURS = 10
SMOOTHING = 20.0
"""Events of the general distribution mixed into that of each attribute value."""


def words(cell: Cell) -> list[str]:
    """The values of a categorical cell, which `|` separates; none for numbers and absent cells."""
    return [word for word in cell.split("|") if word] if isinstance(cell, str) else []


def relatives(metadata: Mapping[str, list[Cell]], cold: Ints, warm: Ints) -> list[Ints]:
    """For each cold item its up to ten nearest warm items by shared values; empty where nothing is shared.

    A shared value counts -log of its share among the items, so that rare ones tell more.
    """
    columns = [[words(cell) for cell in cells] for cells in metadata.values()]
    found: list[Ints] = []
    by_word: dict[tuple[int, str], list[int]] = {}
    for number, column in enumerate(columns):
        for item in warm.tolist():
            for word in column[item]:
                by_word.setdefault((number, word), []).append(item)
    for item in cold.tolist():
        likeness: dict[int, float] = {}
        for number, column in enumerate(columns):
            for word in column[item]:
                holders = by_word.get((number, word), [])
                for other in holders:
                    likeness[other] = likeness.get(other, 0.0) + np.log((1 + len(warm)) / (1 + len(holders)))
        nearest = sorted((-like, other) for other, like in likeness.items() if like > 0)[:NEIGHBOURS]
        found.append(np.array([other for _, other in nearest], np.int32))
    return found


@dataclass(frozen=True)
class Newcomers:
    """What students begin with: the distribution of first events, sharpened by the student's attributes.

    log P(item | attributes) ∝ log P(item) + Σ over attributes of log P(item | value) / P(item), each smoothed: naive
    Bayes with the item as the class.

    Attributes:
        base: float32[n], log P(item) of first events.
        lifts: "column=value" to float32[n], the log-ratio that this value adds.
    """

    base: Floats
    lifts: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def fit(cls, dataset: Dataset) -> Newcomers:
        """Count the first event of every user."""
        n = len(dataset.item_ids)
        firsts = np.flatnonzero(np.diff(dataset.users, prepend=-1))
        users, items = dataset.users[firsts], dataset.items[firsts]
        everything = np.bincount(dataset.items, minlength=n) + 0.5
        counts = np.bincount(items, minlength=n) + everything / everything.sum()
        share = counts / counts.sum()
        lifts: dict[str, Floats] = {}
        for column, cells in dataset.user_metadata.items():
            holders: dict[str, list[int]] = {}
            for k, user in enumerate(users.tolist()):
                for word in words(cells[user]):
                    holders.setdefault(word, []).append(k)
            for word, events in holders.items():
                had: NDArray[np.float64] = np.bincount(items[events], minlength=n) + SMOOTHING * share
                lifts[f"{column}={word}"] = np.log(had / had.sum() / share).astype(np.float32)
        return cls(np.log(share).astype(np.float32), lifts)

    def scores(self, user: Mapping[str, str] | None) -> Floats:
        """float32[n] for a student of these attributes; unknown values say nothing."""
        total = self.base.copy()
        for column, cell in (user or {}).items():
            for word in words(cell):
                lift = self.lifts.get(f"{column}={word}")
                if lift is not None:
                    total += lift
        return total
