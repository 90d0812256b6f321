"""What a model learns from (`Dataset`) and what it answers for (`History`)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Cell: TypeAlias = str | float | None
Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Dataset:
    """Interactions as columns, sorted by (user, timestamp, order of arrival); ids are in ascending order.

    Attributes:
        user_ids: Name of each user code; may hold users without interactions.
        item_ids: Name of each item code; may hold items without interactions.
        users: int32[n] codes into `user_ids`.
        items: int32[n] codes into `item_ids`.
        timestamps: int64[n], epoch seconds.
        event_types: int16[n] codes into `event_type_names`.
        event_type_names: Name of each event type code.
        values: float32[n], nan where an event has no value.
        item_metadata: Column name to cells aligned with `item_ids`.
        user_metadata: Column name to cells aligned with `user_ids`.
        weights: float32[n], how much each event counts in training; None means 1 for all.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: Ints
    items: Ints
    timestamps: Longs
    event_types: NDArray[np.int16]
    event_type_names: list[str]
    values: Floats
    item_metadata: Mapping[str, list[Cell]] = field(default_factory=dict)
    user_metadata: Mapping[str, list[Cell]] = field(default_factory=dict)
    weights: Floats | None = None

    @classmethod
    def from_columns(
        cls,
        user_ids: Sequence[str],
        item_ids: Sequence[str],
        timestamps: Sequence[int] | NDArray[Any],
        event_types: Sequence[str] | None = None,
        values: Sequence[float | None] | NDArray[Any] | None = None,
        *,
        items: Mapping[str, Mapping[str, Cell]] | None = None,
        users: Mapping[str, Mapping[str, Cell]] | None = None,
    ) -> Dataset:
        """Build a dataset from one sequence per column.

        Args:
            user_ids: USER_ID of each event.
            item_ids: ITEM_ID of each event.
            timestamps: Epoch seconds of each event.
            event_types: EVENT_TYPE of each event; None: all of one unnamed type.
            values: EVENT_VALUE of each event; None (whole or per event): no value.
            items: Item id to its metadata; ids without interactions are cold items of the catalogue.
            users: User id to its metadata, likewise.

        Raises:
            ValueError: The columns differ in length.
        """
        n = len(user_ids)
        if any(len(column) != n for column in (item_ids, timestamps, event_types, values) if column is not None):
            raise ValueError("columns differ in length")
        user_names, user_codes = _factorise(user_ids, users or ())
        item_names, item_codes = _factorise(item_ids, items or ())
        type_names, type_codes = _factorise(event_types if event_types is not None else [""] * n, ())
        times = np.asarray(timestamps, dtype=np.int64)
        numbers = np.full(n, np.nan, np.float32) if values is None else np.asarray(values, dtype=np.float32)
        order = np.lexsort((times, user_codes))
        return cls(
            user_ids=user_names,
            item_ids=item_names,
            users=user_codes[order],
            items=item_codes[order],
            timestamps=times[order],
            event_types=type_codes[order].astype(np.int16),
            event_type_names=type_names,
            values=numbers[order],
            item_metadata=_columns(item_names, items or {}),
            user_metadata=_columns(user_names, users or {}),
        )

    def __len__(self) -> int:
        """Number of interactions."""
        return len(self.users)

    def where(self, keep: NDArray[np.bool_]) -> Dataset:
        """The dataset with only the events at which `keep` (bool[n]) is true; catalogue and users stay whole."""
        return replace(
            self,
            users=self.users[keep],
            items=self.items[keep],
            timestamps=self.timestamps[keep],
            event_types=self.event_types[keep],
            values=self.values[keep],
            weights=None if self.weights is None else self.weights[keep],
        )

    def with_event_weights(
        self, weights: Mapping[str, float], thresholds: Mapping[str, float] | None = None
    ) -> Dataset:
        """Weight events by type, as `eventsConfig` of Amazon Personalize does.

        Events of types without a weight, of weight 0, or with a value below their type's threshold are left out; an
        event without a value passes any threshold.
        """
        by_code = np.array([weights.get(name, 0.0) for name in self.event_type_names], np.float32)
        floors = np.array([(thresholds or {}).get(name, -np.inf) for name in self.event_type_names], np.float32)
        weight = by_code[self.event_types] if len(self) else np.zeros(0, np.float32)
        keep = (weight > 0) & ~(self.values < floors[self.event_types])
        return replace(self, weights=weight).where(keep)


@dataclass(frozen=True)
class History:
    """One user's past at the moment of the request, oldest first: new events count without retraining.

    Attributes:
        items: int32[k] codes into the model's `item_ids`.
        timestamps: int64[k], epoch seconds.
        event_types: Names of the k event types, if known.
        user: That user's metadata, if any: column to cell.
    """

    items: Ints
    timestamps: Longs
    event_types: Sequence[str] | None = None
    user: Mapping[str, str] | None = None


def _factorise(values: Sequence[str], more: Iterable[str]) -> tuple[list[str], Ints]:
    """Ascending distinct names of `values` and `more`, and the int32 code of each value."""
    seen: dict[str, int] = {}
    codes = np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int32, len(values))
    for value in more:
        seen.setdefault(value, len(seen))
    names = sorted(seen)
    rank = np.empty(len(names), np.int32)
    rank[[seen[name] for name in names]] = np.arange(len(names), dtype=np.int32)
    return names, rank[codes] if len(names) else codes


def _columns(names: list[str], rows: Mapping[str, Mapping[str, Cell]]) -> dict[str, list[Cell]]:
    columns = sorted({column for row in rows.values() for column in row})
    empty: Mapping[str, Cell] = {}
    return {column: [rows.get(name, empty).get(column) for name in names] for column in columns}
