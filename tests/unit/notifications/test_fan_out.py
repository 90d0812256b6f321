"""From one announcement to a message for each student."""

import bisect
import json
from collections.abc import Callable
from typing import Any

import pytest

from campus import tables
from campus.clients import client
from notifications import fan_out, fan_out_announcement, notice
from tests.unit.notifications.school import NOW, Context, Killed, School, announced, batch, to_one


@pytest.fixture
def queue(school: School, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What is on the MailQueue, taken off it."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="mail")["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    monkeypatch.setenv("MAIL_QUEUE_URL", url)

    def take() -> list[dict[str, Any]]:
        taken: list[dict[str, Any]] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                taken.append(json.loads(each["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return taken

    return take


def run(*events: Any) -> int:
    """How many messages stay on the AnnouncementQueue."""
    answer = fan_out_announcement.handler(batch(list(events)), Context(60_000))  # type: ignore[arg-type]
    return len(answer["batchItemFailures"])


def teach(teacher: str, *classes: str) -> None:
    for class_id in classes:
        member = f"TEACHER#{teacher}"
        tables.class_activity().put_item(Item={"classId": class_id, "activity": member, "member": member})


def activities() -> list[tuple[str, str]]:
    rows: list[Any] = list(tables.class_activity().scan()["Items"])
    return sorted((row["classId"], row["studentId"]) for row in rows if row["activity"].startswith("ACTIVITY#"))


def recipients(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(message["recipient"]["studentId"] for message in messages)


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


def test_killed_at_any_call_and_repeated_every_student_gets_one_mail(
    open_school: Callable[[], School], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "MAX_ENTRIES", 2)
    monkeypatch.setattr(fan_out, "PAGE", 3)
    deaths = 0
    while True:
        school = open_school()
        sqs = client("sqs")
        url = sqs.create_queue(QueueName=f"mail-{deaths}")["QueueUrl"]
        monkeypatch.setenv("MAIL_QUEUE_URL", url)
        students = ["sv-1", "sv-2", "sv-3", "sv-4"]
        for student in students:
            school.student(student)
        teach("gv-1", "a", "b")
        school.enroll("a", *students)
        school.enroll("b", *students[:2])
        event = announced("gv-1")
        school.kill_at, school.kill_after_acting = len(school.calls) + deaths, True
        try:
            run(event)
        except Killed:
            deaths += 1
        else:
            break
        school.kill_at = None
        assert run(event) == 0
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            assert school.send_batch([message["Body"] for message in found]) == []
        addresses = sorted(mail["Destination"]["ToAddresses"][0] for mail in school.accepted)
        assert addresses == [f"{student}@example.edu" for student in students]
        assert len(activities()) == 6
    calls = ["progress", "classes"]
    calls += ["page of a", "activity", "messages", "messages", "progress"]
    calls += ["page of a", "activity", "messages", "progress"]
    calls += ["page of b", "activity", "progress", "finished"]
    assert deaths == len(calls)


def test_a_class_of_many_pages_is_read_to_its_end(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    students = [f"sv-{number:02}" for number in range(25)]
    school.enroll("toan-10", *students)
    monkeypatch.setattr(fan_out, "PAGE", 10)

    assert run(announced(classId="toan-10")) == 0
    assert recipients(queue()) == students
    assert school.calls.count("Query") == 3


def progress(event: dict[str, Any]) -> dict[str, Any]:
    return tables.operations().get_item(Key={"pk": f"FANOUT#{event['id']}", "sk": "PROGRESS"}).get("Item", {})


def test_a_redelivery_goes_on_where_the_last_one_stopped(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "PAGE", 10)
    students = [f"sv-{number:02}" for number in range(25)]
    teach("gv-1", "a", "b", "c")
    school.enroll("a", *students[:5])
    school.enroll("b", *students[5:])
    school.enroll("c", "late")
    event = announced("gv-1")
    act, pages = School._act, 0

    def fail_in_the_third_page(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        nonlocal pages
        pages += operation == "BatchWriteItem"
        if pages == 3:
            raise RuntimeError
        return act(self, made, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(School, "_act", fail_in_the_third_page)
        assert run(event) == 1
    assert recipients(queue()) == students[:15]
    assert (progress(event)["classId"], progress(event)["studentId"]) == ("b", "sv-14")

    assert run(event) == 0
    assert recipients(queue()) == ["late", *students[15:]]
    row = progress(event)
    # Whom it stopped at is nobody's business any more.
    assert row.keys() == {"pk", "sk", "finishedAt", "expiresAt"}
    assert row["expiresAt"] > NOW + 30 * 86_400

    assert run(event) == 0
    assert not queue()


def test_when_time_runs_short_a_fresh_message_takes_over_and_every_run_gets_on(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "PAGE", 5)
    students = [f"sv-{number:02}" for number in range(13)]
    school.enroll("toan-10", *students)
    event = announced(classId="toan-10")
    waiting: list[Any] = [event]
    told, runs = list[str](), 0

    while waiting:
        # Time for what was begun, and for nothing more.
        left = iter([20_000, *[0] * 20])
        context: Any = Context(lambda: next(left))  # noqa: B023 - used within this turn of the loop
        assert fan_out_announcement.handler(batch([waiting.pop()]), context) == {"batchItemFailures": []}
        told += recipients(queue())
        runs += 1
        waiting += [json.loads(body) for body in school.queued_anew]
        school.queued_anew.clear()

    assert told == students
    assert runs == 3


def test_five_thousand_students_get_one_mail_each(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With runs that lose answers, are repeated and run out of time all along; class and queue are lists."""
    students = [f"sv-{number:04}" for number in range(5_000)]
    event = announced(classId="toan-10", content="Mai nghỉ học")
    messages: list[str] = []
    act, calls = School._act, 0

    def misfortune(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        nonlocal calls
        calls += 1
        match operation:
            case "Query":
                key = arguments.get("ExclusiveStartKey", {}).get("activity", "")
                first = bisect.bisect_right(students, key.removeprefix("STUDENT#"))
                page = [{"studentId": student} for student in students[first : first + arguments["Limit"]]]
                more = {"classId": "toan-10", "activity": f"STUDENT#{page[-1]['studentId']}"} if page else None
                return {"Items": page} | ({"LastEvaluatedKey": more} if more else {})
            case "BatchWriteItem":
                return {"UnprocessedItems": {}}
            case "SendMessageBatch":
                bodies = (json.loads(entry["MessageBody"]) for entry in arguments["Entries"])
                messages.extend(body["recipient"]["studentId"] for body in bodies)
                if calls % 97 == 0:
                    raise RuntimeError("the answer was lost")
                return {}
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", misfortune)
    runs = 0
    waiting: list[Any] = [event]
    while waiting:
        runs += 1
        left = iter([60_000] * 8 + [0] * 100)
        context: Any = Context(lambda: next(left))  # noqa: B023 - used within this turn of the loop
        answer = fan_out_announcement.handler(batch(waiting[:1]), context)
        waiting = waiting if answer["batchItemFailures"] else waiting[1:]
        waiting += [json.loads(body) for body in school.queued_anew]
        school.queued_anew.clear()
        assert runs < 100

    assert sorted(set(messages)) == students
    # A page is the most that a death repeats, and what is repeated is the same mail.
    repeated = len(messages) - len(students)
    assert 0 < repeated < runs * fan_out.PAGE
    assert len({notice.of(to_one(event, student)).ledger_id for student in messages}) == 5_000
