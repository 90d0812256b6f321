"""The specification's events, put straight onto the bus: what each one ends in."""

import json
import uuid
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from tests.stack import Stack, eventually


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def put_event(stack: Stack, source: str, detail_type: str, detail: dict[str, Any]) -> str:
    answer = stack.client("events").put_events(
        Entries=[
            {
                "EventBusName": stack.ready["eventBus"],
                "Source": source,
                "DetailType": detail_type,
                "Detail": json.dumps(detail, ensure_ascii=False),
            }
        ]
    )
    assert answer["FailedEntryCount"] == 0
    return str(answer["Entries"][0]["EventId"])


@pytest.fixture(scope="module")
def admin(stack: Stack) -> str:
    return stack.token("admin", "admin")


def student(stack: Stack, admin: str, locale: str = "vi") -> tuple[str, str]:
    """A new student's id and address."""
    student_id = unique("sv")
    email = f"{student_id}@example.edu"
    body = {"email": email, "displayName": "Nguyễn Thị Ánh", "locale": locale}
    assert stack.call("PUT", f"/students/{student_id}", body, token=admin).status == 200
    return student_id, email


def school_class(stack: Stack, admin: str, *teachers: str) -> str:
    class_id = unique("class")
    body = {"title": "Toán 10", "teachers": list(teachers), "materials": []}
    assert stack.call("PUT", f"/classes/{class_id}", body, token=admin).status == 200
    return class_id


