"""The sequence model behind the personalisation and re-ranking recipes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from local.recommender import blend
from local.recommender.metadata import NEIGHBOURS, Newcomers, relatives
from local.recommender.model import Model
from local.recommender.sequences import Sequences
from local.recommender.views import ORDER_FREE, Experts, views_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History, Ints, Longs
    from local.recommender.views import View

L2 = 2e-3
HELD_OUT_STEPS, MOST_CONTEXTS, REPEAT_CONTEXTS = 5, 2000, 250
FEWEST_STUDENTS, MOST_STUDENTS, LOST_SHARE = 200, 1500, 0.02
REFIT_BELOW = 1000
"""Catalogues up to this size are refitted on everything after the blend. Beyond, a second solve would double the cost;
there, so few students have steps held out that no more than about two per cent of the events are lost."""
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
        self.weights = default_weights(0)
        if not self.item_ids:
            return self
        counts = np.bincount(dataset.items, dataset.weights, len(dataset.item_ids))
        self._adopt_relatives(dataset, counts)
        self.popularity = np.log(counts + 0.5).astype(np.float32)
        if len(self.cold):
            self.popularity[self.cold] = self.popularity[self.kin].mean(1)
        self.newcomers = Newcomers.fit(dataset)
        sequences = Sequences.from_dataset(dataset)
        random = np.random.default_rng(seed)
        refit = len(self.item_ids) <= REFIT_BELOW
        train, contexts, targets = _hold_out(sequences, random, MOST_STUDENTS if refit else _spared(len(dataset)))
        views = self._views()
        self.weights = default_weights(len(views))
        if len(targets):
            self.experts = Experts.fit(train, views)
            self.weights = self._fit_weights(contexts, targets, random)
        if refit or not len(targets):
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
        """The blend on steps to new items, then the weight of seen items on all steps; batch by batch."""
        novel = ~_holds(contexts, targets)
        columns, offsets = [], []
        for part, came in self._batches(contexts, targets, novel):
            raw = self._evidence(part)
            scales = [blend.scale(scores) for scores in raw]
            rough = sum((scores / by for scores, by in zip(raw, scales, strict=True)), np.zeros_like(raw[0]))
            rough[part.rows(), part.items] = -np.inf
            items, offset = blend.competitors(rough, came, random)
            offset[np.isneginf(np.take_along_axis(rough, items, 1))] = -np.inf
            columns.append(self._columns(raw, scales, items))
            offsets.append(offset)
        if not columns:
            return self.weights
        penalties = np.full(columns[0].shape[-1], L2, np.float32)
        weights = blend.fit_top(np.concatenate(columns), np.concatenate(offsets), penalties)
        self.weights = np.append(weights, 0).astype(np.float32)
        odds = []
        for part, _ in self._batches(contexts, targets, np.arange(len(targets)) < REPEAT_CONTEXTS):
            odds.append(blend.log_odds(self._blended(part), part.rows(), part.items))
        self.weights[-1] = blend.fit_offset(np.concatenate(odds), ~novel)
        return self.weights

    def _batches(self, contexts: Sequences, targets: Ints, keep: NDArray[np.bool_]) -> Iterator[tuple[Sequences, Ints]]:
        """The kept contexts in parts of bounded size when made dense."""
        rows, size = np.flatnonzero(keep), max(1, BATCH_CELLS // len(self.item_ids))
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            yield contexts.slices(batch, np.zeros_like(batch), contexts.lengths[batch]), targets[batch]

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

    def _columns(self, raw: list[Floats], scales: list[Floats], items: Longs) -> Floats:
        """float32[b, c, k]: the features of the given items of each context."""
        picked = [np.take_along_axis(scores, items, 1) for scores in raw]
        columns = [column for scores, by in zip(picked, scales, strict=True) for column in blend.features(scores, by)]
        return np.stack([*columns, self.popularity[items]], -1)

    def _blended(self, contexts: Sequences) -> Floats:
        """float32[b, n] scores, not yet counting what was seen."""
        total = np.tile(self.weights[-2] * self.popularity, (len(contexts), 1))
        for k, scores in enumerate(self._evidence(contexts)):
            linear, log = blend.features(scores, blend.scale(scores))
            total += self.weights[2 * k] * linear
            total += self.weights[2 * k + 1] * log
        return total

    def scores_many(self, histories: Sequence[History]) -> Floats:
        """float32[len(histories), n_items], one row per history."""
        total = self._blended(Sequences.from_histories(histories, len(self.item_ids)))
        for row, history in enumerate(histories):
            if len(history.items):
                total[row, history.items] += self.weights[-1]
            else:
                total[row] = self.newcomers.scores(history.user)
        return total

    def scores(self, history: History) -> Floats:
        """float32[n_items]: at most some hundred rows gathered and a few logs."""
        if not len(history.items):
            return self.newcomers.scores(history.user)
        items = self._alias[history.items] if len(self.cold) else history.items.astype(np.int64)
        raw = self.experts.scores(items)
        if len(self.cold):
            raw[:, self.cold] = raw[:, self.kin].mean(2)
        linear, log = blend.features(raw, blend.scale(raw))
        total = self.weights[-2] * self.popularity + self.weights[:-2:2] @ linear + self.weights[1:-2:2] @ log
        total[history.items] += self.weights[-1]
        return np.asarray(total, np.float32)

    def _arrays(self) -> Mapping[str, NDArray[np.generic]]:
        own = {"popularity": self.popularity, "weights": self.weights, "cold": self.cold, "kin": self.kin}
        return {**own, **self.newcomers.arrays(), "recency": np.array([self.recency]), **self.experts.arrays()}

    @classmethod
    def _restored(cls, item_ids: list[str], arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        model = cls(recency=bool(arrays["recency"][0]), item_ids=item_ids)
        model.experts = Experts.restored(arrays, model._views(), len(item_ids))
        model.popularity, model.weights = np.asarray(arrays["popularity"]), np.asarray(arrays["weights"])
        model.cold, model.kin = np.asarray(arrays["cold"]), np.asarray(arrays["kin"])
        model.newcomers = Newcomers.restored(arrays)
        return model


def default_weights(views: int) -> Floats:
    """Of a blend that had no held-out step to learn from."""
    return np.array([0.1, 1.0] * views + [0.1, -5.0], np.float32)


def _holds(contexts: Sequences, targets: Ints) -> NDArray[np.bool_]:
    """bool[b], whether the target is already in its context."""
    hits = np.repeat(targets, contexts.lengths) == contexts.items
    return np.bincount(contexts.rows(), hits, len(contexts)) > 0


def _spared(events: int) -> int:
    """How many students can have steps held out for good, of so many events."""
    return int(np.clip(LOST_SHARE * events / HELD_OUT_STEPS, FEWEST_STUDENTS, MOST_STUDENTS))


def _hold_out(sequences: Sequences, random: np.random.Generator, students: int) -> tuple[Sequences, Sequences, Ints]:
    """Take a few steps at a random place out of some students' sequences, to learn the blend on.

    What follows the gap stays as a sequence of its own, so that little is lost. (Cutting only the last step would teach
    the blend the ends of histories, which on data with terms or courses are unlike their middles.)

    Returns:
        The sequences that remain, the contexts of the held-out steps, and int32 what came at each.
    """
    lengths = sequences.lengths
    eligible = np.flatnonzero(lengths >= 2)
    chosen = np.sort(random.choice(eligible, min(students, len(eligible)), replace=False))
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
