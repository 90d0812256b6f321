"""Metrics, splits and the benchmark's own arithmetic."""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from local.__main__ import nightclass
from local.bench import recommender as bench
from local.bench.interactions import read_interactions
from local.load import UnreadableFileError
from local.recommender import Dataset, History, archive, evaluation, load_model, metrics
from local.recommender.baselines import ImplicitAls
from local.recommender.protocols import Case, judge, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def courses(users: int = 60, length: int = 10, turn: int = 0) -> Dataset:
    """Everybody takes all courses in order, a day apart, each user beginning a day and `turn` courses later."""
    rows = [
        (f"u{u:02d}", f"c{(k + turn * u) % length:02d}", (u + k) * 86_400) for u in range(users) for k in range(length)
    ]
    user_ids, items, times = zip(*rows, strict=True)
    return Dataset.from_columns(user_ids, items, times)


def test_metrics_equal_a_calculation_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], np.float32)
    ranks = metrics.ranks(scores, np.array([1, 5], np.int32))
    np.testing.assert_array_equal(ranks, [2, 6])
    found = metrics.of_ranks([ranks])
    ideal = 1 + 1 / np.log2(3)
    assert found["mean_reciprocal_rank_at_25"] == pytest.approx(1 / 2)
    assert found["normalized_discounted_cumulative_gain_at_5"] == pytest.approx(1 / np.log2(3) / ideal)
    assert found["normalized_discounted_cumulative_gain_at_10"] == pytest.approx(
        (1 / np.log2(3) + 1 / np.log2(7)) / ideal
    )
    assert found["precision_at_5"] == pytest.approx(1 / 5)
    assert found["precision_at_25"] == pytest.approx(2 / 25)


def test_ties_favour_nobody() -> None:
    assert metrics.ranks(np.zeros(11, np.float32), np.array([4], np.int32))[0] == 6


def test_cut_offs_are_inclusive() -> None:
    at_the_edge, beyond = metrics.of_ranks([np.array([25.0])]), metrics.of_ranks([np.array([26.0])])
    assert at_the_edge["mean_reciprocal_rank_at_25"] == pytest.approx(1 / 25)
    assert at_the_edge["precision_at_25"] == pytest.approx(1 / 25)
    assert at_the_edge["precision_at_10"] == 0
    assert set(beyond.values()) == {0.0}


def test_top_lists_are_sorted_with_ties_in_item_order() -> None:
    scores = np.array([[0.1, 0.5, 0.5, 0.9, 0.0, 0.5]], np.float32)
    np.testing.assert_array_equal(metrics.top(scores, 3), [[3, 1, 2]])
    np.testing.assert_array_equal(metrics.top(scores, 99), [[3, 1, 2, 5, 0, 4]])


def test_personalize_split_hides_the_newest_tenth_of_a_tenth_of_the_users() -> None:
    dataset = courses(users=60, length=20)
    train, histories, judged = evaluation.split(dataset, seed=0)
    assert len(histories) == 6
    assert len(train) == 54 * 20
    for history, came in zip(histories, judged, strict=True):
        np.testing.assert_array_equal(history.items, np.arange(18))
        np.testing.assert_array_equal(came, [18, 19])


def test_personalize_split_judges_each_item_once_and_draws_other_users_with_another_seed() -> None:
    dataset = Dataset.from_columns(
        [f"u{k // 20:02d}" for k in range(800)], ["a" if k % 20 >= 18 else "b" for k in range(800)], list(range(800))
    )
    _, histories, judged = evaluation.split(dataset, seed=0)
    assert [came.tolist() for came in judged] == [[0]] * 4
    users = [{history.timestamps[0] for history in evaluation.split(dataset, seed)[1]} for seed in (0, 1)]
    assert users[0] != users[1]
    assert len(histories) == 4


def test_coverage_is_that_of_lists_of_twenty_five() -> None:
    random = np.random.default_rng(0)
    dataset = Dataset.from_columns(
        [f"u{k % 50}" for k in range(1000)], [f"i{k}" for k in random.integers(0, 100, 1000)], list(range(1000))
    )
    assert evaluation.evaluate("aws-popularity-count", dataset)["coverage"] == 25 / len(dataset.item_ids)


