"""What must hold for any data."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from local.recommender import Dataset, History, create_model
from local.recommender.sequences import Sequences
from local.recommender.sparse_rows import SparseRows

Rows = list[tuple[int, int, int]]
rows_of_any_data = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 6), st.integers(0, 30)), max_size=60)


def dataset_of(rows: Rows, user: str = "u{}", item: str = "i{}") -> Dataset:
    return Dataset.from_columns(
        [user.format(row[0]) for row in rows], [item.format(row[1]) for row in rows], [row[2] for row in rows]
    )


def distinct_times(rows: Rows) -> Rows:
    """With every event at its own second, so that the order of arrival decides nothing."""
    return [(user, item, second) for second, (user, item, _) in enumerate(rows)]


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_any_data, data=st.data())
def test_the_order_of_rows_does_not_matter(rows: Rows, data: st.DataObject) -> None:
    rows = distinct_times(rows)
    shuffled = data.draw(st.permutations(rows))
    models = [create_model("aws-user-personalization-v2").fit(dataset_of(some)) for some in (rows, shuffled)]
    past = History(np.arange(len(models[0].item_ids), dtype=np.int32), np.zeros(len(models[0].item_ids), np.int64))
    np.testing.assert_array_equal(models[0].scores(past), models[1].scores(past))


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_any_data.filter(bool))
def test_renaming_items_renames_the_answers(rows: Rows) -> None:
    """New names in reverse order: the codes change, what is said of each item does not."""
    rows = distinct_times(rows)
    old = dataset_of(rows)
    new = dataset_of([(user, 6 - item, second) for user, item, second in rows])
    models = [create_model("aws-user-personalization-v2").fit(some) for some in (old, new)]
    names = old.item_ids
    renamed = [f"i{6 - int(name[1:])}" for name in names]
    codes = np.array([new.item_ids.index(name) for name in renamed], np.int32)
    for k in range(len(names)):
        one = models[0].scores(History(np.array([k], np.int32), np.zeros(1, np.int64)))
        other = models[1].scores(History(codes[[k]], np.zeros(1, np.int64)))[codes]
        np.testing.assert_allclose(one, other, rtol=5e-3, atol=5e-3)


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_any_data)
def test_duplicated_rows_leave_popularity_shares_in_order(rows: Rows) -> None:
    model, doubled = (create_model("aws-popularity-count").fit(dataset_of(some)) for some in (rows, [*rows, *rows]))
    past = History(np.zeros(0, np.int32), np.zeros(0, np.int64))
    assert model.item_ids == doubled.item_ids
    np.testing.assert_array_equal(
        np.argsort(-model.scores(past), kind="stable"), np.argsort(-doubled.scores(past), kind="stable")
    )


@settings(max_examples=40, deadline=None)
@given(rows=rows_of_any_data)
def test_a_dataset_is_sorted_and_loses_nothing(rows: Rows) -> None:
    dataset = dataset_of(rows)
    found = [
        (dataset.user_ids[user], dataset.item_ids[item], int(time))
        for user, item, time in zip(dataset.users, dataset.items, dataset.timestamps, strict=True)
    ]
    expected = sorted(((f"u{user}", f"i{item}", time) for user, item, time in rows), key=lambda row: (row[0], row[2]))
    assert found == expected


@settings(max_examples=40, deadline=None)
@given(rows=rows_of_any_data, decay=st.sampled_from([1.0, 0.8]), length=st.integers(1, 8))
def test_bags_weigh_the_newest_events_by_age(rows: Rows, decay: float, length: int) -> None:
    sequences = Sequences.from_dataset(dataset_of(rows))
    bags = sequences.bags(decay, length).toarray()
    expected = np.zeros_like(bags)
    for s in range(len(sequences)):
        items = sequences.items[sequences.indptr[s] : sequences.indptr[s + 1]]
        for age, item in enumerate(items[::-1][:length]):
            expected[s, item] += decay**age
    np.testing.assert_allclose(bags, expected, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(0.1, 2)), max_size=30))
def test_sparse_rows_add_up_like_a_matrix(pairs: list[tuple[int, int, float]]) -> None:
    codes = np.array([row * 5 + column for row, column, _ in pairs], np.int64)
    rows = SparseRows.from_pairs(codes, np.array([weight for *_, weight in pairs], np.float32), 5)
    dense = np.zeros((5, 5), np.float32)
    for row, column, weight in pairs:
        dense[row, column] += weight
    np.testing.assert_allclose(rows.csr().toarray(), dense, rtol=1e-5)
    scaled = dense / np.where(dense.sum(1, keepdims=True) > 0, dense.sum(1, keepdims=True), 1)
    total = np.zeros(5, np.float32)
    rows.normalised().add(total, np.array([3, 0, 3]), np.array([1.0, 0.5, 2.0], np.float32))
    np.testing.assert_allclose(total, 3 * scaled[3] + 0.5 * scaled[0], rtol=1e-5, atol=1e-6)