def interactions(stack: Stack, student_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stack.table("interactions").query(KeyConditionExpression=Key("userId").eq(student_id))[
        "Items"
    ]
    return rows


def test_a_bare_enrolment_ends_in_the_specified_mail_and_a_recorded_interaction(stack: Stack, admin: str) -> None:
    student_id, email = student(stack, admin)
    class_id = school_class(stack, admin)

    put_event(stack, "api.student", "student.enrolled", {"studentId": student_id, "classId": class_id})

    (mail,) = eventually(lambda: stack.mails(email))
    assert mail["subject"] == "Xác nhận đăng ký lớp"
    assert f"Bạn vừa đăng ký lớp {class_id}." in mail["text"]
    (row,) = eventually(lambda: interactions(stack, student_id))
    assert (row["itemId"], row["eventType"]) == (class_id, "enroll")
    member = stack.table("classActivity").get_item(Key={"classId": class_id, "activity": f"STUDENT#{student_id}"})
    assert "enrolledAt" in member["Item"]
    assert member["Item"]["score"] > 0


def test_an_english_speaking_student_is_written_to_in_english(stack: Stack, admin: str) -> None:
    student_id, email = student(stack, admin, locale="en")
    class_id = school_class(stack, admin)

    put_event(stack, "api.student", "student.enrolled", {"studentId": student_id, "classId": class_id})

    (mail,) = eventually(lambda: stack.mails(email))
    assert "enrol" in mail["subject"].lower()
    assert class_id in mail["text"]


def test_a_bare_submission_takes_its_item_from_the_file_and_sends_a_receipt(stack: Stack, admin: str) -> None:
    student_id, email = student(stack, admin)

    detail = {"studentId": student_id, "fileUrl": "https://files.example/b%C3%A0i-t%E1%BA%ADp-1.pdf?sig=x"}
    put_event(stack, "api.assignment", "student.submitAssignment", detail)

    (row,) = eventually(lambda: interactions(stack, student_id))
    assert (row["itemId"], row["eventType"]) == ("bai-tap-1", "submitAssignment")
    assert eventually(lambda: stack.mails(email))


def test_an_unknown_students_event_is_recorded_and_its_mail_skipped(stack: Stack) -> None:
    stranger = unique("stranger")

    put_event(stack, "api.student", "student.enrolled", {"studentId": stranger, "classId": "anywhere"})

    assert eventually(lambda: interactions(stack, stranger))
    ledger = eventually(
        lambda: [
            row
            for row in stack.table("operations").scan()["Items"]
            if row["pk"].startswith("MAIL#") and row.get("studentId") == stranger
        ]
    )
    assert [row["status"] for row in ledger] == ["SKIPPED_UNKNOWN"]


def test_a_bare_announcement_reaches_every_student_of_all_the_teachers_classes_once(stack: Stack, admin: str) -> None:
    teacher = unique("gv")
    first, second = school_class(stack, admin, teacher), school_class(stack, admin, teacher)
    both, one, outside = (student(stack, admin) for _ in range(3))
    for class_id, (student_id, _) in [(first, both), (second, both), (second, one)]:
        body = {"studentId": student_id}
        assert stack.call("POST", f"/classes/{class_id}/enrollments", body, token=admin).status == 202

    content = f"Ngày mai nghỉ học <b>{unique('x')}</b>"
    put_event(stack, "api.teacher", "teacher.sendAnnouncement", {"teacherId": teacher, "content": content})

    def announcements(email: str) -> list[dict[str, Any]]:
        return [mail for mail in stack.mails(email) if content in mail["text"]]

    eventually(lambda: announcements(both[1]) and announcements(one[1]))
    assert len(announcements(both[1])) == len(announcements(one[1])) == 1
    assert not announcements(outside[1])
    assert "<b>" not in announcements(one[1])[0]["html"].split("Ngày mai", 1)[1][:40]


def test_a_repeated_event_changes_nothing(stack: Stack, admin: str) -> None:
    student_id, email = student(stack, admin)
    class_id = school_class(stack, admin)
    metadata = {"eventId": str(uuid.uuid4()), "occurredAt": "2026-11-20T08:00:00Z"}
    detail = {"studentId": student_id, "classId": class_id, "metadata": metadata}

    for _ in range(3):
        put_event(stack, "api.student", "student.enrolled", detail)
    # A marker sent afterwards shows that the three have been through the queues.
    marker, _ = student(stack, admin)
    put_event(stack, "api.student", "student.enrolled", {"studentId": marker, "classId": class_id})
    eventually(lambda: interactions(stack, marker))

    eventually(lambda: stack.mails(email))
    assert len(interactions(stack, student_id)) == 1
    member = stack.table("classActivity").get_item(Key={"classId": class_id, "activity": f"STUDENT#{student_id}"})
    assert member["Item"]["events"] == 1
    assert len(stack.mails(email)) == 1


def test_a_request_for_an_update_starts_the_retraining(stack: Stack) -> None:
    trigger = unique("manual")

    put_event(stack, "api.ranking", "ranking.requestUpdate", {"trigger": trigger})

    states = stack.client("stepfunctions")

    def started() -> bool:
        listed = states.list_executions(stateMachineArn=stack.ready["stateMachineArn"])["executions"]
        return any(trigger in states.describe_execution(executionArn=one["executionArn"])["input"] for one in listed)

    assert eventually(started)


def test_a_poisoned_event_ends_in_the_dead_letter_queues_and_stops_nobody_else(stack: Stack, admin: str) -> None:
    student_id, email = student(stack, admin)
    class_id = school_class(stack, admin)
    bad_class = unique("poison")
    poison = {"studentId": ["not", "an", "id"], "classId": bad_class}

    put_event(stack, "api.student", "student.enrolled", poison)
    put_event(stack, "api.student", "student.enrolled", {"studentId": student_id, "classId": class_id})

    assert eventually(lambda: interactions(stack, student_id))
    assert eventually(lambda: stack.mails(email))
    sqs = stack.client("sqs")
    for queue in ("InteractionDeadLetters", "MailDeadLetters"):
        (url,) = [one for one in sqs.list_queues()["QueueUrls"] if queue in one]
        dead: list[str] = []

        def arrived(url: str = url, dead: list[str] = dead) -> bool:
            received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1)
            dead.extend(message["Body"] for message in received.get("Messages", []))
            return any(bad_class in body for body in dead)

        assert eventually(arrived, deadline=120)
        assert not any(class_id in body for body in dead)
