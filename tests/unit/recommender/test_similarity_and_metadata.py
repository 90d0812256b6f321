"""The counting models against sums written out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from local.recommender import Dataset, History, create_model, load_model, metadata
from local.recommender.metadata import SMOOTHING, Newcomers, relatives, words
from local.recommender.popularity import TRACE
from local.recommender.similarity import SimilarityModel

if TYPE_CHECKING:
    from pathlib import Path

    from local.recommender.dataset import Cell


def of_users(*items: str) -> Dataset:
    """One user per word, whose items are its letters in order."""
    rows = [(f"u{user:02d}", item, step) for user, word in enumerate(items) for step, item in enumerate(word)]
    users, names, times = zip(*rows, strict=True)
    return Dataset.from_columns(users, names, times)


def similarity(model: SimilarityModel, item: int, other: int) -> float:
    return float(np.exp(model.similar(item)[other]) - model._base[other])


def test_sims_divide_common_users_by_discounted_popularity() -> None:
    dataset = of_users("ab", "ab", "ab", "acb", "c", "c")
    for discount in (0.0, 0.5, 1.0):
        model = SimilarityModel(discount, 1).fit(dataset)
        assert similarity(model, 0, 1) == pytest.approx(4 / (4 * 4**discount), rel=1e-3)
        assert similarity(model, 0, 2) == pytest.approx(1 / (4 * 3**discount), rel=1e-3)


def test_sims_need_so_many_common_users_and_no_more() -> None:
    dataset = of_users("ab", "ab", "ab", "ac", "ac")
    model = SimilarityModel(0.5, 3).fit(dataset)
    assert similarity(model, 0, 1) > 0.1
    assert similarity(model, 0, 2) == pytest.approx(0, abs=1e-6)


def test_an_item_is_not_similar_to_itself_and_a_history_stands_for_its_newest_item() -> None:
    model = SimilarityModel(0.5, 1).fit(of_users("aab", "aab", "aac", "dc", "dc"))
    assert model.similar(0).argmin() == 0
    history = History(np.array([0, 3], np.int32), np.arange(2, dtype=np.int64))
    np.testing.assert_array_equal(model.scores(history), model.similar(3))
    assert np.exp(model.similar(0)).min() == pytest.approx(model._base.min())


def test_nearer_relatives_of_an_unused_item_come_first() -> None:
    catalogue = {
        "a": {"TYPE": "quiz", "TOPIC": "x"},
        "b": {"TYPE": "quiz", "TOPIC": "y"},
        "c": {"TYPE": "quiz", "TOPIC": "y"},
        "d": {"TYPE": "exam", "TOPIC": "z"},
        "new": {"TYPE": "quiz", "TOPIC": "x"},
    }
    dataset = Dataset.from_columns(["u", "v", "w", "x"], ["a", "b", "c", "d"], [1, 2, 3, 4], items=catalogue)
    model = SimilarityModel(0.5, 1, metadata=True).fit(dataset)
    assert similarity(model, 4, 0) == pytest.approx(1, rel=1e-3)
    assert similarity(model, 4, 1) == pytest.approx(1 / 2, rel=1e-3)
    assert similarity(model, 4, 3) == pytest.approx(0, abs=1e-6)


def test_a_rare_shared_value_tells_more_than_a_common_one() -> None:
    metadata = {"COMMON": ["m", "m", "m", "-", "m"], "RARE": ["-", "-", "-", "r", "r"]}
    (near,) = relatives(
        {name: list(cells) for name, cells in metadata.items()}, np.array([4], np.int32), np.arange(4, dtype=np.int32)
    )
    assert near[0] == 3


@pytest.mark.parametrize("cells", [metadata.BLOCK_CELLS, 1])
def test_relatives_are_the_ten_of_the_highest_sums_the_first_of_equal_ones(
    monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    monkeypatch.setattr(metadata, "BLOCK_CELLS", cells)
    random = np.random.default_rng(0)
    columns: dict[str, list[Cell]] = {
        "SET": ["|".join(random.choice(list("abcdef"), random.integers(1, 4), replace=False)) for _ in range(90)],
        "KIND": [None if at % 5 == 0 else f"k{at % 7}" for at in range(90)],
        "ALL": ["same"] * 90,
        "PRICE": [1.0] * 90,
    }
    held = [{(name, word) for name in columns for word in words(columns[name][item])} for item in range(90)]
    warm = np.arange(30, 90, dtype=np.int32)
    holders = Counter(value for item in warm.tolist() for value in held[item])
    found = relatives(columns, np.arange(30, dtype=np.int32), warm)
    assert len(found) == 30
    for item, near in enumerate(found):
        likeness = {
            other: sum(np.log(61 / (1 + holders[value])) for value in held[item] & held[other])
            for other in warm.tolist()
        }
        expected = sorted((-round(like, 9), other) for other, like in likeness.items() if like > 0)[:10]
        assert near.tolist() == [other for _, other in expected]


def test_without_metadata_nobody_is_related() -> None:
    some, none = np.arange(2, dtype=np.int32), np.zeros(0, np.int32)
    assert [near.tolist() for near in relatives({}, some, some + 2)] == [[], []]
    assert [near.tolist() for near in relatives({"X": ["a", "a"]}, some, none)] == [[], []]
    assert relatives({"X": ["a", "a"]}, none, some) == []


def test_what_is_kept_of_newcomers_grows_with_their_number_and_not_with_the_catalogue(tmp_path: Path) -> None:
    users = [f"u{k:04d}" for k in range(1_000)]
    items = [f"i{k % 400:03d}" for k in range(1_000)]
    profiles = {user: {"EMAIL": f"{user}@school"} for user in users}
    dataset = Dataset.from_columns(users, items, [1] * 1_000, users=profiles)
    newcomers = Newcomers.fit(dataset)
    assert sum(array.size for array in newcomers.arrays().values()) < 50_000
    own, other = (newcomers.scores({"EMAIL": f"{user}@school"}) for user in ("u0007", "u0008"))
    assert (int(own.argmax()), int(other.argmax())) == (7, 8)
    create_model("aws-user-personalization-v2").fit(dataset).save(tmp_path / "model.npz")
    asked = History(NOBODY.items, NOBODY.timestamps, user={"EMAIL": "u0007@school"})
    np.testing.assert_array_equal(load_model(tmp_path / "model.npz").scores(asked), own)


def test_newcomers_begin_as_first_events_did_smoothed_by_so_many_events() -> None:
    users = [f"u{k}" for k in range(10) for _ in range(2)]
    items = [item for k in range(10) for item in ("ab" if k < 6 else "ba")]
    profiles = {f"u{k}": {"LOCALE": "vi" if k < 5 else "en"} for k in range(10)}
    newcomers = Newcomers.fit(Dataset.from_columns(users, items, [0, 1] * 10, users=profiles))
    share = np.array([6.5, 4.5]) / 11
    np.testing.assert_allclose(newcomers.base, np.log(share), rtol=1e-5)
    had = np.array([5, 0]) + SMOOTHING * share
    lifted = newcomers.base + np.log(had / had.sum() / share)
    np.testing.assert_allclose(newcomers.scores({"LOCALE": "vi", "AGE": "9"}), lifted, rtol=1e-5)
    np.testing.assert_array_equal(newcomers.scores({"LOCALE": "fr"}), newcomers.base)
    np.testing.assert_array_equal(newcomers.scores(None), newcomers.base)


def test_a_trend_is_a_z_value_over_the_chosen_period() -> None:
    hour = 3_600
    events = [("big", 0)] * 90 + [("big", hour)] * 100 + [("small", 0)] * 1 + [("small", hour)] * 9
    dataset = Dataset.from_columns(
        [f"u{k}" for k in range(len(events))], [item for item, _ in events], [time for _, time in events]
    )
    scores = (
        create_model("aws-trending-now", {"trend_discovery_frequency": "1 hour"})
        .fit(dataset)
        .scores(History(np.zeros(0, np.int32), np.zeros(0, np.int64)))
    )
    trends = np.exp([10 / np.sqrt(191), 8 / np.sqrt(11)]) + np.array([0.5 + TRACE, 0.5])
    np.testing.assert_allclose(np.exp(scores), trends / trends.sum(), rtol=1e-4)


def test_trends_are_those_of_two_hours_unless_told_otherwise() -> None:
    random = np.random.default_rng(0)
    dataset = Dataset.from_columns(
        [f"u{k}" for k in range(500)], list(random.choice(["a", "b", "c"], 500)), random.integers(0, 200_000, 500)
    )
    nobody = History(np.zeros(0, np.int32), np.zeros(0, np.int64))
    scores = {
        period: create_model("aws-trending-now", {"trend_discovery_frequency": period}).fit(dataset).scores(nobody)
        for period in ("30 minutes", "1 hour", "2 hours", "3 hours", "1 day")
    }
    default = create_model("aws-trending-now").fit(dataset).scores(nobody)
    alike = [period for period, some in scores.items() if np.allclose(some, default, atol=1e-4)]
    assert alike == ["2 hours"]


NOBODY = History(np.zeros(0, np.int32), np.zeros(0, np.int64))


def test_without_a_trend_the_popular_items_come_first() -> None:
    # All is long ago, but for one look at the newest item.
    items = ["a"] * 5 + ["b"] * 2_000 + ["c"] * 2_001 + ["d"] * 7 + ["new"]
    times = [0] * (len(items) - 1) + [10**6]
    dataset = Dataset.from_columns([f"u{k}" for k in range(len(items))], items, times)
    scores = create_model("aws-trending-now").fit(dataset).scores(NOBODY)
    assert [dataset.item_ids[at] for at in np.argsort(-scores)] == ["new", "c", "b", "d", "a"]


def test_a_trend_of_any_height_is_a_finite_score() -> None:
    n = 600_000
    dataset = Dataset.from_columns(["u"] * n + ["v"], ["a"] * n + ["b"], [10**6] * n + [0])
    scores = create_model("aws-trending-now").fit(dataset).scores(NOBODY)
    assert np.isfinite(scores).all()
    assert scores[0] == pytest.approx(0, abs=1e-6)
    assert scores[1] < -700


def test_a_value_at_its_threshold_counts() -> None:
    dataset = Dataset.from_columns(["u", "v", "w"], ["a", "b", "c"], [1, 2, 3], ["rate"] * 3, [2.9, 3.0, 3.1])
    assert len(dataset.with_event_weights({"rate": 1.0}, {"rate": 3.0})) == 2
