"""A fan-out that dies, is repeated or runs out of time goes on where it stopped, and nobody is told twice."""

import bisect
import json
from collections.abc import Callable
from typing import Any

import pytest

from campus import clock, events, tables
from campus.clients import client
from notifications import fan_out, fan_out_announcement, notice
from tests.unit.notifications.announcing import activities, recipients, run, teach
from tests.unit.notifications.school import NOW, Context, Killed, School, announced, batch, to_one


def progress(event: dict[str, Any]) -> dict[str, Any]:
    key = {"pk": f"FANOUT#{events.parse(event).identity}", "sk": "PROGRESS"}
    return tables.operations().get_item(Key=key).get("Item", {})


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


def test_a_run_that_comes_late_notes_nothing_after_another_has_finished(
    school: School, queue: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    school.enroll("toan-10", "sv-1")
    event = announced(classId="toan-10")
    act, others = School._act, list[int]()

    def overtaken(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if "studentId = :student" not in arguments.get("UpdateExpression", "") or others:
            return act(self, made, operation, arguments)
        others.append(0)
        others.append(run(event))
        act(self, made, operation, arguments)
        raise Killed  # the note was written, and nobody will take it away

    monkeypatch.setattr(School, "_act", overtaken)

    assert run(event) == 0

    assert others == [0, 0]
    assert progress(event).keys() == {"pk", "sk", "finishedAt", "expiresAt"}


def test_a_bare_announcement_that_its_producer_repeats_is_told_once_a_day(
    school: School, queue: Callable[[], list[dict[str, Any]]]
) -> None:
    school.enroll("toan-10", "sv-1")
    tomorrow = {"time": clock.iso(NOW + 86_400)}

    told = []
    for event in (announced(classId="toan-10"), announced(classId="toan-10"), announced(classId="toan-10") | tomorrow):
        assert run(event) == 0
        told.append(recipients(queue()))
    assert run(announced(classId="toan-10", content="Mai học bù")) == 0

    assert told == [["sv-1"], [], ["sv-1"]]
    assert recipients(queue()) == ["sv-1"]


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
        assert runs < 10
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
