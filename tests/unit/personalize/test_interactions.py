"""Columns of interactions: order, equal rows once, erasure, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from local.personalize.interactions import Interactions, Rows

if TYPE_CHECKING:
    from pathlib import Path

Row = tuple[str, str, int, str, float, str]
ROWS = st.lists(
    st.tuples(
        st.sampled_from("uvw"),
        st.sampled_from("abc"),
        st.integers(0, 3),
        st.sampled_from(["", "view"]),
        st.sampled_from([1.0, float("nan")]),
        st.sampled_from(["", '{"X": 1}']),
    )
)


def rows(entries: list[Row]) -> Rows:
    columns = zip(*entries, strict=True) if entries else ((),) * 6
    return Rows(*(list(column) for column in columns))


def plain(data: Interactions) -> list[tuple[object, ...]]:
    return [tuple(None if cell != cell else cell for cell in row) for row in zip(*data.rows(), strict=True)]


@given(ROWS)
def test_equal_rows_are_kept_once_and_none_is_lost(entries: list[Row]) -> None:
    found = plain(Interactions.from_rows(rows(entries)))
    assert len(found) == len(set(found))
    assert set(found) == {tuple(None if cell != cell else cell for cell in row) for row in entries}


@given(ROWS)
def test_rows_are_grouped_by_user_and_ordered_by_time(entries: list[Row]) -> None:
    data = Interactions.from_rows(rows(entries))
    for code in range(len(data.users)):
        own = slice(data.start[code], data.start[code + 1])
        assert set(data.user[own].tolist()) == {code}
        assert np.all(np.diff(data.time[own]) >= 0)
    assert data.start[-1] == len(data)


@given(ROWS, ROWS)
def test_joining_equals_importing_all_at_once(first: list[Row], second: list[Row]) -> None:
    joined = Interactions.from_rows(rows(first)).joined(rows(second))
    assert set(plain(joined)) == set(plain(Interactions.from_rows(rows(first + second))))


@given(ROWS)
def test_without_users_leaves_no_trace_of_them(entries: list[Row]) -> None:
    data = Interactions.from_rows(rows(entries)).without_users({"u"})
    assert "u" not in data.users
    assert set(plain(data)) == {row for row in plain(Interactions.from_rows(rows(entries))) if row[0] != "u"}


def test_events_of_one_second_keep_their_order_of_arrival() -> None:
    data = Interactions.from_rows(rows([("u", item, 5, "", 1.0, "") for item in ("c", "a", "b")]))
    assert list(data.rows().items) == ["c", "a", "b"]


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    data = Interactions.from_rows(rows([("u", "bài-học", 5, "view", float("nan"), ""), ("v", "b", 1, "", 2.5, "x")]))
    data.save(tmp_path / "data.npz")
    assert plain(Interactions.load(tmp_path / "data.npz")) == plain(data)
    assert plain(Interactions.load(None)) == []
