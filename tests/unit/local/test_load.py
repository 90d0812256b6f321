"""Loading into DynamoDB: everything once, the good rows of a bad file, and nothing that was there is lost."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from local.load import Report, Tables, UnreadableFileError, load_file
from local.load import loader as loading
from local.load.engagement import Engagement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE"
ENROLL = "sv1,toan-1,1700000000,enroll,"
SUBMIT = "sv1,toan-1-bt1,1700090000,submitAssignment,80"
HALF_LIFE = 14.0


class School:
    """The tables, and files to load into them."""

    def __init__(self, client: "DynamoDBClient", tables: Tables, directory: Path) -> None:
        self.client = client
        self.tables = tables
        self._file = directory / "events.csv"
        self._items = directory / "items.csv"

    def load(self, *lines: str, items: str | None = None) -> Report:
        self._file.write_text("\n".join([HEADER, *lines]))
        if items is not None:
            self._items.write_text(items)
        path = self._items if items is not None else None
        return load_file(self.client, self.tables, self._file, path, half_life_days=HALF_LIFE)

    def rows(self, table: str) -> list[dict[str, Any]]:
        items = self.client.scan(TableName=table)["Items"]
        return [{name: TypeDeserializer().deserialize(value) for name, value in item.items()} for item in items]

    def interactions(self) -> list[dict[str, Any]]:
        return self.rows(self.tables.interactions)

    def activity(self, class_id: str, activity: str) -> dict[str, Any]:
        found = [
            row
            for row in self.rows(self.tables.class_activity)
            if (row["classId"], row["activity"]) == (class_id, activity)
        ]
        return found[0] if found else {}


@pytest.fixture
def school(dynamodb: "DynamoDBClient", tables: Tables, tmp_path: Path) -> School:
    return School(dynamodb, tables, tmp_path)


def expected_score(*events: tuple[str, int]) -> float:
    engagement = Engagement()
    for event_type, at in events:
        engagement.add(event_type, at, "id", HALF_LIFE)
    return engagement.score


def test_a_load_creates_the_student_the_class_the_items_and_the_membership(school: School) -> None:
    report = school.load(ENROLL, SUBMIT)

    assert (report.interactions, report.students, report.classes, report.items, report.memberships) == (2, 1, 1, 2, 1)
    assert {row["itemId"] for row in school.interactions()} == {"toan-1", "toan-1-bt1"}
    assert {row["classId"] for row in school.interactions()} == {"toan-1"}
    (student,) = school.rows(school.tables.students)
    assert (student["studentId"], student["locale"], student["status"]) == ("sv1", "vi", "ACTIVE")
    assert student["email"].endswith(".example")
    assert school.activity("toan-1", "CLASS")["title"] == "toan-1"
    assert school.activity("toan-1", "ITEM#toan-1")["type"] == "course"
    assert school.activity("toan-1", "ITEM#toan-1-bt1")["type"] == "assignment"
    member = school.activity("toan-1", "STUDENT#sv1")
    assert member["enrolledAt"] == "2023-11-14T22:13:20Z"
    assert member["events"] == 2
    assert float(member["score"]) == pytest.approx(
        expected_score(("enroll", 1700000000), ("submitAssignment", 1700090000))
    )


def test_loading_twice_adds_nothing(school: School) -> None:
    school.load(ENROLL, SUBMIT)
    before = (school.interactions(), school.rows(school.tables.class_activity), school.rows(school.tables.students))
    again = school.load(ENROLL, SUBMIT)
    after = (school.interactions(), school.rows(school.tables.class_activity), school.rows(school.tables.students))
    assert (again.interactions, again.known, again.students, again.memberships) == (0, 2, 0, 0)
    assert after == before


def test_a_second_file_counts_on_top_of_the_first(school: School) -> None:
    school.load(ENROLL)
    school.load(ENROLL, SUBMIT)
    member = school.activity("toan-1", "STUDENT#sv1")
    assert member["events"] == 2
    assert float(member["score"]) == pytest.approx(
        expected_score(("enroll", 1700000000), ("submitAssignment", 1700090000))
    )
    assert school.activity("toan-1", "ITEM#toan-1")["score"] == 1
    assert school.activity("toan-1", "ITEM#toan-1-bt1")["score"] == 1


def test_a_load_that_was_interrupted_is_completed_by_the_next(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(loading._Load, "_write_memberships", lambda *_: _raise(RuntimeError("power cut")))
        with pytest.raises(RuntimeError, match="power cut"):
            school.load(ENROLL, SUBMIT)
    assert school.activity("toan-1", "STUDENT#sv1") == {}
    school.load(ENROLL, SUBMIT)
    assert school.activity("toan-1", "STUDENT#sv1")["events"] == 2


def _raise(error: Exception) -> None:
    raise error


def test_the_same_row_twice_in_a_file_counts_once(school: School) -> None:
    report = school.load(ENROLL, SUBMIT, ENROLL)
    assert (report.interactions, report.known) == (2, 1)
    assert school.activity("toan-1", "STUDENT#sv1")["events"] == 2
    assert school.activity("toan-1", "ITEM#toan-1")["score"] == 1


def test_what_exists_is_never_overwritten(school: School) -> None:
    name, email = {"S": "Nguyễn Thị Ánh"}, {"S": "anh@truong.example"}
    school.client.put_item(
        TableName=school.tables.students, Item={"studentId": {"S": "sv1"}, "displayName": name, "email": email}
    )
    school.client.put_item(
        TableName=school.tables.class_activity,
        Item={
            "classId": {"S": "toan-1"},
            "activity": {"S": "STUDENT#sv1"},
            "enrolledAt": {"S": "2023-01-01T00:00:00Z"},
            "enrollmentEventId": {"S": "from-the-api"},
            "score": {"N": "0"},
        },
    )
    school.load(ENROLL, SUBMIT)
    (student,) = school.rows(school.tables.students)
    assert student["displayName"] == "Nguyễn Thị Ánh"
    member = school.activity("toan-1", "STUDENT#sv1")
    assert (member["enrolledAt"], member["enrollmentEventId"]) == ("2023-01-01T00:00:00Z", "from-the-api")
    assert member["events"] == 2
    assert float(member["score"]) > 1000


def test_bad_rows_are_counted_and_the_good_ones_loaded(school: School) -> None:
    report = school.load(ENROLL, ",toan-1,1700000000,enroll,", "sv2,toan-1,1700000000000,enroll,", SUBMIT)
    assert report.interactions == 2
    assert report.rejected == {"USER_ID missing": 1, "timestamp in milliseconds": 1}


def test_nothing_is_written_from_a_file_that_is_no_such_csv(school: School, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableFileError):
        load_file(school.client, school.tables, tmp_path / "other.csv", half_life_days=HALF_LIFE)
    assert school.interactions() == []


def test_an_items_file_decides_type_class_and_title(school: School) -> None:
    good = "K1,course,K1,Khoá một\nthi,exam,K1,Bài thi\n"
    items = f"ITEM_ID,TYPE,CLASS_ID,TITLE\n{good}lạ,quiz,K1,\nx,poem,K1,\nthi,quiz,K1,\n"
    report = school.load("sv1,thi,1700000000,submitAssignment,", items=items)
    assert report.rejected == {
        "items file: ITEM_ID invalid": 1,
        "items file: TYPE is none of course, document, quiz, assignment, exam": 1,
        "items file: ITEM_ID repeated": 1,
    }
    assert school.activity("K1", "CLASS")["title"] == "Khoá một"
    exam = school.activity("K1", "ITEM#thi")
    assert (exam["type"], exam["title"], exam["score"], exam["createdAt"]) == ("assignment", "Bài thi", 1, 1700000000)
    assert "enrolledAt" not in school.activity("K1", "STUDENT#sv1")


def test_an_item_of_no_known_class_is_unassigned(school: School) -> None:
    school.load("sv1,quyen-sach,1700000000,view,", "sv1,de-1,1700000000,quiz,7")
    assert school.activity("UNASSIGNED", "ITEM#quyen-sach")["type"] == "document"
    assert school.activity("UNASSIGNED", "ITEM#de-1")["type"] == "quiz"
    assert school.activity("UNASSIGNED", "CLASS") == {}


def test_an_item_that_a_class_lists_belongs_to_that_class(school: School) -> None:
    school.load(items="ITEM_ID,TYPE,CLASS_ID\nde-1,quiz,K1\n")
    school.load("sv1,de-1,1700000000,quiz,7")
    assert [row["classId"] for row in school.interactions()] == ["K1"]
    assert school.activity("UNASSIGNED", "ITEM#de-1") == {}


def test_more_rows_than_fit_a_batch_all_arrive(school: School) -> None:
    report = school.load(*(f"sv{n % 40},toan-{n % 7},{1700000000 + n},enroll," for n in range(333)))
    assert report.interactions == len(school.interactions()) == 333
    assert report.students == 40


def test_rows_that_dynamodb_leaves_over_are_sent_again_with_a_new_stamp(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = school.client.batch_write_item
    stamps: list[str] = []

    def half(RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 - boto3's name
        ((table, requests),) = RequestItems.items()
        stamps.extend(request["PutRequest"]["Item"]["recordedAt"]["N"] for request in requests)
        middle = (len(requests) + 1) // 2
        real(RequestItems={table: requests[:middle]})
        return {"UnprocessedItems": {table: requests[middle:]} if requests[middle:] else {}}

    clock = iter(range(1_700_000_000_000, 1_800_000_000_000))
    monkeypatch.setattr("local.load.loader.time.time_ns", lambda: next(clock) * 1_000_000)
    monkeypatch.setattr(school.client, "batch_write_item", half)
    school.load(*(f"sv{n},toan-1,{1700000000 + n},enroll," for n in range(10)))
    assert len(school.interactions()) == 10
    assert len(stamps) == len(set(stamps)) == 10 + 5 + 2 + 1


def test_a_live_event_during_the_recount_is_not_lost(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row changes between reading and writing: the recount sees that and begins again."""
    school.load(ENROLL)
    real = school.client.update_item
    interfered: list[bool] = []

    def meddling(**arguments: Any) -> Any:
        if "STUDENT#" in arguments["Key"]["activity"]["S"] and not interfered:
            interfered.append(True)
            late = {**school.client.scan(TableName=school.tables.interactions)["Items"][0]}
            late |= {"occurrence": {"S": "1700050000#live"}, "interactionId": {"S": "live"}}
            late |= {"occurredAt": {"N": "1700050000"}}
            school.client.put_item(TableName=school.tables.interactions, Item=late)
            real(
                TableName=school.tables.class_activity,
                Key=arguments["Key"],
                UpdateExpression="ADD events :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        return real(**arguments)

    monkeypatch.setattr(school.client, "update_item", meddling)
    school.load(ENROLL, SUBMIT)
    assert interfered
    assert school.activity("toan-1", "STUDENT#sv1")["events"] == 3
