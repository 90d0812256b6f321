"""What every model can do: learn, score, be saved and be loaded."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from local.recommender.archive import read_archive, write_archive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History


class Model(ABC):
    """A recommender of one recipe. Scores are finite, higher is better, and softmax makes probabilities of them."""

    kind: ClassVar[str]
    item_ids: list[str]

    @abstractmethod
    def fit(self, dataset: Dataset, *, seed: int = 0) -> Self:
        """Learn from the dataset; same data and seed, same model."""

    @abstractmethod
    def scores(self, history: History) -> Floats:
        """float32[n_items], how much each item is to be expected next."""

    def scores_many(self, histories: Sequence[History]) -> Floats:
        """float32[len(histories), n_items]; row k is `scores(histories[k])` up to rounding."""
        if not histories:
            return np.zeros((0, len(self.item_ids)), np.float32)
        return np.stack([self.scores(history) for history in histories])

    def similar(self, item_index: int) -> Floats:
        """float32[n_items], how related each item is to the given one.

        Raises:
            ValueError: This recipe does not relate items.
        """
        raise ValueError(f"{self.kind} models do not answer for an item")

    @abstractmethod
    def _arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The learned state, as arrays by name."""

    @classmethod
    @abstractmethod
    def _restored(cls, item_ids: list[str], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """The model of that state."""

    def save(self, path: Path) -> None:
        """Write the model as one .npz file (no pickle)."""
        header = json.dumps({"kind": self.kind, "item_ids": self.item_ids}).encode()
        write_archive(path, {"header": np.frombuffer(header, np.uint8), **self._arrays()})


def load_model(path: Path) -> Model:
    """The model saved at `path`; its arrays stay in the file until they are read (memory-mapped).

    Raises:
        ValueError: The file was not written by `Model.save`.
    """
    from local.recommender.recipes import MODELS

    arrays = read_archive(path)
    if "header" not in arrays:
        raise ValueError(f"{path} is not a saved model")
    header = json.loads(bytes(arrays["header"]))
    kinds = {model.kind: model for model in MODELS}
    return kinds[header["kind"]]._restored(header["item_ids"], arrays)
