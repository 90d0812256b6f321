"""What answers runtime requests: deployed models, user histories and catalogues, all in memory."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from local.personalize.entities import Entities, put_entities
from local.personalize.events import events_of
from local.personalize.filtering import Catalogue
from local.personalize.influence import Traits
from local.personalize.interactions import Interactions
from local.personalize.store import DATASET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray

    from local.personalize.store import Resource, Store
    from local.recommender import History, Model

T = TypeVar("T")
FILTER_WINDOW = 100
"""Filters consider the newest interactions of a user, this many per event type (adjustable in AWS)."""
LOADED_AT_MOST = 64


@dataclass
class Bulk:
    """A dataset's interactions with a way to find a user's rows."""

    interactions: Interactions
    rows: dict[str, int]

    @classmethod
    def load(cls, path: Path | None) -> Bulk:
        """Read a snapshot."""
        interactions = Interactions.load(path)
        return cls(interactions, {user: code for code, user in enumerate(interactions.users)})


@dataclass
class Past:
    """One user's interactions, oldest first: item ids, epoch seconds, event types ("" if none)."""

    items: list[str]
    times: list[int]
    types: list[str]

    def recent(self) -> list[tuple[str, str]]:
        """(item, event type) of the newest interactions, as many per type as filters consider."""
        counts: dict[str, int] = {}
        found = []
        for item, kind in zip(reversed(self.items), reversed(self.types), strict=True):
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] <= FILTER_WINDOW:
                found.append((item, kind))
        return found


NO_PAST = Past([], [], [])


@dataclass
class Deployment:
    """A loaded model and the positions of its items."""

    model: Model
    index: dict[str, int]


