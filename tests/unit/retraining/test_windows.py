"""Which interactions a night exports: each in exactly one night, whatever order, lateness and crashes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campus import clock, tables
from campus.clients import client
from retraining import export, lake, names, runs, scope, shaping
from retraining.rows import Row
from retraining.scope import Scope
from tests.unit.campus import school
from tests.unit.retraining import students
from tests.unit.retraining.account import RefusedError
from tests.unit.retraining.conftest import SLOW
from tests.unit.retraining.crashing import Crash, crashing

HOUR = 3_600_000
# A row: which student, how many hours before now it was recorded, and how long before that it happened.
ROW = st.tuples(st.integers(0, 3), st.integers(0, 100), st.integers(0, 5_000_000))
ROWS = st.lists(ROW, min_size=1, max_size=25)
CUT_OFFS = st.lists(st.integers(0, 100), min_size=1, max_size=4, unique=True)
FIRST = Scope("FULL", "first", {})


@pytest.fixture(scope="module")
def now() -> int:
    """Epoch milliseconds of this module's present."""
    return clock.now_ms()


def written(rows: list[tuple[int, int, int]], now: int) -> list[dict[str, Any]]:
    """Rows of Interactions as two writers leave them: stamped at the write, however old the event."""
    made = [
        students.interaction(
            f"s{person}",
            number,
            recordedAt=now - hours * HOUR,
            occurredAt=students.NOVEMBER - age,
            occurrence=f"{number:010d}",
            eventValue=None if number % 3 else number,
        )
        for number, (person, hours, age) in enumerate(rows)
    ]
    students.put(*made)
    return made


def emptied() -> None:
    """No interactions and an empty lake, for the next example."""
    with tables.interactions().batch_writer() as batch:
        for row in school.rows(tables.interactions()):
            batch.delete_item({name: row[name] for name in ("userId", "occurrence")})
    boto3.resource("s3").Bucket("lake").objects.all().delete()


def exported(number: int, cut_off: int, chosen: Scope) -> tuple[dict[str, Any], Counter[Row], dict[str, Any]]:
    """A night's manifest, its interactions, and the watermark it leaves."""
    manifest = export.export(f"run-{number}", cut_off, chosen)
    found = manifest["datasets"]
    mark = {
        "runId": f"run-{number}",
        "cutOff": cut_off,
        "datasets": {name: one["total"] for name, one in found.items()},
    }
    return manifest, Counter(lake.read_rows("interactions", manifest)), mark


@settings(SLOW, max_examples=12)
@given(ROWS, CUT_OFFS, st.randoms(use_true_random=False))
def test_each_row_is_in_exactly_one_night_and_the_nights_add_up(
    now: int, rows: list[tuple[int, int, int]], cut_offs: list[int], chance: Any
) -> None:
    emptied()
    made = written(chance.sample(rows, len(rows)), now)
    nights: Counter[Row] = Counter()
    chosen, last = FIRST, now
    for number, hours in enumerate(sorted(cut_offs, reverse=True)):
        last = now - hours * HOUR
        _, found, mark = exported(number, last, chosen)
        nights += found
        chosen = Scope("INCREMENTAL", "next", mark)
    whole, everything, full = exported(99, last, Scope("FULL", "sum", chosen.base))
    assert nights == everything
    assert sum(nights.values()) == sum(row["recordedAt"] <= last for row in made)
    assert full["datasets"]["interactions"]["fingerprint"] == chosen.base["datasets"]["interactions"]["fingerprint"]
    assert full["datasets"]["interactions"]["rows"] == chosen.base["datasets"]["interactions"]["rows"]
    assert whole["warnings"] == []
    counted = chosen.base["datasets"]["interactions"]
    assert counted["users"] >= full["datasets"]["interactions"]["users"]
    assert counted["usersWithTwo"] <= full["datasets"]["interactions"]["usersWithTwo"]


