"""The export: what is read, what is written, and what a second try finds."""

import csv
import hashlib
import io
import json
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campus import clock, tables
from campus.pseudonyms import pseudonym
from retraining import export, lake
from retraining.scope import Scope
from retraining.tally import Tally
from tests.unit.campus import school
from tests.unit.retraining import students

RUN = "261122-020000-3f9a"
EVERYTHING = Scope("FULL", "nothing has been imported yet", {})


def exported(**changes: Any) -> dict[str, Any]:
    given_: dict[str, Any] = {"run_id": RUN, "cut_off": clock.now_ms(), "scope": EVERYTHING, **changes}
    return export.export(**given_)


def keys(prefix: str = "") -> set[str]:
    return {found.key for found in boto3.resource("s3").Bucket("lake").objects.filter(Prefix=prefix)}


def body(key: str) -> str:
    content: bytes = boto3.client("s3").get_object(Bucket="lake", Key=key)["Body"].read()
    return content.decode()


def table(dataset: str) -> list[dict[str, str]]:
    """All rows of a dataset as Personalize reads its folder."""
    return [row for key in sorted(keys(lake.prefix(dataset, RUN))) for row in csv.DictReader(io.StringIO(body(key)))]


def test_three_datasets_are_written_as_personalize_reads_them() -> None:
    students.term(people=3, each=2)
    manifest = exported()
    assert {name: found["rows"] for name, found in manifest["datasets"].items()} == {
        "interactions": 6,
        "users": 3,
        "items": 8,
    }
    assert {row["USER_ID"] for row in table("interactions")} == {pseudonym(f"s{n}") for n in range(3)}
    assert {row["USER_ID"] for row in table("users")} == {pseudonym(f"s{n}") for n in range(3)}
    assert {"ITEM_ID": "C1", "TYPE": "course", "CLASS_ID": "C1", "CREATION_TIMESTAMP": str(students.NOVEMBER)} in table(
        "items"
    )


def test_no_raw_student_id_and_no_address_enters_the_lake() -> None:
    students.term(people=3, each=2)
    students.put(students.interaction("secret-student", 1, itemId=None, interactionId="event-1"))
    exported()
    everything = "".join(body(key) for key in keys())
    assert "secret-student" not in everything
    assert "example.edu" not in everything
    assert not any(f"s{n}," in everything for n in range(3))


def test_the_manifest_describes_every_part() -> None:
    students.term(people=3, each=2)
    manifest = exported()
    assert lake.read_manifest(RUN) == manifest
    parts = [part for found in manifest["datasets"].values() for part in found["parts"]]
    assert {part["key"] for part in parts} == keys("training-data/")
    for part in parts:
        content = body(part["key"])
        assert hashlib.sha256(content.encode()).hexdigest() == part["sha256"]
        assert (len(content.encode()), content.count("\n") - 1) == (part["bytes"], part["rows"])


def test_parts_are_cut_so_that_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "PART_BYTES", 300)
    students.term(people=5, each=20)
    parts = exported()["datasets"]["interactions"]["parts"]
    assert len(parts) > 5
    assert max(part["bytes"] for part in parts) < 500
    assert len(table("interactions")) == 100


def test_a_row_belongs_to_the_run_whose_cut_off_follows_its_recording() -> None:
    now = clock.now_ms()
    students.put(
        students.interaction("s1", 1, recordedAt=now - 5000),
        students.interaction("s1", 2, recordedAt=now),
        students.interaction("s1", 3, recordedAt=now + 1),
        students.interaction("s1", 4, recordedAt=now - 1, occurredAt=students.NOVEMBER - 10_000_000),
    )
    assert exported(cut_off=now)["datasets"]["interactions"]["rows"] == 3


def test_people_are_counted() -> None:
    students.put(*(students.interaction("busy", number) for number in range(5)), students.interaction("shy", 1))
    total = exported()["datasets"]["interactions"]["total"]
    assert (total["users"], total["usersWithTwo"]) == (2, 1)


def test_bad_rows_are_quarantined_with_their_reason() -> None:
    students.put(
        students.interaction("s1", 1),
        students.interaction("s1", 2, itemId=None),
        students.interaction("s1", 3, occurredAt=students.NOVEMBER * 1000),
        students.interaction("s1", 4, recordedAt="yesterday"),
    )
    found = exported()["datasets"]["interactions"]
    assert found["rows"] == 1
    assert found["rejected"] == {"missing itemId": 1, "time in milliseconds": 1, "missing recordedAt": 1}
    lines = [json.loads(line) for key in found["quarantine"] for line in body(key).splitlines()]
    assert {(line["reason"], line["interactionId"]) for line in lines} == {
        ("missing itemId", "s1-2"),
        ("time in milliseconds", "s1-3"),
        ("missing recordedAt", "s1-4"),
    }


def test_an_item_of_two_classes_is_one_item() -> None:
    school.add_class("C1")
    school.add_class("C2")
    students.add_material("shared", "quiz", "C1")
    students.add_material("shared", "quiz", "C2")
    exported()
    assert [row["ITEM_ID"] for row in table("items")].count("shared") == 1


def test_the_same_run_is_exported_once() -> None:
    students.term(people=3, each=2)
    first = exported()
    students.put(students.interaction("s1", 77))
    assert exported() == first
    assert len(table("interactions")) == 6


def test_a_crashed_export_leaves_no_manifest_and_its_second_try_no_leftovers(monkeypatch: pytest.MonkeyPatch) -> None:
    students.term(people=3, each=2)
    boto3.client("s3").put_object(Bucket="lake", Key=f"{lake.prefix('interactions', RUN)}part-09-00009.csv", Body=b"x")

    def crash(_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as crashing:
        crashing.setattr(lake, "write_manifest", crash)
        with pytest.raises(OSError, match="disk full"):
            exported()
    assert lake.read_manifest(RUN) is None
    manifest = exported()
    assert keys("training-data/interactions/") == {
        part["key"] for part in manifest["datasets"]["interactions"]["parts"]
    }
    assert lake.read_manifest(RUN) == manifest


def test_the_fingerprint_changes_with_any_row_and_with_nothing_else() -> None:
    students.term(people=3, each=2)
    first = fingerprints(exported(run_id="a"))
    assert fingerprints(exported(run_id="b")) == first
    tables.interactions().update_item(
        Key={"userId": "s1", "occurrence": students.interaction("s1", 1)["occurrence"]},
        UpdateExpression="SET eventValue = :v",
        ExpressionAttributeValues={":v": 81},
    )
    changed = fingerprints(exported(run_id="c"))
    assert changed["interactions"] != first["interactions"]
    assert changed["users"] == first["users"]


def fingerprints(manifest: dict[str, Any]) -> dict[str, str]:
    return {name: found["total"]["fingerprint"] for name, found in manifest["datasets"].items()}


ROWS = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=20)


@given(ROWS, st.randoms(use_true_random=False))
def test_fingerprints_do_not_depend_on_order_or_segments(rows: list[tuple[str, str]], chance: Any) -> None:
    whole, left, right = Tally(), Tally(), Tally()
    for row in rows:
        whole.add(row)
    for row in chance.sample(rows, len(rows)):
        chance.choice((left, right)).add(row)
    left.merge(right)
    assert (left.fingerprint, left.rows) == (whole.fingerprint, whole.rows)


def test_an_empty_school_exports_nothing() -> None:
    manifest = exported()
    assert [found["rows"] for found in manifest["datasets"].values()] == [0, 0, 0]
    assert keys("training-data/") == set()
