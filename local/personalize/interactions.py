"""The interactions of a dataset as columns, ordered by user and time, in one .npz file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Codes = NDArray[np.int32]


class Rows(NamedTuple):
    """Interactions as plain columns.

    Ids, epoch seconds, event types ("" if none), values (nan if none), and every further column of a row as one JSON
    text ("" if none).
    """

    users: Sequence[str]
    items: Sequence[str]
    times: Sequence[int]
    types: Sequence[str]
    values: Sequence[float]
    extras: Sequence[str]


@dataclass(frozen=True)
class Interactions:
    """Interactions coded by vocabulary; rows ordered by user, then time, then arrival; equal rows kept once.

    `users`, `items`, `types` and `extras` are the vocabularies; `user`, `item`, `type` and `extra` the codes, one a
    row; `start` holds the first row of each user, and the number of rows at its end.
    """

    users: list[str]
    items: list[str]
    types: list[str]
    extras: list[str]
    user: Codes
    item: Codes
    type: Codes
    extra: Codes
    time: NDArray[np.int64]
    value: NDArray[np.float32]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def from_rows(cls, rows: Rows) -> Interactions:
        """Order the rows and keep equal ones once."""
        (users, user), (items, item) = coded(rows.users), coded(rows.items)
        (types, kind), (extras, extra) = coded(rows.types), coded(rows.extras)
        time = np.asarray(rows.times, np.int64)
        value = np.asarray(rows.values, np.float32)
        # Bits compare nan equal to itself.
        identity = (extra, value.view(np.int32), kind, item, time, user)
        order = np.lexsort(identity)
        repeated = np.zeros(len(order), bool)
        if len(order):
            repeated[1:] = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in identity])
        kept = np.sort(order[~repeated])
        kept = kept[np.lexsort((time[kept], user[kept]))]
        start = np.searchsorted(user[kept], np.arange(len(users) + 1))
        columns = (user[kept], item[kept], kind[kept], extra[kept], time[kept], value[kept], start)
        return cls(users, items, types, extras, *columns)

    def rows(self, mask: NDArray[np.bool_] | None = None) -> Rows:
        """The rows as plain columns, those of the mask if one is given."""
        chosen = slice(None) if mask is None else mask
        return Rows(
            _decoded(self.users, self.user[chosen]),
            _decoded(self.items, self.item[chosen]),
            self.time[chosen].tolist(),
            _decoded(self.types, self.type[chosen]),
            self.value[chosen].tolist(),
            _decoded(self.extras, self.extra[chosen]),
        )

    def joined(self, more: Rows) -> Interactions:
        """These interactions and more, equal ones once."""
        mine = self.rows()
        return Interactions.from_rows(
            Rows(
                [*mine.users, *more.users],
                [*mine.items, *more.items],
                [*mine.times, *more.times],
                [*mine.types, *more.types],
                [*mine.values, *more.values],
                [*mine.extras, *more.extras],
            )
        )

    def without_users(self, gone: set[str]) -> Interactions:
        """These interactions without those of some users."""
        kept = np.array([user not in gone for user in self.users], bool)
        return Interactions.from_rows(self.rows(kept[self.user])) if len(self) else self

    def save(self, path: Path) -> None:
        """Write one .npz file; the vocabularies are JSON texts inside."""
        save_columns(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path | None) -> Interactions:
        """Read what `save` wrote; no path, no interactions."""
        return cls(**load_columns(path)) if path else cls.from_rows(Rows([], [], [], [], [], []))


def coded(values: Sequence[str]) -> tuple[list[str], Codes]:
    """Distinct values in order of first appearance, and the code of each value."""
    codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return list(codes), np.fromiter(map(codes.__getitem__, values), np.int32, len(values))


def save_columns(path: Path, columns: dict[str, Any]) -> None:
    """Write arrays and JSON values side by side into one .npz file."""
    arrays: dict[str, Any] = {
        name: column if isinstance(column, np.ndarray) else np.frombuffer(json.dumps(column).encode(), np.uint8)
        for name, column in columns.items()
    }
    with path.open("wb") as file:
        np.savez(file, **arrays)


def load_columns(path: Path) -> dict[str, Any]:
    """Read what `save_columns` wrote."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return {name: json.loads(array.tobytes()) if array.dtype == np.uint8 else array for name, array in arrays.items()}


def _decoded(vocabulary: list[str], codes: Codes) -> list[str]:
    return [vocabulary[code] for code in codes.tolist()]
