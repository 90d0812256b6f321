"""The engagement score as a number."""

import math
import random
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement import score

NOW = 1_795_000_000
DAY = 86_400
events = st.tuples(st.sampled_from(sorted({*score.WEIGHTS.values(), 0.01, 1_000.0})), st.integers(0, 2 * NOW))
half_lives = st.floats(0.5, 365)


def total(happened: list[tuple[float, int]], half_life: float) -> float | None:
    start: float | None = None
    return reduce(lambda old, one: score.add(old, one[0], one[1], half_life), happened, start)


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [("enroll", 3), ("submitAssignment", 5), ("quiz", 4), ("download", 2), ("view", 1), ("?", 1), ("announcement", 0)],
)
def test_each_event_type_has_its_weight(event_type: str, expected: float) -> None:
    assert score.weight(event_type) == expected


def test_an_event_is_worth_its_weight_on_its_day_and_half_after_a_half_life() -> None:
    stored = score.add(None, 5, NOW, 14)
    assert stored is not None
    assert 2 ** (stored - NOW / DAY / 14) == pytest.approx(5)
    assert 2 ** (stored - (NOW + 14 * DAY) / DAY / 14) == pytest.approx(2.5)


@given(st.lists(events, max_size=30), half_lives, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    happened: list[tuple[float, int]], half_life: float, chance: random.Random
) -> None:
    shuffled = list(happened)
    chance.shuffle(shuffled)

    first, second = total(happened, half_life), total(shuffled, half_life)

    assert (first is None) == (second is None)
    assert first is None or second is None or math.isclose(first, second, rel_tol=1e-12, abs_tol=1e-9)


@given(st.lists(events, min_size=1, max_size=10), events, half_lives)
def test_one_more_event_never_lowers_it(
    happened: list[tuple[float, int]], more: tuple[float, int], half_life: float
) -> None:
    before, after = total(happened, half_life), total([*happened, more], half_life)

    assert before is None or (after is not None and after >= before)


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 60))
def test_it_is_the_plain_sum_where_that_can_be_computed(first: int, second: int, half_life: float) -> None:
    expected = math.log2(3 * 2 ** (first / half_life) + 5 * 2 ** (second / half_life))

    assert total([(3, first * DAY), (5, second * DAY)], half_life) == pytest.approx(expected)


@given(st.integers(0, 2 * NOW), st.integers(0, 2 * NOW), half_lives)
def test_of_two_equal_events_the_later_counts_more(one: int, other: int, half_life: float) -> None:
    early, late = sorted((one, other))
    older, newer = total([(3, early)], half_life), total([(3, late)], half_life)

    assert older is not None
    assert newer is not None
    assert older <= newer


def test_nothing_is_still_nothing_after_an_event_of_no_weight() -> None:
    assert score.add(None, 0, NOW, 14) is None
    assert score.add(7.5, 0, NOW, 14) == 7.5
