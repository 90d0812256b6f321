"""Users or items of a dataset: bulk records in an .npz file, individually put ones in SQLite on top of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.personalize.interactions import load_columns, save_columns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from sqlite3 import Connection

Record = dict[str, Any]


@dataclass(frozen=True)
class Entities:
    """Records by id, in order of first arrival; a record maps column names to values, without empty ones."""

    records: dict[str, Record]

    @classmethod
    def from_columns(cls, key: str, columns: dict[str, list[Any]]) -> Entities:
        """Records of imported columns; of equal ids the last row wins."""
        others = [name for name in columns if name != key]
        rows = zip(columns[key], *(columns[name] for name in others), strict=True)
        return cls(
            {
                identity: {name: value for name, value in zip(others, values, strict=True) if value is not None}
                for identity, *values in rows
            }
        )

    def joined(self, more: Entities) -> Entities:
        """These records and more; of equal ids the later one wins."""
        return Entities({**self.records, **more.records})

    def without(self, gone: Iterable[str]) -> Entities:
        """These records without some ids."""
        left_out = set(gone)
        return Entities({key: record for key, record in self.records.items() if key not in left_out})

    def save(self, path: Path) -> None:
        """Write one .npz file, column by column."""
        names = sorted({name for record in self.records.values() for name in record})
        cells = {f"cell:{name}": [record.get(name) for record in self.records.values()] for name in names}
        save_columns(path, {"ids": list(self.records), **cells})

    @classmethod
    def load(cls, path: Path | None) -> Entities:
        """Read what `save` wrote; no path, no records."""
        if path is None:
            return cls({})
        columns = load_columns(path)
        ids = columns.pop("ids")
        return cls.from_columns("id", {"id": ids, **{name.partition(":")[2]: cells for name, cells in columns.items()}})


def put_records(database: Connection, dataset: str, records: dict[str, Record]) -> None:
    """Keep individually put records; a repeated id replaces the record."""
    database.executemany(
        "INSERT OR REPLACE INTO entities VALUES (?, ?, ?)",
        [(dataset, identity, json.dumps(record)) for identity, record in records.items()],
    )


def put_entities(database: Connection, dataset: str) -> Entities:
    """The individually put records of a dataset."""
    rows = database.execute("SELECT id, record FROM entities WHERE dataset = ?", (dataset,))
    return Entities({identity: json.loads(record) for identity, record in rows})


def forget_records(database: Connection, dataset: str, identities: Iterable[str] | None = None) -> None:
    """Drop put records: those of some ids, or all."""
    if identities is None:
        database.execute("DELETE FROM entities WHERE dataset = ?", (dataset,))
    else:
        database.executemany(
            "DELETE FROM entities WHERE dataset = ? AND id = ?", [(dataset, identity) for identity in identities]
        )