def test_last_out_trains_without_the_last_two_events() -> None:
    dataset = courses(users=5, length=6)
    train, cases = split(dataset, "last-out", 0)
    assert len(train) == 5 * 4
    for case in cases:
        np.testing.assert_array_equal(case.history.items, np.arange(5))
        np.testing.assert_array_equal(case.came, [5])


@pytest.mark.parametrize("argument", ["calendar=1970-01-31", "calendar=0.43"])
def test_calendar_trains_on_the_past_and_asks_for_every_later_event(argument: str) -> None:
    dataset = courses()
    train, cases = split(dataset, argument, 0)
    cut = train.timestamps.max()
    assert all(history_time <= cut + 86_400 for history_time in train.timestamps)
    assert len(train) + len(cases) == len(dataset)
    assert len({len(case.history.items) for case in cases}) == 10
    if "-" in argument:
        assert cut == 29 * 86_400


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match="no split 'random'"):
        split(courses(), "random", 0)


def test_judging_neither_recommends_nor_judges_what_was_seen() -> None:
    dataset = courses(users=3, length=4)
    _, cases = split(dataset, "last-out", 0)

    def always_the_same(histories: Sequence[History]) -> np.ndarray:
        return np.tile(np.array([9, 8, 7, 1], np.float32), (len(histories), 1))

    found = judge(always_the_same, cases, 4)
    assert found["normalized_discounted_cumulative_gain_at_10"] == 1
    assert found["hit_rate_at_10"] == found["recall_at_20"] == 1


@pytest.mark.parametrize(("rank", "hit", "recall"), [(10, 1, 1), (11, 0, 1), (20, 0, 1), (21, 0, 0)])
def test_hits_are_counted_to_ten_and_recall_to_twenty(rank: int, hit: int, recall: int) -> None:
    scores = -np.arange(40, dtype=np.float32)
    scores[[30, rank - 1]] = scores[[rank - 1, 30]]
    history = History(np.array([39], np.int32), np.zeros(1, np.int64))
    found = judge(lambda asked: np.tile(scores, (len(asked), 1)), [Case(history, np.array([30], np.int32))], 40)
    assert (found["hit_rate_at_10"], found["recall_at_20"]) == (hit, recall)


def test_the_benchmark_ranks_ours_above_popularity_on_ordered_courses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = courses(turn=3)
    path = tmp_path / "events.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n")
        for user, item, time in zip(dataset.users, dataset.items, dataset.timestamps, strict=True):
            file.write(f"{dataset.user_ids[user]},{dataset.item_ids[item]},{time},enroll,\n")
    bench.main(path, "calendar=1970-01-31", 1, as_json=True)
    rows = {row["model"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["nightclass"]["ndcg_at_10"] > 0.95
    assert rows["popularity"]["ndcg_at_10"] < 0.7
    assert {"fit_cpu_s", "peak_mb", "p50_ms", "p99_ms", "requests_per_s", "coverage"} <= rows["EASE"].keys()


def test_growth_is_measured_at_the_size_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    bench.growth(True, ((3_000, 200, 300), (6_000, 400, 600)))
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["events"], row["items"], row["users"]) for row in rows] == [(3_000, 200, 300), (6_000, 400, 600)]
    assert {"import_s", "fit_cpu_s", "fit_wall_s", "peak_mb", "p50_ms", "p99_ms", "requests_per_s"} <= rows[0].keys()
    assert (1_000_000, 20_000, 100_000) in bench.GROWTH


def test_growth_has_a_command() -> None:
    result = CliRunner().invoke(nightclass, ["bench", "growth", "--largest", "10000", "--json"])
    assert result.exit_code == 0
    assert [json.loads(line)["events"] for line in result.stdout.splitlines()] == [10_000]


def test_made_up_steps_follow_a_chain_half_of_the_time() -> None:
    users, items, times = bench._made_up(20_000, 200, 400)
    assert times == sorted(times)
    assert users == sorted(users, key=lambda name: int(name[1:]))
    followers: dict[str, Counter[str]] = {}
    for first, second, one, other in pairwise_steps(users, items):
        if one == other:
            followers.setdefault(first, Counter())[second] += 1
    best = [counts.most_common(1)[0] for counts in followers.values() if counts.total() > 50]
    assert len({successor for successor, _ in best}) == len(best) > 30
    known = sum(count for _, count in best) / sum(c.total() for c in followers.values() if c.total() > 50)
    assert 0.4 < known < 0.7