class Serving:
    """Reads datasets and models from the state directory once, and again when they change."""

    def __init__(self, store: Store, directory: Path, recommender: str) -> None:
        self._store = store
        self._directory = directory
        self._recommender = recommender
        self._lock = Lock()
        self._loaded: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._changes: dict[str, int] = {}

    def library(self) -> ModuleType:
        """The recommender library; the first call imports it, which takes a moment."""
        return importlib.import_module(self._recommender)

    def deployment(self, version: Resource) -> Deployment:
        """The model of a solution version."""
        return self._once(("model", version.arn), lambda: self._load_model(version))

    def bulk(self, dataset: Resource) -> Bulk:
        """The imported interactions of a dataset."""
        path = self._snapshot(dataset)
        return self._once(("bulk", dataset.arn, path), lambda: Bulk.load(path))

    def entities(self, dataset: Resource) -> Entities:
        """The users or items of a dataset, imported and individually put."""
        path, change = self._snapshot(dataset), self._changes.get(dataset.arn, 0)
        imported = self._once(("imported", dataset.arn, path), lambda: Entities.load(path))
        return self._once(("entities", dataset.arn, path, change), lambda: imported.joined(self._put(dataset)))

    def catalogue(self, version: Resource) -> Catalogue:
        """The items that a version's campaign can recommend, with their newest metadata."""
        items = self.dataset(version.record["datasetGroupArn"], "ITEMS")
        ids = self.deployment(version).model.item_ids
        records = {} if items is None else self.entities(items).records
        return self._once(("catalogue", *self._catalogue_key(version)), lambda: Catalogue.of(ids, records))

    def traits(self, version: Resource) -> Traits:
        """Popularity and age of the items in a version's catalogue, as imported."""
        dataset = self.dataset(version.record["datasetGroupArn"], "INTERACTIONS")
        imported = self._snapshot(dataset) if dataset else None
        interactions = self.bulk(dataset).interactions if dataset else Interactions.load(None)
        catalogue = self.catalogue(version)
        return self._once(
            ("traits", imported, *self._catalogue_key(version)), lambda: Traits.of(catalogue, interactions)
        )

    def past(self, group: str, user: str) -> Past:
        """A user's imported and recorded interactions."""
        dataset = self.dataset(group, "INTERACTIONS")
        if dataset is None:
            return NO_PAST
        bulk = self.bulk(dataset)
        data, code = bulk.interactions, bulk.rows.get(user)
        chosen = slice(0, 0) if code is None else slice(int(data.start[code]), int(data.start[code + 1]))
        items = [data.items[item] for item in data.item[chosen].tolist()]
        times, types = data.time[chosen].tolist(), [data.types[kind] for kind in data.type[chosen].tolist()]
        with self._store.lock:
            events = events_of(self._store.database, dataset.arn, user)
        if not events:
            return Past(items, times, types)
        values, extras = data.value[chosen].tolist(), [data.extras[extra] for extra in data.extra[chosen].tolist()]
        known = {
            (item, kind, time, None if value != value else value, extra)
            for item, kind, time, value, extra in zip(items, types, times, values, extras, strict=True)
        }
        rows = [*zip(times, items, types, strict=True)]
        rows += [
            (event.time, event.item, event.type)
            for event in events
            if (event.item, event.type, event.time, _single(event.value), event.extra) not in known
        ]
        rows.sort(key=lambda row: row[0])
        return Past([row[1] for row in rows], [row[0] for row in rows], [row[2] for row in rows])

    def user(self, group: str, user: str) -> Mapping[str, Any]:
        """A user's metadata; empty if there is none."""
        dataset = self.dataset(group, "USERS")
        record: Mapping[str, Any] = self.entities(dataset).records.get(user, {}) if dataset else {}
        return record

    def history(self, deployment: Deployment, past: Past, user: Mapping[str, Any]) -> History:
        """A past as the recommender takes it; items unknown to the model are left out."""
        known = [at for at, item in enumerate(past.items) if item in deployment.index]
        history: History = self.library().History(
            items=np.array([deployment.index[past.items[at]] for at in known], np.int32),
            timestamps=np.array([past.times[at] for at in known], np.int64),
            event_types=[past.types[at] for at in known],
            user=user,
        )
        return history

    def dataset(self, group: str, kind: str) -> Resource | None:
        """The dataset of that type in a group."""
        resource = self._store.get(group.replace(":dataset-group/", ":dataset/") + f"/{kind}")
        return resource if resource is not None and resource.kind is DATASET else None

    def changed(self, dataset: Resource) -> None:
        """Users or items were put; answers must show them from now on."""
        self._changes[dataset.arn] = self._changes.get(dataset.arn, 0) + 1
        self._drop(lambda key: dataset.arn in key and key[0] in {"entities", "catalogue", "traits"})

    def forget(self, arn: str) -> None:
        """Drop what is held for a resource."""
        self._drop(lambda key: arn in key)

    def _drop(self, stale: Callable[[tuple[Any, ...]], bool]) -> None:
        with self._lock:
            for key in [key for key in self._loaded if stale(key)]:
                del self._loaded[key]

    def _catalogue_key(self, version: Resource) -> tuple[Any, ...]:
        items = self.dataset(version.record["datasetGroupArn"], "ITEMS")
        if items is None:
            return (version.arn,)
        return version.arn, items.arn, self._snapshot(items), self._changes.get(items.arn, 0)

    def _put(self, dataset: Resource) -> Entities:
        with self._store.lock:
            return put_entities(self._store.database, dataset.arn)

    def _load_model(self, version: Resource) -> Deployment:
        model = self.library().load_model(self._directory / version.private["model"])
        return Deployment(model, {item: position for position, item in enumerate(model.item_ids)})

    def _snapshot(self, dataset: Resource) -> Path | None:
        name = dataset.private.get("snapshot")
        return self._directory / name if name else None

    def _once(self, key: tuple[Any, ...], load: Callable[[], T]) -> T:
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                held: T = self._loaded[key]
                return held
        value = load()
        with self._lock:
            self._loaded[key] = value
            while len(self._loaded) > LOADED_AT_MOST:
                self._loaded.popitem(last=False)
        return value


def _single(value: float | None) -> float | None:
    return None if value is None else float(np.float32(value))


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of scores; they sum to 1."""
    powers = np.exp(scores.astype(np.float64) - scores.max())
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares
