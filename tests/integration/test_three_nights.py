"""Nights in a row on the local cloud: everything, what is new, nothing, a little, and the sum checked."""

import csv
import gzip
import json
import random
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.stack import ROOT, Stack, running

REAL_DATA = ROOT.parent / "shared" / "data" / "oulad_events.csv.gz"
COLUMNS = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE")
Row = Sequence[str]


def real() -> list[Row]:
    """All rows of every 32nd student, in the order of time."""
    with gzip.open(REAL_DATA, "rt", newline="") as text:
        return [row for row in list(csv.reader(text))[1:] if zlib.crc32(row[0].encode()) % 32 == 0]


def made() -> list[Row]:
    """The same kind of data: enrolments, then assignments in a course's order, better students hand in more."""
    chance = random.Random(2026)
    rows: list[tuple[int, Row]] = []
    for student in range(900):
        start = 1_380_000_000 + chance.randrange(40_000_000)
        diligence = chance.random()
        for course in chance.sample("ABCDEFG", chance.choice((1, 1, 2))):
            rows.append((start, (f"s{student}", course * 3, str(start), "enroll", "")))
            for number in range(1, 14):
                at = start + number * 1_000_000 + chance.randrange(100_000)
                if at > 1_460_000_000 or chance.random() > diligence + 0.3:
                    break
                value = str(chance.randrange(40, 100))
                item = f"{course * 3}-TMA{number}"
                rows.append((at, (f"s{student}", item, str(at), "submitAssignment", value)))
    return [row for _, row in sorted(rows)]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that nobody else loads data into; three functions share its full exports."""
    with running(tmp_path_factory.mktemp("nights") / "state", "--parameter", "ExportWorkers=3") as deployed:
        yield deployed


def load(stack: Stack, file: Path, rows: Sequence[Row]) -> None:
    """Bulk-load rows."""
    with file.open("w", newline="") as text:
        csv.writer(text).writerows([COLUMNS, *rows])
    stack.nightclass("load", str(file), timeout=600)


def night(stack: Stack, *options: str) -> dict[str, Any]:
    """One nightly run, and its record."""
    record: dict[str, Any] = json.loads(stack.nightclass("nightly", "--json", *options, timeout=600).stdout)
    return record


def modes(record: dict[str, Any]) -> dict[str, str]:
    """Import mode by dataset."""
    return {job["dataset"]: job["mode"] for job in record["imports"]}


def test_three_nights_and_two_more(school: Stack, tmp_path: Path) -> None:
    three_nights(school, tmp_path, real() if REAL_DATA.exists() else made())


def three_nights(stack: Stack, folder: Path, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """60 %, then 20 % more, then nothing more; then five rows, and a check of the sum. Answers the run records."""
    first, second = len(rows) * 6 // 10, len(rows) * 8 // 10
    load(stack, folder / "first.csv", rows[:first])
    one = night(stack)
    assert (one["exportMode"], one["exportWhy"]) == ("FULL", "nothing has been imported yet")
    assert modes(one) == {"interactions": "FULL", "items": "FULL", "users": "FULL"}
    assert (one["rows"]["interactions"], one["newRows"]) == (first, first)
    assert (one["training"]["decision"], one["training"]["why"]) == ("TRAIN", "no model has been trained yet")

    load(stack, folder / "second.csv", rows[first:second])
    two = night(stack)
    assert (two["exportMode"], two["exportWhy"]) == ("INCREMENTAL", f"what was recorded since run {one['runId']}")
    assert modes(two)["interactions"] == "INCREMENTAL"
    assert two["imports"][0]["why"] == f"{second - first} new rows on top of {first}"
    assert (two["rows"]["interactions"], two["newRows"]) == (second, second - first)
    assert two["training"]["why"] == "33.3% new interactions since the last training (limit 10%)"

    three = night(stack)
    assert (three["status"], three["why"]) == ("SKIPPED_UNCHANGED", f"the same rows as run {two['runId']} imported")
    assert set(modes(three).values()) == {"NONE"}
    assert "training" not in three

    load(stack, folder / "few.csv", rows[second : second + 5])
    four = night(stack)
    assert (four["status"], modes(four)["interactions"]) == ("IMPORTED", "EVENTS")
    assert four["imports"][0]["why"] == "5 new rows: an incremental import takes 1000 or more"
    assert four["training"]["decision"] == "KEEP"

    five = night(stack, "--full")
    assert (five["exportMode"], five["exportWhy"], five["warnings"]) == ("FULL", "asked for", [])
    assert five["rows"]["interactions"] == second + 5
    return [one, two, three, four, five]
