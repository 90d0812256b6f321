"""Models on data whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from local.recommender import Dataset, History, create_model
from local.recommender.recipes import RECIPES

SEQUENCE_RECIPES = [name for name in RECIPES if "personaliz" in name]


def history(dataset: Dataset, *names: str, user: dict[str, str] | None = None) -> History:
    codes = np.array([dataset.item_ids.index(name) for name in names], np.int32)
    return History(codes, np.arange(len(codes), dtype=np.int64), user=user)


def ranked(dataset: Dataset, scores: np.ndarray) -> list[str]:
    return [dataset.item_ids[code] for code in np.argsort(-scores, kind="stable")]


def walks(follow: dict[str, str], *, users: int = 300, steps: int = 6, noise: float = 0.1, seed: int = 1) -> Dataset:
    """Users who start anywhere and go where `follow` says, or with some probability anywhere."""
    random = np.random.default_rng(seed)
    names = sorted(follow)
    rows = []
    for user in range(users):
        item = names[random.integers(len(names))]
        for step in range(steps):
            rows.append((f"u{user}", item, step))
            item = names[random.integers(len(names))] if random.random() < noise else follow[item]
    users_, items, times = zip(*rows, strict=True)
    return Dataset.from_columns(users_, items, times)


@pytest.mark.parametrize("recipe", SEQUENCE_RECIPES)
def test_a_markov_chain_is_recovered(recipe: str) -> None:
    names = [f"i{k:02d}" for k in range(20)]
    follow = dict(zip(names, names[7:] + names[:7], strict=True))
    dataset = walks(follow)
    model = create_model(recipe).fit(dataset)
    for name in names:
        assert ranked(dataset, model.scores(history(dataset, name)))[0] == follow[name]


def test_scores_are_log_probabilities_up_to_a_constant() -> None:
    names = [f"i{k:02d}" for k in range(20)]
    follow = dict(zip(names, names[7:] + names[:7], strict=True))
    dataset = walks(follow, users=800, noise=0.3)
    scores = create_model("aws-user-personalization-v2").fit(dataset).scores(history(dataset, "i00", "i07"))
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    assert chances[dataset.item_ids.index("i14")] == pytest.approx(0.7 + 0.3 / 20, abs=0.1)


def test_a_checkerboard_is_completed() -> None:
    """Two groups of students, two groups of items: what is missing is the rest of one's own colour."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(200):
        own = [f"{'black' if user % 2 else 'white'}{k}" for k in range(10)]
        rows += [(f"u{user}", name, step) for step, name in enumerate(random.permutation(own)[:7])]
    users, items, times = zip(*rows, strict=True)
    dataset = Dataset.from_columns(users, [str(item) for item in items], times)
    model = create_model("aws-user-personalization-v2").fit(dataset)
    for colour in ("black", "white"):
        seen = [f"{colour}{k}" for k in (3, 1, 8, 0)]
        best = [name for name in ranked(dataset, model.scores(history(dataset, *seen))) if name not in seen][:6]
        assert {name[:5] for name in best} == {colour}
        related = ranked(dataset, create_model("aws-sims").fit(dataset).similar(dataset.item_ids.index(f"{colour}2")))
        assert {name[:5] for name in related[:9]} == {colour}


def test_without_recency_the_order_of_the_history_does_not_matter() -> None:
    names = [f"i{k:02d}" for k in range(12)]
    dataset = walks(dict(zip(names, names[5:] + names[:5], strict=True)))
    there, back = history(dataset, "i01", "i02", "i03"), history(dataset, "i03", "i02", "i01")
    flat = create_model("aws-user-personalization-v2", {"apply_recency_bias": "false"}).fit(dataset)
    np.testing.assert_allclose(flat.scores(there), flat.scores(back), rtol=1e-4, atol=1e-5)
    ordered = create_model("aws-user-personalization-v2").fit(dataset)
    assert np.abs(ordered.scores(there) - ordered.scores(back)).max() > 0.5


def test_a_planted_cold_item_appears_among_its_class() -> None:
    random = np.random.default_rng(0)
    rows = []
    catalogue = {f"{group}{k}": {"CLASS_ID": group} for group in "ABCDE" for k in range(8)}
    for user in range(250):
        group = "ABCDE"[user % 5]
        rows += [(f"u{user}", f"{group}{k}", step) for step, k in enumerate(random.permutation(8)[:6])]
    users, items, times = zip(*rows, strict=True)
    dataset = Dataset.from_columns(users, items, times, items={**catalogue, "new": {"CLASS_ID": "C"}})
    model = create_model("aws-user-personalization-v2").fit(dataset)

    def place(*seen: str) -> int:
        names = [name for name in ranked(dataset, model.scores(history(dataset, *seen))) if name not in seen]
        return names.index("new")

    assert place("C0", "C4", "C2") <= 5
    assert place("A0", "A4", "A2") > 5
    after_new = ranked(dataset, model.scores(history(dataset, "new")))
    assert sum(name.startswith("C") for name in after_new[:9]) >= 6