@pytest.mark.parametrize(
    ("offset", "nights"), [(-1, (1, 0)), (0, (1, 0)), (1, (0, 1)), (HOUR, (0, 1)), (HOUR + 1, (0, 0))]
)
def test_the_edges_of_a_night(now: int, offset: int, nights: tuple[int, int]) -> None:
    students.put(students.interaction("s1", 1, recordedAt=now + offset))
    _, first, mark = exported(1, now, FIRST)
    _, second, _ = exported(2, now + HOUR, Scope("INCREMENTAL", "next", mark))
    assert (first.total(), second.total()) == nights


def test_a_row_written_late_is_found_by_the_next_full_export_and_said(now: int) -> None:
    students.put(students.interaction("s1", 1, recordedAt=now - 10))
    _, _, mark = exported(1, now, FIRST)
    students.put(students.interaction("s1", 2, recordedAt=now - 5))
    assert exported(2, now + 1, Scope("INCREMENTAL", "next", mark))[1].total() == 0
    whole, found, _ = exported(3, now + 1, Scope("FULL", "sum", mark))
    assert found.total() == 2
    (warning,) = whole["warnings"]
    assert warning.startswith("up to the cut-off of run run-1 there are 2 interactions now, the nights imported 1: ")


def test_an_incremental_night_reads_only_what_is_new(now: int) -> None:
    students.put(*(students.interaction("s1", number, recordedAt=now - HOUR) for number in range(30)))
    _, _, mark = exported(1, now, FIRST)
    with watched() as calls:
        exported(2, now + 1000, Scope("INCREMENTAL", "next", mark))
    assert [call for call in calls if call == ("Scan", "InteractionsTable")] == []
    assert 8 <= calls.count(("Query", "InteractionsTable")) <= 16


@contextmanager
def watched() -> Iterator[list[tuple[str, str]]]:
    """DynamoDB's operations and tables as they are called."""
    calls: list[tuple[str, str]] = []

    def see(params: dict[str, Any], model: Any, **_: object) -> None:
        calls.append((model.name, params.get("TableName", "")))

    events = client("dynamodb").meta.events
    events.register("provide-client-params.dynamodb.*", see)
    try:
        yield calls
    finally:
        events.unregister("provide-client-params.dynamodb.*", see)


def contents() -> dict[str, bytes]:
    """Everything in the lake."""
    found = boto3.resource("s3").Bucket("lake").objects.all()
    return {one.key: one.get()["Body"].read() for one in found}


@pytest.mark.parametrize("mode", ["FULL", "INCREMENTAL"])
def test_an_export_that_crashed_at_any_call_is_resumed_to_the_same_rows(
    now: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "PART_BYTES", 800)
    students.term(people=3, each=4)
    students.put(students.interaction("bad", 1, itemId=None))
    mark = {"runId": "before", "cutOff": 1, "datasets": {"interactions": export._EMPTY}}
    chosen = Scope(mode, "why", {**mark, "cutOff": now - HOUR} if mode == "INCREMENTAL" else {})
    cut_off = clock.now_ms()
    with crashing(at=10_000) as calls:
        export.export("run", cut_off, chosen)
    clean = contents()
    assert {key.split("/")[0] for key in clean} == {"training-data", "quarantine", "manifests"}
    for at in range(calls()):
        boto3.resource("s3").Bucket("lake").objects.all().delete()
        with crashing(at), pytest.raises(Crash):
            export.export("run", cut_off, chosen)
        assert lake.read_manifest("run") is None
        export.export("run", cut_off, chosen)
        assert contents() == clean


def mark(**changes: Any) -> dict[str, Any]:
    """A watermark as a good night leaves it."""
    now = clock.now_ms()
    datasets = {"interactions": {"rows": 1}, "users": {"rows": 1}, "items": {"rows": 0}}
    full = {"at": now, "runId": "r1"}
    return {"runId": "r1", "cutOff": now, "importedAt": now, "datasets": datasets, "full": full, **changes}


