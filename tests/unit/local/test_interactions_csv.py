"""Reading interactions: the good rows of any file, and a reason for each of the others."""

import csv
import gzip
import io
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.load.interactions_csv import Interaction, InteractionsFile, UnreadableFileError

HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE"
GOOD = "sv1,toan-1,1700000000,enroll,"


def read(path: Path, content: bytes | str) -> tuple[list[Interaction], dict[str, int]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = InteractionsFile(path)
    rows = list(file)
    return rows, dict(file.rejected)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


def test_a_row_is_read_with_all_its_columns(path: Path) -> None:
    rows, rejected = read(path, f"{HEADER}\nsv1,bt1,1700000000,submitAssignment,87.50\n")
    assert rows == [Interaction("sv1", "bt1", 1700000000, "submitAssignment", "87.5")]
    assert rejected == {}


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent(path: Path) -> None:
    rows, _ = read(path, "TIMESTAMP,USER_ID,ITEM_ID\n1700000000,sv1,bt1\n")
    assert rows == [Interaction("sv1", "bt1", 1700000000, "view", None)]


@pytest.mark.parametrize("name", ["events.csv.gz", "without-a-suffix"])
def test_a_gzipped_file_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    rows, _ = read(tmp_path / name, gzip.compress(f"{HEADER}\n{GOOD}\n".encode()))
    assert len(rows) == 1


def test_byte_order_mark_carriage_returns_blank_lines_and_quotes_are_no_trouble(path: Path) -> None:
    rows, rejected = read(path, f'\ufeff{HEADER}\r\n"sv1","toan-1","1700000000","enroll",""\r\n\r\n{GOOD}\r\n')
    assert len(rows) == 2
    assert len(set(rows)) == 1
    assert rejected == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",toan-1,1700000000,enroll,", "USER_ID missing"),
        ("sv1,,1700000000,enroll,", "ITEM_ID missing"),
        ("sv#1,toan-1,1700000000,enroll,", "USER_ID invalid"),
        (f"{'s' * 129},toan-1,1700000000,enroll,", "USER_ID invalid"),
        ("sv1,học,1700000000,enroll,", "ITEM_ID invalid"),
        ("sv1,toan-1,yesterday,enroll,", "timestamp is not whole epoch seconds"),
        ("sv1,toan-1,1.7e9,enroll,", "timestamp is not whole epoch seconds"),
        ("sv1,toan-1,,enroll,", "timestamp is not whole epoch seconds"),
        ("sv1,toan-1,１７,enroll,", "timestamp is not whole epoch seconds"),
        ("sv1,toan-1,1700000000000,enroll,", "timestamp in milliseconds"),
        ("sv1,toan-1,-5,enroll,", "timestamp before 1970"),
        ("sv1,toan-1,1700000000,en roll,", "EVENT_TYPE invalid"),
        ("sv1,toan-1,1700000000,enroll,many", "EVENT_VALUE is not a number"),
        ("sv1,toan-1,1700000000,enroll,nan", "EVENT_VALUE is not a number"),
        ("sv1,toan-1,1700000000,enroll", "wrong number of columns"),
        ("sv1,toan-1,1700000000,enroll,,", "wrong number of columns"),
        ('"sv1,toan-1,1700000000,enroll,', "broken quotes"),
    ],
)
def test_a_bad_row_is_counted_by_its_reason_and_costs_only_itself(path: Path, line: str, reason: str) -> None:
    rows, rejected = read(path, f"{HEADER}\n{GOOD}\n{line}\n{GOOD}\n")
    assert len(rows) == 2
    assert rejected == {reason: 1}


def test_a_row_from_the_day_after_tomorrow_is_left_out(path: Path) -> None:
    # Not a parameter: a test's name must not depend on the second in which it is collected.
    rows, rejected = read(path, f"{HEADER}\n{GOOD}\nsv1,toan-1,{int(time.time()) + 90_000},enroll,\n{GOOD}\n")
    assert len(rows) == 2
    assert rejected == {"timestamp in the future": 1}


def test_a_row_in_another_encoding_is_left_out(path: Path) -> None:
    rows, rejected = read(path, f"{HEADER}\n{GOOD}\n".encode() + "sv1,Toán,1,enroll,\n".encode("cp1258", "replace"))
    assert len(rows) == 1
    assert rejected == {"not UTF-8": 1} or rejected == {"ITEM_ID invalid": 1}
    rows, rejected = read(path, f"{HEADER}\n{GOOD}\n".encode() + b"sv1,to\xe1n,1,enroll,\n")
    assert rejected == {"not UTF-8": 1}


def test_an_eleventh_event_type_is_one_too_many_for_personalize(path: Path) -> None:
    lines = [f"sv1,toan-1,1700000000,type{number}," for number in range(11)]
    rows, rejected = read(path, "\n".join([HEADER, *lines, GOOD.replace("enroll", "type0")]))
    assert len(rows) == 11
    assert rejected == {"more than 10 event types": 1}


@pytest.mark.parametrize(
    "content",
    ["", "a,b,c\n", "USER_ID,ITEM_ID\n", f"{HEADER},COLOUR\n", "USER_ID,ITEM_ID,TIMESTAMP,TIMESTAMP\n", "\x00\x01"],
)
def test_another_header_is_refused_as_a_whole(path: Path, content: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"USER_ID,ITEM_ID,TIMESTAMP\[,EVENT_TYPE\]\[,EVENT_VALUE\]"):
        read(path, content)


def test_a_damaged_archive_and_a_missing_file_are_named_in_one_line(path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="damaged gzip"):
        read(path, gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 1000)[:-20])
    with pytest.raises(UnreadableFileError, match="cannot read"):
        list(InteractionsFile(path.with_name("absent.csv")))


def test_an_endless_line_is_one_bad_row(path: Path) -> None:
    rows, rejected = read(path, f"{HEADER}\n{GOOD}\n{'x' * 300_000}\n{GOOD}\n")
    assert len(rows) == 2
    assert rejected == {"wrong number of columns": 1}


IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:@+=-]{0,20}", fullmatch=True)
ROWS = st.builds(
    Interaction,
    IDS,
    IDS,
    st.integers(0, 1_700_000_000),
    st.sampled_from(["enroll", "submitAssignment", "view"]),
    st.none() | st.integers(-1000, 1000).map(str),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(ROWS, max_size=20))
def test_what_was_written_is_read(path: Path, rows: list[Interaction]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER.split(","))
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    assert read(path, text.getvalue()) == (rows, {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(garbage=st.lists(st.binary(max_size=60).filter(lambda line: line.strip(b"\r\n") != b"")))
def test_every_line_is_read_or_counted_whatever_it_is(path: Path, garbage: list[bytes]) -> None:
    lines = [line.replace(b"\n", b"").replace(b"\r", b"") or b"x" for line in garbage]
    rows, rejected = read(path, b"\n".join([HEADER.encode(), *lines, GOOD.encode()]))
    assert rows[-1].user_id == "sv1"
    assert len(rows) - 1 + sum(rejected.values()) == len(lines)


def test_equal_rows_have_equal_ids_and_others_do_not() -> None:
    row = Interaction("sv1", "toan-1", 1, "enroll", None)
    assert row.interaction_id == Interaction("sv1", "toan-1", 1, "enroll", None).interaction_id
    others = [row._replace(user_id="sv2"), row._replace(occurred_at=2), row._replace(value="1")]
    assert len({one.interaction_id for one in [row, *others]}) == 4