def pairwise_steps(users: list[str], items: list[str]) -> Iterator[tuple[str, str, str, str]]:
    return zip(items, items[1:], users, users[1:], strict=False)


HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n"


def test_bad_lines_cost_themselves_and_are_told_with_their_reason(tmp_path: Path) -> None:
    path, told = tmp_path / "events.csv", list[str]()
    good = "u,i/1,5,view,\n\nư,i 2,6.0,view,2.5\n"
    bad = "u,i\nu,i,soon,view,\nu,i,1400000000000,view,\nu,i,7,view,much\nu,i,7,view,nan\n,i,7,view,\n"
    # Packed, whatever the name says, and with a byte order mark.
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + (HEADER + good + bad).encode()))
    dataset = read_interactions(path, tell=told.append)
    assert (dataset.user_ids, dataset.item_ids, dataset.timestamps.tolist()) == (["u", "ư"], ["i 2", "i/1"], [5, 6])
    np.testing.assert_array_equal(dataset.values, [np.nan, 2.5])
    (sentence,) = told
    assert sentence.startswith("events.csv: 6 of 8 rows left out: EVENT_VALUE is not a number (2), ")
    reasons = ("wrong number of columns", "not whole epoch seconds", "in milliseconds", "USER_ID or ITEM_ID missing")
    assert all(f"{reason} (1)" in sentence for reason in reasons)


def test_metadata_are_read_like_interactions(tmp_path: Path) -> None:
    events, items = tmp_path / "events.csv", tmp_path / "items.csv"
    events.write_text(HEADER + "u,a,1,view,\n")
    items.write_bytes(gzip.compress("\ufeffITEM_ID,TYPE\na,quiz\nb,\nc,course,surplus\nd\n".encode()))
    dataset = read_interactions(events, items=items)
    assert dataset.item_metadata == {"TYPE": ["quiz", None, "course", None]}
    with pytest.raises(UnreadableFileError, match="no column USER_ID"):
        read_interactions(events, users=items)


@pytest.mark.parametrize(
    ("text", "split_name", "reason"),
    [
        ("USER_ID,TIMESTAMP\nu,1\n", "calendar", "no column ITEM_ID"),
        ("", "calendar", "no column USER_ID, ITEM_ID, TIMESTAMP"),
        (HEADER, "calendar", "no interactions"),
        (HEADER + "u,a,1,view,\nu,b,2,view,\n", "last-out", "no cases for last-out: 2 events to learn from, 0 to ask"),
        (HEADER + "u,a,1,view,\n", "calendar=7", "calendar=7 is neither a date .* nor a quantile between 0 and 1"),
        (HEADER + "u,a,1,view,\n", "calendar=soon", "calendar=soon is neither"),
        (HEADER + "u,a,1,view,\n", "calendar=1969-01-01", "0 events to learn from, 1 to ask"),
    ],
)
def test_what_cannot_be_compared_ends_in_one_line(tmp_path: Path, text: str, split_name: str, reason: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(text)
    result = CliRunner().invoke(nightclass, ["bench", "recommender", "--data", str(path), "--split", split_name])
    assert result.exit_code == 1
    assert re.search(rf"^nightclass: .*{reason}.*\n\Z", result.stderr, re.MULTILINE), result.stderr


def test_the_command_takes_three_seeds_on_one_thread_and_names_the_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.setattr(ImplicitAls, "available", lambda: False)
    path, dataset = tmp_path / "events.csv", courses(turn=3)
    rows = zip(dataset.users.tolist(), dataset.items.tolist(), dataset.timestamps.tolist(), strict=True)
    path.write_text(HEADER + "".join(f"u{user},c{item},{time},,\n" for user, item, time in rows))
    result = CliRunner().invoke(nightclass, ["bench", "recommender", "--data", str(path), "--split", "last-out"])
    assert result.exit_code == 0, result.output
    assert "seed 2: nightclass" in result.stderr
    assert f"left out; to have it: {sys.executable} -m pip install implicit threadpoolctl" in result.stderr
    assert re.search(r"^NDCG@10 [.\d]+, the best peer [.\d]+ \(.+\): [.\d]+ times$", result.stdout, re.MULTILINE)
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "text.npz", tmp_path / "other.npz"
    text.write_text("no")
    archive.write_archive(other, {"a": np.arange(3)})
    for path in (text, other):
        with pytest.raises(ValueError, match=r"is not"):
            load_model(path)
