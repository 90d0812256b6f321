"""The recommenders that one would otherwise pick, to be measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from local.recommender import experts, metrics
from local.recommender.personalization import BlendModel
from local.recommender.popularity import PopularityModel
from local.recommender.sequences import Sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

    from local.recommender.dataset import Dataset, Floats, History, Ints
    from local.recommender.model import Model

WHOLE = np.iinfo(np.int64).max


class Contestant(Protocol):
    """What the benchmark needs of a recommender."""

    name: str

    def fit(self, dataset: Dataset, seed: int) -> None:
        """Learn."""

    def scores_many(self, histories: Sequence[History]) -> Floats:
        """float32[len(histories), n_items]."""

    def recommend(self, user: int, history: History) -> Ints:
        """Ten items for one user of the training data, none of them in the history."""


class _OwnModel:
    """One of our models."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def fit(self, dataset: Dataset, seed: int) -> None:
        self.model.fit(dataset, seed=seed)

    def scores_many(self, histories: Sequence[History]) -> Floats:
        return self.model.scores_many(histories)

    def recommend(self, user: int, history: History) -> Ints:
        del user
        scores = self.model.scores(history)
        scores[history.items] = -np.inf
        return np.asarray(metrics.top(scores[None], 10)[0])


class Ours(_OwnModel):
    """The blend behind aws-user-personalization-v2."""

    name = "nightclass"

    def __init__(self) -> None:
        super().__init__(BlendModel())


class Popularity(_OwnModel):
    """The most frequent items."""

    name = "popularity"

    def __init__(self) -> None:
        super().__init__(PopularityModel())


class _ItemToItem:
    """A matrix applied to the binary history."""

    def __init__(self) -> None:
        self._matrix: Any = None

    def _bags(self, histories: Sequence[History]) -> csr_array:
        return binary(Sequences.from_histories(histories, self._matrix.shape[0]))

    def scores_many(self, histories: Sequence[History]) -> Floats:
        product = self._bags(histories) @ self._matrix
        return np.asarray(product if isinstance(product, np.ndarray) else product.todense(), np.float32)

    def recommend(self, user: int, history: History) -> Ints:
        del user
        scores = self.scores_many([history])
        scores[0, history.items] = -np.inf
        return np.asarray(metrics.top(scores, 10)[0])


class CosineKnn(_ItemToItem):
    """Item-based nearest neighbours: cosine of user sets, the 100 nearest of each item (Sarwar et al., WWW 2001)."""

    name = "item-knn (cosine)"
    neighbours = 100

    def fit(self, dataset: Dataset, seed: int) -> None:
        """Relate the items."""
        del seed
        from scipy.sparse import csr_array

        bags = binary(Sequences.from_dataset(dataset))
        norms = np.sqrt(np.maximum(bags.sum(0), 1)).astype(np.float32)
        common = (bags.T @ bags).tocoo()
        keep = common.row != common.col
        row, column = common.row[keep], common.col[keep]
        cosine = common.data[keep] / (norms[row] * norms[column])
        order = np.lexsort((column, -cosine, row))
        row, column, cosine = row[order], column[order], cosine[order]
        starts = np.searchsorted(row, np.arange(len(norms)))
        near = np.arange(len(row)) - starts[row] < self.neighbours
        self._matrix = csr_array((cosine[near], (column[near], row[near])), shape=common.shape)


class Ease(_ItemToItem):
    """EASE^R (Steck, WWW 2019) on the whole history, dense over the whole catalogue: not for large ones."""

    name = "EASE"
    most_items = 10_000

    def fit(self, dataset: Dataset, seed: int) -> None:
        """Relate the items."""
        del seed
        self._matrix = experts.ease(Sequences.from_dataset(dataset))


class ImplicitAls:
    """Alternating least squares of the `implicit` package at 128 factors and 15 iterations, its other defaults kept.

    Users are folded in from the history they are asked with, as its documentation advises for new events.
    """

    name = "implicit ALS"

    def __init__(self) -> None:
        self._model: Any = None
        self._bags: Any = None

    @staticmethod
    def available() -> bool:
        """Whether the package is installed."""
        from importlib.util import find_spec

        return find_spec("implicit") is not None

    def fit(self, dataset: Dataset, seed: int) -> None:
        """Factorise, on one thread."""
        from implicit.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix

        self._bags = csr_matrix(binary(Sequences.from_dataset(dataset)))
        self._model = AlternatingLeastSquares(factors=128, iterations=15, num_threads=1, random_state=seed)
        self._model.fit(self._bags, show_progress=False)

    def scores_many(self, histories: Sequence[History]) -> Floats:
        """Fold each history in."""
        from scipy.sparse import csr_matrix

        bags = csr_matrix(binary(Sequences.from_histories(histories, self._bags.shape[1])))
        users = self._model.recalculate_user(np.arange(len(histories)), bags)
        return np.asarray(users @ self._model.item_factors.T, np.float32)

    def recommend(self, user: int, history: History) -> Ints:
        """With the factors as trained, not folding in: the faster way."""
        del history
        return np.asarray(self._model.recommend(user, self._bags[user], N=10)[0])


def binary(sequences: Sequences) -> csr_array:
    """float32[s, n_items]: 1 where the sequence holds the item."""
    bags = sequences.bags(1.0, WHOLE)
    bags.data[:] = 1
    return bags


def contestants(n_items: int) -> tuple[type[Contestant], ...]:
    """Those that can run here on a catalogue of that size."""
    ease = (Ease,) if n_items <= Ease.most_items else ()
    als = (ImplicitAls,) if ImplicitAls.available() else ()
    return (Popularity, CosineKnn, *ease, *als, Ours)
