"""From one announcement to a message for each student."""

from collections.abc import Callable
from typing import Any

import pytest

from campus import tables
from notifications import fan_out
from tests.unit.notifications.announcing import activities, recipients, run, teach
from tests.unit.notifications.school import NOW, School, announced


def test_every_enrolled_student_of_the_class_gets_one_message(
    school: School, queue: Callable[[], list[dict[str, Any]]]
) -> None:
    students = [f"sv-{number:02}" for number in range(23)]
    school.enroll("toan-10", *students)
    school.enroll("van-10", "outsider")
    tables.class_activity().put_item(
        Item={"classId": "toan-10", "activity": "STUDENT#guest", "studentId": "guest", "events": 1}
    )

    event = announced(classId="toan-10")
    assert run(event) == 0

    messages = queue()
    assert recipients(messages) == students
    assert {key: messages[0][key] for key in event} == event
    assert school.calls.count("SendMessageBatch") == 3
    assert activities() == [("toan-10", student) for student in students]
    (row,) = tables.class_activity().query(
        KeyConditionExpression="classId = :class AND activity = :activity",
        ExpressionAttributeValues={":class": "toan-10", ":activity": f"ACTIVITY#{NOW:010d}#{event['id']}#sv-00"},
    )["Items"]
    assert (row["eventType"], row["itemId"], row["eventId"]) == ("announcement", "toan-10", event["id"])


def test_a_bare_announcement_goes_once_to_the_students_of_all_classes_of_its_teacher(
    school: School, queue: Callable[[], list[dict[str, Any]]]
) -> None:
    teach("gv-1", "b", "a")
    teach("gv-2", "c")
    school.enroll("a", "both", "only-a")
    school.enroll("b", "both", "only-b")
    school.enroll("c", "foreign")

    assert run(announced("gv-1")) == 0

    assert recipients(queue()) == ["both", "only-a", "only-b"]
    assert activities() == [("a", "both"), ("a", "only-a"), ("b", "both"), ("b", "only-b")]


@pytest.mark.parametrize("event", [announced("nobody"), announced(classId="empty")])
def test_where_nobody_listens_nobody_is_told(
    school: School, queue: Callable[[], list[dict[str, Any]]], event: dict[str, Any]
) -> None:
    assert run(event) == 0
    assert not queue()


def test_an_announcement_out_of_the_archive_is_told_to_nobody(
    school: School, queue: Callable[[], list[dict[str, Any]]]
) -> None:
    school.enroll("toan-10", "sv-1")

    assert run({**announced(classId="toan-10"), "replay-name": "r"}) == 0

    assert not queue()


def test_poison_fails_alone(school: School, queue: Callable[[], list[dict[str, Any]]]) -> None:
    school.enroll("toan-10", "sv-1")

    assert run("{}", announced(content=" "), announced(classId="toan-10")) == 2

    assert recipients(queue()) == ["sv-1"]


def test_messages_sqs_refuses_inside_an_accepted_call_are_sent_again(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    school.enroll("toan-10", *(f"sv-{number:02}" for number in range(10)))
    act, refused = School._act, list[str]()

    def refuse_half(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation != "SendMessageBatch" or refused:
            return act(self, made, operation, arguments)
        refused.extend(entry["Id"] for entry in arguments["Entries"][::2])
        answer = act(self, made, operation, {**arguments, "Entries": arguments["Entries"][1::2]})
        return {**answer, "Failed": [{"Id": one, "SenderFault": False, "Code": "InternalError"} for one in refused]}

    monkeypatch.setattr(School, "_act", refuse_half)

    assert run(announced(classId="toan-10")) == 0
    assert len(recipients(queue())) == 10


def test_a_queue_that_goes_on_refusing_fails_the_announcement(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    school.enroll("toan-10", "sv-1")
    act = School._act

    def refuse(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation != "SendMessageBatch":
            return act(self, made, operation, arguments)
        return {"Failed": [{"Id": entry["Id"], "SenderFault": False, "Code": "x"} for entry in arguments["Entries"]]}

    monkeypatch.setattr(School, "_act", refuse)

    assert run(announced(classId="toan-10")) == 1


def test_batches_stay_below_what_sqs_takes_in_a_call(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    school.enroll("toan-10", *(f"sv-{number:02}" for number in range(20)))
    act, sizes = School._act, list[int]()

    def weigh(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "SendMessageBatch":
            sizes.append(sum(len(entry["MessageBody"].encode()) for entry in arguments["Entries"]))
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", weigh)

    assert run(announced(content="ế" * 10_000, classId="toan-10")) == 0
    assert len(queue()) == 20
    assert max(sizes) <= fan_out.MAX_BYTES


def test_a_field_that_nobody_looks_at_may_hold_what_sqs_does_not_take(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    school.enroll("toan-10", "sv-1")
    act, bodies = School._act, list[str]()

    def watch(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        bodies.extend(entry["MessageBody"] for entry in arguments.get("Entries", []))
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", watch)

    assert run(announced(classId="toan-10", content="Mai nghỉ", note="\uffff\ud800")) == 0

    assert all(body.isascii() for body in bodies)
    assert queue()[0]["detail"]["content"] == "Mai nghỉ"


def test_a_class_of_many_pages_is_read_to_its_end(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    students = [f"sv-{number:02}" for number in range(25)]
    school.enroll("toan-10", *students)
    monkeypatch.setattr(fan_out, "PAGE", 10)

    act, reads = School._act, list[Any]()

    def watch(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "Query":
            reads.append(arguments)
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", watch)

    assert run(announced(classId="toan-10")) == 0
    assert recipients(queue()) == students
    # Whoever was enrolled a moment ago is written to, too; moto shows everybody the latest anyway.
    assert [read["ConsistentRead"] for read in reads] == [True] * 3