@pytest.mark.parametrize(
    ("before", "full", "mode", "why", "counts"),
    [
        ({}, False, "FULL", "nothing has been imported yet", False),
        (mark(importedAt=0), False, "FULL", "the dataset interactions was made anew after run r1", False),
        (mark(), True, "FULL", "asked for", True),
        (mark(full={"at": clock.now_ms() - 31 * scope.DAY_MS}), False, "FULL", "31.0 days old (limit 30)", True),
        (mark(), False, "INCREMENTAL", "what was recorded since run r1", True),
    ],
)
def test_the_scope_and_its_reason(
    account: Any, before: dict[str, Any], full: bool, mode: str, why: str, counts: bool
) -> None:
    made(account, "interactions", "users")
    students.put(students.interaction("s1", 1))
    chosen = scope.choose(before, clock.now_ms(), full=full)
    assert (chosen.mode, chosen.base != {}, chosen.asked) == (mode, counts, full and counts)
    assert why in chosen.why


def made(account: Any, *datasets: str) -> None:
    """Datasets that were there before the night of `mark`."""
    for dataset in datasets:
        account.resources[names.dataset_arn(dataset)] = {"creationDateTime": clock.now() - 1000, "asked": 0}


def test_interactions_that_are_gone_need_everything(account: Any) -> None:
    made(account, "users")
    chosen = scope.choose(mark(), clock.now_ms(), full=False)
    assert (chosen.mode, chosen.base, chosen.gone) == ("FULL", {}, {})
    assert chosen.why == "the dataset interactions that run r1 imported into is gone"


@pytest.mark.parametrize("full", [False, True])
def test_users_that_are_gone_need_users(account: Any, full: bool) -> None:
    made(account, "interactions")
    students.put(students.interaction("s1", 1))
    chosen = scope.choose(mark(), clock.now_ms(), full=full)
    assert (chosen.mode, chosen.base["runId"]) == ("FULL" if full else "INCREMENTAL", "r1")
    assert chosen.gone == {"users": "the dataset users that run r1 imported into is gone"}


@pytest.mark.usefixtures("_no_sleep")
def test_a_personalize_that_does_not_answer_gets_everything_on_top_of_what_was_known(account: Any) -> None:
    made(account, "interactions", "users")
    account.refusals["DescribeDataset"] = [RefusedError("ThrottlingException", "slow down")] * 3
    chosen = scope.choose(mark(), clock.now_ms(), full=False)
    assert (chosen.mode, chosen.base["runId"], chosen.asked) == ("FULL", "r1", True)
    assert chosen.why == "Personalize did not say whether its datasets still are those of run r1"


@pytest.mark.parametrize(
    ("known", "workers", "mode", "why"),
    [
        (15, 1, "INCREMENTAL", "what was recorded since run r1"),
        (16, 1, "FULL", "the table holds some 12 interactions, the nights before imported 16"),
        (6, 2, "FULL", "some 6 interactions are new, more than one function reads in its time"),
        (6, 1, "INCREMENTAL", "what was recorded since run r1"),
        (7, 2, "INCREMENTAL", "what was recorded since run r1"),
    ],
)
def test_the_tables_own_count_may_call_for_everything(
    account: Any, monkeypatch: pytest.MonkeyPatch, known: int, workers: int, mode: str, why: str
) -> None:
    monkeypatch.setattr(scope, "MANY", 5)
    students.term(people=3, each=4)
    before = mark(datasets={"interactions": {"rows": known}})
    made(account, "interactions")
    chosen = scope.choose(before, clock.now_ms(), full=False, workers=workers)
    assert (chosen.mode, chosen.why, chosen.base) == (mode, why, before)


def test_few_rows_are_kept_as_events_and_many_are_not(now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "FEW", 3)
    before = {"runId": "r0", "cutOff": now - HOUR, "datasets": {"interactions": export._EMPTY}}
    for number in range(1, 4):
        students.put(students.interaction("s1", number, recordedAt=now - 100))
        export.export(f"run-{number}", now, Scope("INCREMENTAL", "next", before))
        kept = f"training-data/events/run=run-{number}/events.jsonl" in contents()
        assert kept == (number < 3)
    assert sorted(one["event"]["eventId"] for one in lake.read_events("run-2")) == ["s1-1", "s1-2"]


def test_the_watermark_of_another_dataset_group_is_no_base(account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.operations().put_item(Item=runs.watermark_item(mark()))
    monkeypatch.setenv("DATASET_GROUP", "a-new-group")
    assert scope.choose(runs.watermark(), clock.now_ms(), full=False).why == "nothing has been imported yet"
