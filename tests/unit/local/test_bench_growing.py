"""The beginning of a file, and the table of nights on more and more data."""

import gzip
from pathlib import Path

import pytest

from local.bench.growing import beginning, growth_of

LINES = [b"USER_ID,ITEM_ID,TIMESTAMP\n", b"a,x,1\n", b"b,y,2\n", b"c,z,3\n"]


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_a_beginning_is_the_header_and_the_first_rows(tmp_path: Path, name: str) -> None:
    whole = tmp_path / name
    whole.write_bytes(gzip.compress(b"".join(LINES)) if name.endswith(".gz") else b"".join(LINES))
    with beginning(whole, 2) as file:
        assert file.read_bytes() == b"".join(LINES[:3])
        assert file.name == "events.csv"
    assert not file.exists()


def test_all_of_it_is_the_file_itself(tmp_path: Path) -> None:
    with beginning(tmp_path / "events.csv", None) as file:
        assert file == tmp_path / "events.csv"


def test_growth_is_the_last_night_over_the_first() -> None:
    nights = [
        {"rows": {"interactions": 1_000}, "durations": {"export": 2.0, "total": 4.0}},
        {"rows": {"interactions": 4_000}, "durations": {"export": 6.0, "train": 1.0, "total": 10.0}},
    ]
    rows = [line.split() for line in growth_of(nights)]
    assert rows == [
        ["rows", "1,000", "4,000", "4.0×"],
        ["export", "2.0", "6.0", "3.0×"],
        ["train", "0.0", "1.0"],
        ["total", "4.0", "10.0", "2.5×"],
    ]
