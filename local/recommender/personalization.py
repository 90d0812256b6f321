"""The sequence model behind the personalisation and re-ranking recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from local.recommender import blend, experts
from local.recommender.model import Model
from local.recommender.sequences import Sequences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History, Ints


class View(NamedTuple):
    """An expert: an item-to-item matrix seen from the last `length` events, weighted decay^age."""

    matrix: str
    decay: float
    length: int


VIEWS = (
    View("ridge", experts.RIDGE_DECAY, experts.RIDGE_LENGTH),
    View("transitions", 1.0, 1),
    View("ease", 0.8, 50),
    View("ease", 1.0, 200),
)
L2, L2_SEEN = 2e-3, 1e-5
DEFAULT_WEIGHTS = np.array([0.1, 1.0] * len(VIEWS) + [0.1, -5.0], np.float32)
"""Of a blend that had no held-out step to learn from."""


@dataclass
class BlendModel(Model):
    """Closed-form experts on a student's sequence, blended by a conditional logit on held-out steps.

    The score of an item is Σ_k a_k z_k + b_k log(max(z_k, 0) + floor) over the experts of `VIEWS` and popularity, plus
    a learned weight for items already in the history, so that repeat consumption is what the data say it is.
    """

    kind = "blend"

    item_ids: list[str]
    matrices: dict[str, Floats]
    popularity: Floats
    weights: Floats
    held_out: int = 1500

    @classmethod
    def untrained(cls) -> Self:
        """A model that knows no item."""
        return cls([], {}, np.zeros(0, np.float32), DEFAULT_WEIGHTS)

    def fit(self, dataset: Dataset, *, seed: int = 0) -> Self:
        """Fit the experts without some steps, the blend on those steps, then the experts on everything."""
        self.item_ids = dataset.item_ids
        sequences = Sequences.from_dataset(dataset)
        train, contexts, targets = self._hold_out(sequences, seed)
        if len(targets):
            self._fit_experts(train)
            columns = self._columns(contexts)
            penalties = [L2] * (len(columns) - 1) + [L2_SEEN]
            self.weights = blend.fit(columns, targets, penalties).astype(np.float32)
        self._fit_experts(sequences)
        return self

    def _hold_out(self, sequences: Sequences, seed: int) -> tuple[Sequences, Sequences, Ints]:
        """Cut some sequences at a random event: what remains to learn from, the contexts and what followed them."""
        random = np.random.default_rng(seed)
        lengths = sequences.lengths
        eligible = np.flatnonzero(lengths >= 2)
        chosen = np.sort(random.choice(eligible, min(self.held_out, len(eligible)), replace=False))
        cuts = random.integers(1, lengths[chosen])
        stops = lengths.copy()
        stops[chosen] = cuts
        everyone = np.arange(len(sequences))
        zeros = np.zeros_like(lengths)
        contexts = sequences.slices(chosen, np.zeros_like(cuts), cuts)
        return sequences.slices(everyone, zeros, stops), contexts, sequences.items[sequences.indptr[chosen] + cuts]

    def _fit_experts(self, sequences: Sequences) -> None:
        self.matrices = {
            "ridge": experts.ridge(sequences),
            "transitions": experts.transitions(sequences),
            "ease": experts.ease(sequences),
        }
        self.popularity = (np.bincount(sequences.items, minlength=sequences.n_items) + 0.5).astype(np.float32)

    def _columns(self, contexts: Sequences) -> list[Floats]:
        columns: list[Floats] = []
        for view in VIEWS:
            columns += blend.features(contexts.bags(view.decay, view.length) @ self.matrices[view.matrix])
        shape = (len(contexts), contexts.n_items)
        columns.append(np.broadcast_to(np.log(self.popularity), shape))
        seen = np.zeros(shape, np.float32)
        seen[contexts.rows(), contexts.items] = 1
        columns.append(seen)
        return columns

    def scores_many(self, histories: Sequence[History]) -> Floats:
        """float32[len(histories), n_items], one row per history."""
        columns = self._columns(Sequences.from_histories(histories, len(self.item_ids)))
        total = np.zeros((len(histories), len(self.item_ids)), np.float32)
        for weight, column in zip(self.weights, columns, strict=True):
            total += weight * column
        return total

    def scores(self, history: History) -> Floats:
        """float32[n_items]: at most some hundred rows gathered and a few logs."""
        total = self.weights[-2] * np.log(self.popularity)
        for k, view in enumerate(VIEWS):
            items = history.items[-view.length :]
            if len(items):
                ages = np.arange(len(items) - 1, -1, -1)
                row = (view.decay**ages).astype(np.float32) @ self.matrices[view.matrix][items]
            else:
                row = np.zeros(len(self.item_ids), np.float32)
            linear, log = blend.features(row)
            total += self.weights[2 * k] * linear + self.weights[2 * k + 1] * log
        total[history.items] += self.weights[-1]
        return np.asarray(total, np.float32)

    def _arrays(self) -> Mapping[str, NDArray[np.generic]]:
        return {"popularity": self.popularity, "weights": self.weights, **self.matrices}

    @classmethod
    def _restored(cls, item_ids: list[str], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        matrices = {view.matrix: np.asarray(arrays[view.matrix], np.float32) for view in VIEWS}
        return cls(item_ids, matrices, np.asarray(arrays["popularity"]), np.asarray(arrays["weights"]))
