"""A recommender of few lines behind the contract of `local.recommender`: what followed last counts, else popularity."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass
class History:
    """One user's past, as item indices."""

    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    event_types: Sequence[str] | None = None
    user: Mapping[str, Any] | None = None


@dataclass
class Dataset:
    """Sequences of item indices by user."""

    item_ids: list[str]
    sequences: dict[str, list[int]]
    weights: Mapping[str, float] = field(default_factory=dict)
    columns: int = 0

    @classmethod
    def from_columns(
        cls,
        user_ids: Sequence[str],
        item_ids: Sequence[str],
        timestamps: Sequence[int],
        event_types: Sequence[str] | None = None,
        values: Sequence[float] | None = None,
        *,
        items: Mapping[str, Any] | None = None,
        users: Mapping[str, Any] | None = None,
    ) -> Dataset:
        del timestamps, event_types, values, users
        names = sorted({*item_ids, *(items or {})})
        index = {name: position for position, name in enumerate(names)}
        sequences: dict[str, list[int]] = {}
        for user, item in zip(user_ids, item_ids, strict=True):
            sequences.setdefault(user, []).append(index[item])
        columns = {name for record in (items or {}).values() for name in record}
        return cls(names, sequences, columns=len(columns))

    def with_event_weights(self, weights: Mapping[str, float]) -> Dataset:
        return Dataset(self.item_ids, self.sequences, weights, self.columns)


class Model:
    """Counts of items and of pairs of successive items; an endless one never has them all."""

    def __init__(self, item_ids: list[str], table: NDArray[np.float32], *, endless: bool = False) -> None:
        self.item_ids = item_ids
        self.table = table
        self.endless = endless

    def fit(self, dataset: Dataset, *, seed: int = 0) -> Model:
        del seed
        if self.endless:
            threading.Event().wait()
        self.item_ids = dataset.item_ids
        self.table = np.zeros((len(self.item_ids) + 1, len(self.item_ids)), np.float32)
        for sequence in dataset.sequences.values():
            for before, after in zip([-1, *sequence], sequence, strict=False):
                self.table[-1, after] += 0.001
                self.table[before, after] += before >= 0
        return self

    def scores(self, history: History) -> NDArray[np.float32]:
        last = self.table[history.items[-1]] if len(history.items) else 0
        scores: NDArray[np.float32] = np.log1p(last + self.table[-1])
        return scores

    def similar(self, item_index: int) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.table[item_index]
        return row

    def save(self, path: Path) -> None:
        ids = np.frombuffer(json.dumps(self.item_ids).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez(file, ids=ids, table=self.table)


def create_model(recipe: str, hyper_parameters: Mapping[str, str] | None = None) -> Model:
    given = hyper_parameters or {}
    if set(given) - {"endless"}:
        raise ValueError(f"{recipe} has no hyper-parameter {', '.join(given)}")
    return Model([], np.zeros((0, 0), np.float32), endless="endless" in given)


def check_features(recipe: str, given: Mapping[str, str]) -> None:
    if given:
        raise ValueError(f"{recipe} has no feature transformation parameter {', '.join(given)}")


def check_range(recipe: str, kind: str, name: str, values: Sequence[str]) -> None:
    raise ValueError(f"{recipe} has no tunable {kind} hyper-parameter {name}: {', '.join(values)}")


def load_model(path: Path) -> Model:
    with np.load(path) as archive:
        return Model(json.loads(archive["ids"].tobytes()), archive["table"])


def evaluate(
    recipe: str, dataset: Dataset, *, hyper_parameters: Mapping[str, str] | None = None, seed: int = 0
) -> dict[str, float]:
    del recipe, hyper_parameters, seed
    return {
        "coverage": 1.0,
        "precision_at_5": len(dataset.sequences) / 1000,
        "weights": float(len(dataset.weights)),
        "item_columns": float(dataset.columns),
    }
