"""The experts as they are asked: which matrix, how far back, and how fast the past fades."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from local.recommender import experts
from local.recommender.sparse_rows import SparseRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from local.recommender.dataset import Floats, Longs
    from local.recommender.sequences import Sequences

CORE = 5000
"""Most items of a dense matrix; the O(n³) solves and n² memory stop growing there. The tail is left to sparse views."""


class View(NamedTuple):
    """An expert: a matrix seen from the last `length` events, weighted decay^age."""

    matrix: str
    decay: float
    length: int


RIDGE = View("ridge", experts.RIDGE_DECAY, experts.RIDGE_LENGTH)
NEXT = View("next", 1.0, 1)
RECENT = View("ease", 0.8, 30)
ORDER_FREE = View("ease", 1.0, 64)
NEAR = View("near", 0.8, 10)
DENSE = ("ridge", "ease")


def views_of(n_items: int) -> tuple[View, ...]:
    """The views of a catalogue of that size: beyond the dense core, `near` speaks for the tail."""
    return (RIDGE, RECENT, ORDER_FREE, NEXT, *((NEAR,) if n_items > CORE else ()))


@dataclass
class Experts:
    """The fitted matrices and their views.

    Attributes:
        views: Which views to answer for, in this order.
        dense: Name to float32[m, m] over the core items.
        sparse: Name to rows over all items.
        slots: int64[n], the place of each item in the core, or -1; None when all items are in it.
        core: int64[m], the items of the core.
    """

    views: tuple[View, ...] = ()
    n_items: int = 0
    dense: dict[str, Floats] = field(default_factory=dict)
    sparse: dict[str, SparseRows] = field(default_factory=dict)
    core: NDArray[np.int64] | None = None
    slots: NDArray[np.int64] | None = None

    @classmethod
    def fit(cls, sequences: Sequences, views: tuple[View, ...]) -> Experts:
        """Fit the matrices that the views need."""
        found = cls(views, sequences.n_items)
        needed = {view.matrix for view in views}
        inner = sequences
        if sequences.n_items > CORE:
            counts = np.bincount(sequences.items, minlength=sequences.n_items)
            found._set_core(np.sort(np.argsort(-counts, kind="stable")[:CORE]))
            inner = found._inner(sequences)
        found.dense = {name: getattr(experts, name)(inner) for name in DENSE if name in needed}
        if "next" in needed:
            found.sparse["next"] = experts.transitions(sequences)
        if "near" in needed:
            found.sparse["near"] = experts.near(sequences)
        return found

    def _set_core(self, core: NDArray[np.int64]) -> None:
        self.core = core
        self.slots = np.full(self.n_items, -1, np.int64)
        self.slots[core] = np.arange(len(core))

    def _inner(self, sequences: Sequences) -> Sequences:
        return sequences if self.slots is None else sequences.relabelled(self.slots, CORE)

    def scores_many(self, contexts: Sequences) -> list[Floats]:
        """One float32[b, n] per view."""
        inner, out = self._inner(contexts), []
        for view in self.views:
            if view.matrix in self.sparse:
                bags = contexts.bags(view.decay, view.length)
                out.append(np.asarray((bags @ self.sparse[view.matrix].csr()).todense(), np.float32))
                continue
            part = np.asarray(inner.bags(view.decay, view.length) @ self.dense[view.matrix], np.float32)
            if self.core is not None:
                whole = np.zeros((len(contexts), self.n_items), np.float32)
                whole[:, self.core] = part
                part = whole
            out.append(part)
        return out

    def scores(self, items: Longs) -> Floats:
        """float32[views, n] for one history, oldest first."""
        out = np.zeros((len(self.views), self.n_items), np.float32)
        inner = items
        if self.slots is not None:
            inner = self.slots[items]
            inner = inner[inner >= 0]
        for matrix, (users, mixes) in self._mixes.items():
            dense = matrix in self.dense
            recent = (inner if dense else items)[-mixes.shape[1] :]
            mix = mixes[:, mixes.shape[1] - len(recent) :]
            if not dense:
                self.sparse[matrix].add(out[users[0]], recent, mix[0])
            elif self.core is None:
                out[users] = mix @ self.dense[matrix][recent]
            else:
                out[np.ix_(users, self.core)] = mix @ self.dense[matrix][recent]
        return out

    @cached_property
    def _mixes(self) -> dict[str, tuple[NDArray[np.int64], Floats]]:
        """By matrix: the views of it, and float32[views, longest] the weight of each past event, the newest last."""
        mixes = {}
        for matrix in dict.fromkeys(view.matrix for view in self.views):
            users = [k for k, view in enumerate(self.views) if view.matrix == matrix]
            longest = max(self.views[k].length for k in users)
            ages = np.arange(longest - 1, -1, -1)
            rows = [np.where(ages < self.views[k].length, self.views[k].decay ** ages, 0) for k in users]
            mixes[matrix] = (np.array(users), np.array(rows, np.float32))
        return mixes

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The learned state, as arrays by name."""
        state: dict[str, NDArray[np.generic]] = dict(self.dense)
        for name, rows in self.sparse.items():
            state |= {f"{name}.data": rows.data, f"{name}.indices": rows.indices, f"{name}.indptr": rows.indptr}
        return state if self.core is None else {**state, "core": self.core}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[np.generic]], views: tuple[View, ...], n_items: int) -> Experts:
        """The experts of that state."""
        found = cls(views, n_items)
        if "core" in arrays:
            found._set_core(np.asarray(arrays["core"], np.int64))
        for name in dict.fromkeys(view.matrix for view in views):
            if name in arrays:
                found.dense[name] = np.asarray(arrays[name])
            else:
                data, indices, indptr = (np.asarray(arrays[f"{name}.{part}"]) for part in ("data", "indices", "indptr"))
                found.sparse[name] = SparseRows(data, indices, indptr)
        return found