def test_a_cold_student_gets_what_students_alike_began_with() -> None:
    rows, profiles = [], {}
    for user in range(300):
        locale = "vi" if user % 3 else "en"
        profiles[f"u{user}"] = {"LOCALE": locale}
        first = {"vi": "toan", "en": "maths"}[locale] if user % 10 else "art"
        rows += [(f"u{user}", first, 0), (f"u{user}", "physics", 1), (f"u{user}", "physics lab", 2)]
    users, items, times = zip(*rows, strict=True)
    dataset = Dataset.from_columns(users, items, times, users=profiles)
    model = create_model("aws-user-personalization-v2").fit(dataset)
    assert ranked(dataset, model.scores(history(dataset, user={"LOCALE": "vi"})))[0] == "toan"
    assert ranked(dataset, model.scores(history(dataset, user={"LOCALE": "en"})))[0] == "maths"
    assert ranked(dataset, model.scores(history(dataset)))[0] == "toan"


@pytest.mark.parametrize("again", [True, False])
def test_repetition_is_expected_as_far_as_the_data_repeat(again: bool) -> None:
    random = np.random.default_rng(5)
    rows = []
    for user in range(300):
        menu = random.permutation(30)[:10] if not again else random.choice(random.permutation(30)[:3], 10)
        rows += [(f"u{user}", f"i{item}", step) for step, item in enumerate(menu)]
    users, items, times = zip(*rows, strict=True)
    dataset = Dataset.from_columns(users, items, times)
    scores = create_model("aws-user-personalization-v2").fit(dataset).scores(history(dataset, "i1", "i2", "i3"))
    chances = np.exp(scores - scores.max())
    seen = chances[[dataset.item_ids.index(name) for name in ("i1", "i2", "i3")]].sum() / chances.sum()
    assert (seen > 0.8) if again else (seen < 0.05)


def test_popularity_counts_and_trends_compare_periods() -> None:
    day = 86_400
    events = (
        [("old", 0)] * 50 + [("old", day)] * 5 + [("rising", day)] * 20 + [("steady", 0)] * 10 + [("steady", day)] * 10
    )
    dataset = Dataset.from_columns(
        [f"u{k}" for k in range(len(events))],
        [item for item, _ in events],
        [time + k % 2 for k, (_, time) in enumerate(events)],
    )
    for recipe, order in (
        ("aws-popularity-count", ["old", "rising", "steady"]),
        ("aws-trending-now", ["rising", "steady", "old"]),
    ):
        scores = create_model(recipe).fit(dataset).scores(history(dataset))
        assert ranked(dataset, scores) == order
        assert np.exp(scores).sum() == pytest.approx(1, abs=1e-5)


def test_event_weights_and_thresholds_decide_what_counts() -> None:
    dataset = Dataset.from_columns(
        ["a", "b", "c", "d", "e"],
        ["viewed", "viewed", "bought", "bought", "hated"],
        [1, 2, 3, 4, 5],
        ["view", "view", "buy", "buy", "rate"],
        [None, None, None, None, 1.0],
    )
    weighted = dataset.with_event_weights({"view": 0.1, "buy": 1.0, "rate": 1.0}, {"rate": 3.0})
    assert len(weighted) == 4
    scores = create_model("aws-popularity-count").fit(weighted).scores(history(dataset))
    assert ranked(dataset, scores) == ["bought", "viewed", "hated"]


def test_similar_items_relates_unused_items_by_metadata_and_sims_does_not() -> None:
    rows = [(f"u{user}", f"{group}{k}", k) for user in range(20) for group in "AB"[user % 2] for k in range(4)]
    users, items, times = zip(*rows, strict=True)
    catalogue = {f"{group}{k}": {"CLASS_ID": group} for group in "AB" for k in range(4)}
    dataset = Dataset.from_columns(users, items, times, items={**catalogue, "new": {"CLASS_ID": "B"}})
    new = dataset.item_ids.index("new")
    related = ranked(dataset, create_model("aws-similar-items").fit(dataset).similar(new))
    assert {name[0] for name in related[:4]} == {"B"}
    by_popularity = create_model("aws-sims").fit(dataset).similar(new)
    assert len({float(score) for score in by_popularity[:8]}) == 1
