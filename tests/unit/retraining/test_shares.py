"""An export that several functions share: the same rows as from one, whoever stops, and however often."""

import csv
import io
from collections import Counter
from typing import Any
from unittest import mock

import boto3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campus import clock
from retraining import lake, reading, shares
from retraining.export import export
from retraining.scope import Scope
from tests.unit.retraining import students
from tests.unit.retraining.account import Account
from tests.unit.retraining.conftest import SLOW
from tests.unit.retraining.machine import Machine, definition, handler
from tests.unit.retraining.test_failing_runs import assert_red

RUN = "261122-020000-3f9a"
EVERYTHING = Scope("FULL", "nothing has been imported yet", {})


def keys(prefix: str) -> set[str]:
    return {found.key for found in boto3.resource("s3").Bucket("lake").objects.filter(Prefix=prefix)}


def rows() -> Counter[tuple[str, ...]]:
    """Every row of interactions as Personalize reads the run's folder."""
    found: Counter[tuple[str, ...]] = Counter()
    for key in keys(lake.prefix("interactions", RUN)):
        text = boto3.client("s3").get_object(Bucket="lake", Key=key)["Body"].read().decode()
        found.update(tuple(row) for row in list(csv.reader(io.StringIO(text)))[1:])
    return found


def facts(manifest: dict[str, Any]) -> Any:
    interactions = manifest["datasets"]["interactions"]
    return {name: interactions[name] for name in ("rows", "total", "rejected", "newRows")}


def alone(cut_off: int) -> tuple[Any, Counter[tuple[str, ...]]]:
    """What one function writes; nothing of it stays."""
    found = facts(export(RUN, cut_off, EVERYTHING)), rows()
    boto3.resource("s3").Bucket("lake").objects.all().delete()
    return found


def in_order(manifest: dict[str, Any]) -> None:
    """The manifest names what lies in the folders, and nothing else."""
    parts = {part["key"] for found in manifest["datasets"].values() for part in found["parts"]}
    assert parts == keys("training-data/")


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_shares_are_the_rows_of_one_export(workers: int) -> None:
    students.term(people=9, each=5)
    students.put(students.interaction("s1", 90, itemId=None), students.interaction("s2", 91, occurredAt=-1))
    cut_off = clock.now_ms()
    expected = alone(cut_off)
    written = [shares.write(RUN, cut_off, EVERYTHING, worker, workers).rows for worker in range(workers)]
    with mock.patch.object(reading, "scan", wraps=reading.scan) as scan:
        manifest = export(RUN, cut_off, EVERYTHING, workers)
    assert (facts(manifest), rows()) == expected
    assert sum(written) == expected[0]["rows"] == 45
    assert [call.args[0] for call in scan.call_args_list] == ["StudentsTable"]
    in_order(manifest)


ATTEMPT = st.tuples(st.integers(1, 3), st.sets(st.integers(0, 2)), st.booleans(), st.booleans())
ATTEMPTS = st.lists(ATTEMPT, min_size=1, max_size=3)


@settings(SLOW, max_examples=6)
@given(attempts=ATTEMPTS)
@example(attempts=[(3, {0, 1, 2}, False, True)])
@example(attempts=[(2, {0, 1}, True, True), (3, {1}, False, True)])
def test_whatever_was_begun_before_the_export_is_whole(attempts: list[tuple[int, set[int], bool, bool]]) -> None:
    """Attempts with other numbers of workers, some of which never came, and exports that end before the manifest."""
    boto3.resource("s3").Bucket("lake").objects.all().delete()
    students.term(people=4, each=2)
    cut_off = clock.now_ms()
    expected = alone(cut_off)
    for workers, come, full, ends in attempts:
        for worker in come & set(range(workers)):
            shares.write(RUN, cut_off, EVERYTHING, worker, workers)
        if ends:
            scope = EVERYTHING if full else Scope("INCREMENTAL", "new", base())
            with mock.patch.object(lake, "write_manifest", side_effect=TimeoutError), pytest.raises(TimeoutError):
                export(RUN, cut_off, scope, workers)
    manifest = export(RUN, cut_off, EVERYTHING, 3)
    assert (facts(manifest), rows()) == expected
    in_order(manifest)


def base() -> dict[str, Any]:
    counted = {"rows": 0, "fingerprint": "0", "users": 0, "usersWithTwo": 0}
    return {"runId": "before", "cutOff": clock.now_ms(), "datasets": {"interactions": counted}}


def test_a_tally_answers_only_its_own_question() -> None:
    students.term(people=4, each=2)
    cut_off = clock.now_ms()
    shares.write(RUN, cut_off - 10_000_000, EVERYTHING, 0, 2)
    assert sum(shares.write(RUN, cut_off, EVERYTHING, worker, 2).rows for worker in range(2)) == 8


@pytest.mark.usefixtures("small_minimum")
def test_a_night_with_workers_promotes_and_the_next_one_has_nothing_to_share(account: Account) -> None:
    machine = Machine(definition(workers=3))
    students.term()
    first = machine.run({"trigger": "schedule"})
    assert (first.status, first.output["status"]) == ("SUCCEEDED", "PROMOTED")
    assert first.output["rows"] == {"interactions": 120, "users": 30, "items": 8}
    assert machine.count("generate_training_data") == 3 + 1
    students.put(*(students.interaction(f"s{number}", 100 + number) for number in range(20)))
    second = machine.run({"trigger": "schedule"})
    assert (second.status, second.output["rows"]["interactions"]) == ("SUCCEEDED", 140)
    assert keys(f"manifests/{second.output['runId']}/") == set()


@pytest.mark.usefixtures("small_minimum")
def test_a_worker_that_fails_ends_the_night_red_and_resumed_it_repeats_only_its_own_share(account: Account) -> None:
    students.term()

    def one_short(payload: dict[str, Any]) -> Any:
        if payload.get("worker") == 1:
            raise MemoryError("a share too large")
        return handler("generate_training_data")(payload)

    machine = Machine(definition(workers=3), instead={"generate_training_data": one_short})
    run_id = assert_red(machine, "MemoryError", "a share too large")
    machine.instead.clear()
    with mock.patch.object(reading, "scan", wraps=reading.scan) as scan:
        resumed = machine.run({"runId": run_id})
    assert (resumed.status, resumed.output["status"]) == ("SUCCEEDED", "PROMOTED")
    assert resumed.output["rows"]["interactions"] == 120
    shared = [call.kwargs["worker"] for call in scan.call_args_list if call.args[0] == "InteractionsTable"]
    assert shared == [1]
