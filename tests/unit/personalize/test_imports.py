"""Dataset import jobs, from CSV in S3 to what is trained on and served."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from local.personalize.avro import Field
from local.personalize.csv_source import converted
from local.personalize.errors import JobFailed
from tests.unit.personalize.cloud import INTERACTION_FIELDS, ITEM_FIELDS, ROLE, T0, interaction_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.personalize.cloud import Cloud

HEADER = [field["name"] for field in INTERACTION_FIELDS]


@pytest.fixture(scope="module")
def dataset(cloud: Cloud) -> str:
    """An Interactions dataset with nothing in it."""
    return cloud.dataset(cloud.group("imports"), "Interactions", cloud.schema("imports", INTERACTION_FIELDS))


def with_row(row: list[Any]) -> list[list[Any]]:
    return [*interaction_rows()[:1000], row]


@pytest.mark.parametrize(
    ("name", "header", "rows", "reason"),
    [
        ("column", HEADER[:2] + HEADER[3:], [r[:2] + r[3:] for r in interaction_rows()], r"columns: \[TIMESTAMP\]"),
        ("few", HEADER, interaction_rows()[:999], r"interactions \(999\) is less than the minimum of 1000"),
        ("type", HEADER, with_row(["u", "i", "yesterday", "view", ""]), "'yesterday' in row 1002 .* is no long"),
        ("float", HEADER, with_row(["u", "i", T0, "view", "much"]), "'much' in row 1002 .* is no float"),
        ("null", HEADER, with_row(["u", "", T0, "view", ""]), "ITEM_ID has no value in row 1002"),
        ("length", HEADER, with_row(["u" * 257, "i", T0, "view", ""]), "more than 256 characters for USER_ID"),
        ("ragged", HEADER, with_row(["u", "i", T0, "view"]), "Row 1002 of .* has 4 columns, its header 5"),
        ("types", HEADER, [["u", "i", T0 + n, f"type-{n % 11}", ""] for n in range(1000)], "10 distinct event types"),
        ("case", [name.lower() for name in HEADER], interaction_rows(), r"columns: \[USER_ID, ITEM_ID, TIMESTAMP"),
        ("order", ["ITEM_ID", "USER_ID", *HEADER[2:]], interaction_rows(), "not in the order of the schema"),
        ("nothing", [], [], r"columns: \[USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE, EVENT_VALUE\]"),
        ("twice", [*HEADER, "USER_ID"], [[*row, "x"] for row in interaction_rows()], "a column twice"),
        ("half", HEADER, with_row(["u", "i", "1.5", "view", ""]), "'1.5' in row 1002 .* is no long"),
        (
            "late",
            HEADER,
            with_row(["u", "i", 2**63, "view", ""]),
            f"'{2**63}' in row 1002 .* is no long, the type of TI",
        ),
        ("big", HEADER, with_row(["u", "i", T0, "view", "1e39"]), "'1e39' in row 1002 .* is no float"),
        ("infinite", HEADER, with_row(["u", "i", T0, "view", "inf"]), "'inf' in row 1002 .* is no float"),
    ],
)
def test_bad_data_fails_the_job_and_names_the_fault(
    cloud: Cloud, dataset: str, name: str, header: list[str], rows: list[list[Any]], reason: str
) -> None:
    location = cloud.upload(f"bucket/bad/{name}.csv", header, rows)
    assert re.search(reason, cloud.failed_import(f"bad-{name}", dataset, location))


@pytest.mark.parametrize(
    ("type_name", "inside", "beyond"),
    [
        ("int", [str(2**31 - 1), str(-(2**31)), "+7", "999999999"], [str(2**31), str(-(2**31) - 1), "9" * 400]),
        ("long", [str(2**63 - 1), str(-(2**63)), "9" * 18], [str(2**63), str(-(2**63) - 1), "9" * 5_000]),
        ("float", ["3.4e38", "-3.4e38", "1e-50"], ["3.5e38", "-3.5e38", "nan", "inf"]),
        ("double", ["1.7e308"], ["1.8e308", "nan"]),
    ],
)
def test_numbers_have_the_bounds_of_their_type(type_name: str, inside: list[str], beyond: list[str]) -> None:
    field = Field("N", type_name, nullable=False)
    assert converted(tuple(inside), field, "f") == [(int if type_name in {"int", "long"} else float)(n) for n in inside]
    for number in beyond:
        with pytest.raises(JobFailed, match=f"in row 3 of f is no {type_name}, the type of N"):
            converted(("1", number), field, "f")


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("latin", lambda text: text.replace("user-0", "Phượng").encode("utf-8")[:-1] + b"\xe9", "not encoded in UTF-8"),
        ("utf-16", lambda text: text.encode("utf-16"), "not encoded in UTF-8"),
        ("quoted", lambda text: text.replace("USER_ID", '"USER_ID"', 1).encode(), "enclosed in quotation marks"),
        ("unclosed", lambda text: text.replace("user-5,", '"user-5,', 1).encode(), "is not valid CSV"),
        ("zeros", lambda text: text.encode() + b"a" * 200_000 + b",i,1,view,\n", "is not valid CSV: field larger"),
    ],
)
def test_a_file_that_is_no_plain_csv_fails_the_job(
    cloud: Cloud, dataset: str, name: str, change: Callable[[str], bytes], reason: str
) -> None:
    location = cloud.upload(f"bucket/odd/{name}.csv", HEADER, interaction_rows())
    cloud.store.objects[f"bucket/odd/{name}.csv"] = change(cloud.store.objects[f"bucket/odd/{name}.csv"].decode())
    assert re.search(reason, cloud.failed_import(f"odd-{name}", dataset, location))


def test_a_byte_order_mark_and_line_ends_of_windows_and_quoted_line_breaks_are_read(cloud: Cloud) -> None:
    group = cloud.group("windows")
    dataset = cloud.dataset(group, "Items", cloud.schema("windows", ITEM_FIELDS[:2]))
    text = '\ufeffITEM_ID,TYPE\r\nbài-1,"khóa\r\nhọc"\r\nb2,"nói ""chào"", rồi"\r\n'
    cloud.store.objects["bucket/windows.csv"] = text.encode()
    cloud.run_import("windows", dataset, "s3://bucket/windows.csv")
    account = cloud.service._account
    records = account.serving.entities(account.store.get(dataset)).records  # type: ignore[arg-type]
    assert records == {"bài-1": {"TYPE": "khóa\r\nhọc"}, "b2": {"TYPE": 'nói "chào", rồi'}}


def test_an_import_reads_the_first_level_of_its_folder(cloud: Cloud) -> None:
    dataset = cloud.dataset(cloud.group("levels"), "Interactions", cloud.schema("levels", INTERACTION_FIELDS))
    cloud.upload("bucket/levels/1.csv", HEADER, interaction_rows()[:1000])
    cloud.upload("bucket/levels/old/2.csv", HEADER, interaction_rows()[1000:])
    cloud.upload("bucket/levels/readme.txt", ["?"], [])
    cloud.run_import("levels", dataset, "s3://bucket/levels/")
    assert imported(cloud, dataset) == 1000


def test_an_id_may_have_256_characters(cloud: Cloud) -> None:
    dataset = cloud.dataset(cloud.group("longest"), "Items", cloud.schema("longest", ITEM_FIELDS[:2]))
    rows = [["i" * 256, "t" * 1000], ["j" * 256, "t"]]
    cloud.run_import("longest", dataset, cloud.upload("bucket/longest.csv", ["ITEM_ID", "TYPE"], rows))
    rows[1][1] = "t" * 1001
    location = cloud.upload("bucket/longest.csv", ["ITEM_ID", "TYPE"], rows)
    assert "more than 1000 characters for TYPE" in cloud.failed_import("longer", dataset, location)


def test_an_import_whose_worker_was_killed_while_idle_gets_another(cloud: Cloud, dataset: str) -> None:
    location = cloud.upload("bucket/killed-worker.csv", HEADER, interaction_rows())
    cloud.run_import("worker-1", dataset, location)
    idle = cloud.service._account.pool._idle
    assert idle
    for process in list(idle):
        process.kill()
        process.wait()
    cloud.run_import("worker-2", dataset, location)


def test_metadata_columns_count_with_the_event_types(cloud: Cloud) -> None:
    fields = [*INTERACTION_FIELDS, *({"name": f"M{n}", "type": ["null", "int"]} for n in range(5))]
    dataset = cloud.dataset(cloud.group("sixth"), "Interactions", cloud.schema("sixth", fields))
    header = [field["name"] for field in fields]

    def location(types: int) -> str:
        rows = [["u", "i", T0 + n, f"type-{n % types}", "", *"12345"] for n in range(1000)]
        return cloud.upload(f"bucket/sixth-{types}.csv", header, rows)

    cloud.run_import("sixth-5", dataset, location(5))
    assert "event types and metadata columns (6 and 5)" in cloud.failed_import("sixth-6", dataset, location(6))


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("s3://denied-bucket/data.csv", "Insufficient privileges for accessing data in Amazon S3."),
        ("s3://nowhere/data.csv", "does not exist"),
        ("s3://bucket/no-such-folder/", "No CSV files"),
        ("s3://bucket/there.txt", "No CSV files"),
        ("s3://bucket/there.cs", "No CSV files"),
    ],
)
def test_data_that_cannot_be_read_fails_the_job(cloud: Cloud, dataset: str, location: str, reason: str) -> None:
    cloud.upload("bucket/there.csv", HEADER, [])
    assert reason in cloud.failed_import(
        f"unread-{location[5:]}".replace("/", "-").replace(".", "-"), dataset, location
    )


@pytest.mark.parametrize("location", ["http://bucket/x.csv", "s3:///x.csv", "s3://Bad_Bucket/x.csv"])
def test_a_location_that_is_not_in_s3_is_refused(cloud: Cloud, dataset: str, location: str) -> None:
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="Invalid Data location"):
        cloud.start_import("nowhere", dataset, location)


def test_a_role_that_cannot_be_assumed_fails_the_job(cloud: Cloud, dataset: str) -> None:
    job = cloud.control.create_dataset_import_job(
        jobName="stranger",
        datasetArn=dataset,
        dataSource={"dataLocation": cloud.upload("bucket/there.csv", HEADER, interaction_rows())},
        roleArn="arn:aws:iam::000000000000:role/Stranger",
    )["datasetImportJobArn"]
    record = cloud.wait(cloud.control.describe_dataset_import_job, status="CREATE FAILED", datasetImportJobArn=job)
    assert "Insufficient privileges for accessing data in Amazon S3." in record["failureReason"]
    assert "role/Stranger cannot be assumed" in record["failureReason"]


def test_a_job_needs_a_role(cloud: Cloud, dataset: str) -> None:
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="roleArn"):
        cloud.control.create_dataset_import_job(
            jobName="roleless", datasetArn=dataset, dataSource={"dataLocation": "s3://bucket/x.csv"}
        )
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="roleArn"):
        cloud.control.create_dataset_import_job(
            jobName="r", datasetArn=dataset, dataSource={"dataLocation": "s3://bucket/x.csv"}, roleArn="Personalize"
        )


def imported(cloud: Cloud, dataset: str) -> int:
    account = cloud.service._account
    return len(account.serving.bulk(account.store.get(dataset)).interactions)  # type: ignore[arg-type]


def test_incremental_adds_and_full_replaces(cloud: Cloud) -> None:
    group = cloud.group("modes")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("modes", INTERACTION_FIELDS))
    rows = interaction_rows(260)
    first = cloud.upload("bucket/modes/1.csv", HEADER, rows[:1040])
    second = cloud.upload("bucket/modes/2.csv", HEADER, rows[1000:])
    with pytest.raises(cloud.control.exceptions.InvalidInputException, match="must be a FULL import"):
        cloud.start_import("too-early", dataset, first, "INCREMENTAL")
    cloud.run_import("first", dataset, first)
    assert imported(cloud, dataset) == 1040
    job = cloud.run_import("second", dataset, second, "INCREMENTAL")
    assert job["importMode"] == "INCREMENTAL"
    assert imported(cloud, dataset) == len(rows)  # the 40 rows of both files are kept once
    # The quota is of records per job, so known ones count, too.
    cloud.run_import("second-again", dataset, second, "INCREMENTAL")
    assert imported(cloud, dataset) == len(rows)
    few = cloud.upload("bucket/modes/3.csv", HEADER, rows[:999])
    assert "less than the minimum" in cloud.failed_import("few", dataset, few, "INCREMENTAL")
    cloud.run_import("third", dataset, second)
    assert imported(cloud, dataset) == len(rows) - 1000


def test_a_sixth_import_at_a_time_is_refused(cloud: Cloud) -> None:
    group = cloud.group("crowd")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("crowd", INTERACTION_FIELDS))
    location = cloud.upload("bucket/crowd.csv", HEADER, interaction_rows())
    _inject(cloud, {"job": "DatasetImportJob", "name": "crowd-*", "effect": "hang"})
    jobs = [cloud.start_import(f"crowd-{number}", dataset, location) for number in range(5)]
    assert len(jobs) == 5
    with pytest.raises(cloud.control.exceptions.LimitExceededException, match="More than 5 resources"):
        cloud.start_import("crowd-6", dataset, location)
    with pytest.raises(cloud.control.exceptions.ResourceInUseException, match="currently using"):
        cloud.control.delete_dataset(datasetArn=dataset)
    _end_hanging(cloud)


def _inject(cloud: Cloud, rule: dict[str, Any]) -> None:
    cloud.service._account.faults.add(rule)


def _end_hanging(cloud: Cloud) -> None:
    """Hanging jobs would count against the limit for the tests that follow."""
    cloud.service._account.faults.clear()
    for resource in cloud.service._account.store:
        if resource.status.endswith(("PENDING", "IN_PROGRESS")):
            cloud.service._account.lifecycle.cancel(resource)
            cloud.service._account.store.remove(resource)


def test_the_role_is_the_one_described(cloud: Cloud, dataset: str) -> None:
    location = cloud.upload("bucket/role.csv", HEADER, interaction_rows())
    assert cloud.run_import("role", dataset, location)["roleArn"] == ROLE
