"""The simulated term: always the same, and worth learning from."""

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from local.load.catalogue import read_items
from local.load.interactions_csv import InteractionsFile
from local.term import END_OF_TERM, simulate


def test_the_same_arguments_give_the_same_term() -> None:
    assert simulate(students=40) == simulate(students=40)
    assert simulate(students=40) != simulate(students=40, seed=7)


def test_a_term_is_large_enough_to_train_on() -> None:
    term = simulate()
    per_student = Counter(one.student_id for one in term.happenings)
    assert len(term.happenings) > 8_000
    assert len(term.courses) == 24
    assert sum(count >= 2 for count in per_student.values()) >= 290


def test_everything_happens_in_order_and_before_the_end() -> None:
    times = [one.at for one in simulate().happenings]
    assert times == sorted(times)
    assert END_OF_TERM - 16 * 7 * 86_400 <= times[0] <= times[-1] < END_OF_TERM


def test_people_are_vietnamese_but_for_some_who_came_from_abroad() -> None:
    students = simulate().students
    abroad = [student for student in students if student.locale == "en"]
    assert 5 < len(abroad) < 60
    assert all(student.name.isascii() for student in abroad if "’" not in student.name)
    assert sum(not student.name.isascii() for student in students) > 200


def test_the_next_step_follows_from_the_student_and_not_from_popularity() -> None:
    """On the last step of every student: the most frequent successor is right far oftener than the most popular."""
    paths: dict[str, list[str]] = defaultdict(list)
    for one in simulate().happenings:
        paths[one.student_id].append(one.item_id)
    successors: dict[str, Counter[str]] = defaultdict(Counter)
    popular: Counter[str] = Counter()
    for path in paths.values():
        for before, after in pairwise(path[:-1]):
            successors[before][after] += 1
            popular[after] += 1
    favourites = [item for item, _ in popular.most_common(5)]
    hits = sum(path[-1] in [item for item, _ in successors[path[-2]].most_common(5)] for path in paths.values())
    popular_hits = sum(path[-1] in favourites for path in paths.values())
    assert hits > 0.5 * len(paths)
    assert hits > 5 * popular_hits


def test_a_term_is_written_as_files_that_load_without_a_rejected_row(tmp_path: Path) -> None:
    term = simulate(students=40)
    file = InteractionsFile(term.write_interactions(tmp_path / "interactions.csv"))
    materials, rejected = read_items(term.write_items(tmp_path / "items.csv"))
    assert len(list(file)) == len(term.happenings)
    assert not file.rejected
    assert not rejected
    assert {one.item_id for one in term.happenings} <= materials.keys()
    assert materials["toan-1-bt1"].class_id == "toan-1"
    assert term.titles()["toan-1-bt1"] == "Bài tập 1 (Đại số tuyến tính)"
