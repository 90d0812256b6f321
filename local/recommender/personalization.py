"""The sequence model behind the personalisation and re-ranking recipes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from local.recommender import blend
from local.recommender.metadata import NEIGHBOURS, Newcomers, relatives
from local.recommender.model import Model
from local.recommender.sequences import Sequences
from local.recommender.views import ORDER_FREE, Experts, View, views_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History, Ints, Longs

L2, L2_SEEN = 2e-3, 1e-5
HELD_OUT_STUDENTS, HELD_OUT_STEPS, MOST_CONTEXTS = 1500, 5, 3000
REFIT_BELOW = 1000
"""Catalogues up to this size are refitted on everything after the blend; beyond, a second solve would double the cost
for the few per cent of the events that were held out."""
BATCH_CELLS = 2**22


@dataclass
class BlendModel(Model):
    """Closed-form experts on a student's sequence, blended by a conditional logit on held-out steps.

    The score of an item is Σ_k a_k z_k + b_k log(max(z_k, 0) + floor) over the views of the experts, plus a learned
    weight for log-popularity and one for items already in the history, so that repeat consumption is what the data say
    it is. exp(score) is proportional to the probability that the item comes next. Items without interactions take the
    mean evidence of their relatives by metadata; students without history are scored by `Newcomers`.

    Attributes:
        recency: Whether the order of events matters; without it only the order-free view of EASE remains.
        cold: int32[c], items without interactions that have relatives.
        kin: int32[c, 10], their relatives (repeated to fill the row).
    """

    kind = "blend"

    recency: bool = True
    item_ids: list[str] = field(default_factory=list)
    experts: Experts = field(default_factory=Experts)
    popularity: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    weights: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    newcomers: Newcomers = field(default_factory=lambda: Newcomers(np.zeros(0, np.float32)))
    cold: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    kin: Ints = field(default_factory=lambda: np.zeros((0, NEIGHBOURS), np.int32))

    def fit(self, dataset: Dataset, *, seed: int = 0) -> Self:
        """Fit the experts without some steps, the blend on those steps, then (small catalogues) all on everything."""
        self.item_ids = dataset.item_ids
        counts = np.bincount(dataset.items, dataset.weights, len(dataset.item_ids))
        self._adopt_relatives(dataset, counts)
        self.popularity = np.log(counts + 0.5).astype(np.float32)
        if len(self.cold):
            self.popularity[self.cold] = self.popularity[self.kin].mean(1)
        self.newcomers = Newcomers.fit(dataset)
        sequences = Sequences.from_dataset(dataset)
        random = np.random.default_rng(seed)
        train, contexts, targets = _hold_out(sequences, random)
        views = self._views()
        self.weights = default_weights(len(views))
        if len(targets):
            self.experts = Experts.fit(train, views)
            self.weights = self._fit_weights(contexts, targets, random)
        if not len(targets) or len(self.item_ids) <= REFIT_BELOW:
            self.experts = Experts.fit(sequences, views)
        return self

    def _views(self) -> tuple[View, ...]:
        views = views_of(len(self.item_ids))
        return views if self.recency else tuple(view for view in views if view == ORDER_FREE)

    def _adopt_relatives(self, dataset: Dataset, counts: NDArray[np.generic]) -> None:
        lonely = np.flatnonzero(counts == 0).astype(np.int32)
        found = relatives(dataset.item_metadata, lonely, np.flatnonzero(counts).astype(np.int32))
        known = [k for k, near in enumerate(found) if len(near)]
        self.cold = lonely[known]
        self.kin = np.array([np.resize(found[k], NEIGHBOURS) for k in known], np.int32).reshape(-1, NEIGHBOURS)

    def _fit_weights(self, contexts: Sequences, targets: Ints, random: np.random.Generator) -> Floats:
        """Sample competitors batch by batch, then fit: memory is bounded whatever the catalogue."""
        n, columns, offsets = len(self.item_ids), [], []
        for start in range(0, len(targets), max(1, BATCH_CELLS // n)):
            batch = np.arange(start, min(start + max(1, BATCH_CELLS // n), len(targets)))
            part = contexts.slices(batch, np.zeros_like(batch), contexts.lengths[batch])
            raw = self._evidence(part)
            rough = sum((row / (row.std(1, keepdims=True) + np.float32(1e-9)) for row in raw), np.zeros_like(raw[0]))
            items, offset = blend.competitors(rough, targets[batch], random)
            columns.append(self._columns(raw, part, items))
            offsets.append(offset)
        penalties = np.array([L2] * (2 * len(raw) + 1) + [L2_SEEN], np.float32)
        return blend.fit(np.concatenate(columns), np.concatenate(offsets), penalties).astype(np.float32)

    def _evidence(self, contexts: Sequences) -> list[Floats]:
        """One float32[b, n] per view, cold items filled in."""
        raw = self.experts.scores_many(self._known(contexts))
        for scores in raw:
            if len(self.cold):
                scores[:, self.cold] = scores[:, self.kin].mean(2)
        return raw

    def _known(self, contexts: Sequences) -> Sequences:
        """The contexts with cold items replaced by their nearest relatives."""
        return contexts.relabelled(self._alias, len(self.item_ids)) if len(self.cold) else contexts

    @property
    def _alias(self) -> Longs:
        alias = np.arange(len(self.item_ids))
        alias[self.cold] = self.kin[:, 0]
        return alias

    def _columns(self, raw: list[Floats], contexts: Sequences, items: Longs) -> Floats:
        """float32[b, c, k]: the features of the given items of each context."""
        columns = [np.take_along_axis(column, items, 1) for scores in raw for column in blend.features(scores)]
        seen = np.zeros(raw[0].shape, np.float32)
        seen[contexts.rows(), contexts.items] = 1
        return np.stack([*columns, self.popularity[items], np.take_along_axis(seen, items, 1)], -1)

    def scores_many(self, histories: Sequence[History]) -> Floats:
        """float32[len(histories), n_items], one row per history."""
        contexts = Sequences.from_histories(histories, len(self.item_ids))
        total = np.tile(self.weights[-2] * self.popularity, (len(histories), 1))
        for k, scores in enumerate(self._evidence(contexts)):
            linear, log = blend.features(scores)
            total += self.weights[2 * k] * linear
            total += self.weights[2 * k + 1] * log
        for row, history in enumerate(histories):
            if len(history.items):
                total[row, np.unique(history.items)] += self.weights[-1]
            else:
                total[row] = self.newcomers.scores(history.user)
        return total

    def scores(self, history: History) -> Floats:
        """float32[n_items]: at most some hundred rows gathered and a few logs."""
        if not len(history.items):
            return self.newcomers.scores(history.user)
        items = self._alias[history.items] if len(self.cold) else history.items
        raw = self.experts.scores(items)
        if len(self.cold):
            raw[:, self.cold] = raw[:, self.kin].mean(2)
        linear, log = blend.features(raw)
        total = self.weights[-2] * self.popularity + self.weights[:-2:2] @ linear + self.weights[1:-2:2] @ log
        total[np.unique(history.items)] += self.weights[-1]
        return np.asarray(total, np.float32)

    def _arrays(self) -> Mapping[str, NDArray[np.generic]]:
        names = np.array(list(self.newcomers.lifts), np.str_)
        lifts = np.array(list(self.newcomers.lifts.values()), np.float32).reshape(len(names), len(self.item_ids))
        own = {"popularity": self.popularity, "weights": self.weights, "cold": self.cold, "kin": self.kin}
        first = {"first": self.newcomers.base, "lift_names": names, "lifts": lifts}
        return {**own, **first, "recency": np.array([self.recency]), **self.experts.arrays()}

    @classmethod
    def _restored(cls, item_ids: list[str], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        model = cls(recency=bool(arrays["recency"][0]), item_ids=item_ids)
        model.experts = Experts.restored(arrays, model._views(), len(item_ids))
        model.popularity, model.weights = np.asarray(arrays["popularity"]), np.asarray(arrays["weights"])
        model.cold, model.kin = np.asarray(arrays["cold"]), np.asarray(arrays["kin"])
        lifts = dict(zip(arrays["lift_names"].tolist(), np.asarray(arrays["lifts"]), strict=True))
        model.newcomers = Newcomers(np.asarray(arrays["first"]), lifts)
        return model


def default_weights(views: int) -> Floats:
    """Of a blend that had no held-out step to learn from."""
    return np.array([0.1, 1.0] * views + [0.1, -5.0], np.float32)


def _hold_out(sequences: Sequences, random: np.random.Generator) -> tuple[Sequences, Sequences, Ints]:
    """Take a few steps at a random place out of some sequences, to learn the blend on.

    What follows the gap stays as a sequence of its own, so that little is lost. (Cutting only the last step would teach
    the blend the ends of histories, which on data with terms or courses are unlike their middles.)

    Returns:
        The sequences that remain, the contexts of the held-out steps, and int32 what came at each.
    """
    lengths = sequences.lengths
    eligible = np.flatnonzero(lengths >= 2)
    chosen = np.sort(random.choice(eligible, min(HELD_OUT_STUDENTS, len(eligible)), replace=False))
    cuts = random.integers(1, lengths[chosen]) if len(chosen) else chosen
    ends = np.minimum(cuts + HELD_OUT_STEPS, lengths[chosen])
    stops = lengths.copy()
    stops[chosen] = cuts
    everyone = np.arange(len(sequences))
    rows, starts = np.concatenate([everyone, chosen]), np.concatenate([np.zeros_like(lengths), ends])
    remaining = sequences.slices(rows, starts, np.concatenate([stops, lengths[chosen]]))
    owners = np.repeat(chosen, ends - cuts)
    steps = np.arange(len(owners)) - np.repeat(np.cumsum(ends - cuts) - (ends - cuts), ends - cuts)
    steps += np.repeat(cuts, ends - cuts)
    if len(steps) > MOST_CONTEXTS:
        drawn = np.sort(random.choice(len(steps), MOST_CONTEXTS, replace=False))
        owners, steps = owners[drawn], steps[drawn]
    contexts = sequences.slices(owners, np.zeros_like(steps), steps)
    return remaining, contexts, sequences.items[sequences.indptr[owners] + steps]
