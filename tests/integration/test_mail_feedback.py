"""The way back, through the running stack: SES's events into the ledger, and the link that ends announcements."""

import base64
import json
import re
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest

from tests.stack import Answer, Stack, eventually

LINK = re.compile(r"https?://\S+/unsubscribe\?token=([\w.-]+)")


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def admin(stack: Stack) -> str:
    return stack.token("admin", "admin")


@pytest.fixture(scope="module")
def teacher(stack: Stack) -> str:
    return unique("gv")


@pytest.fixture(scope="module")
def class_id(stack: Stack, admin: str, teacher: str) -> str:
    name = unique("class")
    body = {"title": "Toán 10", "teachers": [teacher], "materials": []}
    assert stack.call("PUT", f"/classes/{name}", body, token=admin).status == 200
    return name


def put_student(stack: Stack, admin: str, student_id: str, email: str, locale: str = "vi") -> None:
    body = {"email": email, "displayName": "Nguyễn Thị Ánh", "locale": locale}
    assert stack.call("PUT", f"/students/{student_id}", body, token=admin).status == 200


def enroll(stack: Stack, admin: str, student_id: str, class_id: str) -> str:
    answer = stack.call("POST", f"/classes/{class_id}/enrollments", {"studentId": student_id}, token=admin)
    assert answer.status == 202
    return str(answer.body["eventId"])


def announce(stack: Stack, teacher: str, class_id: str) -> str:
    body = {"content": unique("Ngày mai nghỉ học")}
    answer = stack.call("POST", f"/classes/{class_id}/announcements", body, token=stack.token(teacher, "teacher"))
    assert answer.status == 202
    return str(answer.body["eventId"])


def ledger(stack: Stack, student_id: str, event_id: str) -> dict[str, Any]:
    """The row of the mail of an event to a student; empty before there is one."""
    rows = stack.table("operations").scan()["Items"]
    return next((row for row in rows if (row.get("studentId"), row.get("eventId")) == (student_id, event_id)), {})


def ends(stack: Stack, student_id: str, event_id: str, **columns: str) -> dict[str, Any]:
    """The same row, once it has these columns."""
    return eventually(
        lambda: ledger(stack, student_id, event_id), lambda row: columns.items() <= row.items(), deadline=90
    )


def ask(method: str, url: str, form: str | None = None) -> Answer:
    """What a browser, a scanner or a mail program does with a link: no access token."""
    request = urllib.request.Request(url, method=method, data=form.encode() if form is not None else None)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return Answer(answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.headers.items()})
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), {})


def test_one_click_ends_announcements_and_receipts_still_arrive(
    stack: Stack, admin: str, teacher: str, class_id: str
) -> None:
    student_id = unique("sv")
    email = f"{student_id}@example.edu"
    put_student(stack, admin, student_id, email)
    enrolled = enroll(stack, admin, student_id, class_id)
    ends(stack, student_id, enrolled, status="SENT", delivery="DELIVERED")
    (receipt,) = eventually(lambda: stack.mails(email))
    assert not [name for name in receipt["headers"] if name.lower().startswith("list-")]
    assert "/unsubscribe" not in receipt["text"] + receipt["html"]

    first = announce(stack, teacher, class_id)
    ends(stack, student_id, first, status="SENT", delivery="DELIVERED")
    (announcement,) = [mail for mail in stack.mails(email) if mail["tags"]["kind"] == "announcement"]
    assert announcement["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = announcement["headers"]["List-Unsubscribe"].strip("<>")
    assert link in announcement["text"]
    found = LINK.fullmatch(link)
    assert found
    token = found[1]

    # A scanner follows it; nothing happens.
    for method in ("GET", "HEAD", "GET"):
        page = ask(method, link)
        assert page.status in ((200,) if method == "GET" else (200, 404, 405))
    assert "Ngừng nhận thông báo qua email?" in page.body
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for forged in (
        link.replace(token, "nonsense"),
        link.replace(token, ""),
        link.partition("?")[0],
        link[:-1] + ("A" if link[-1] != "A" else "Q"),
        link.replace(token, f"{_topic(token, 'enrollment')}"),
    ):
        for method, form in (("GET", None), ("POST", "List-Unsubscribe=One-Click")):
            refused = ask(method, forged, form)
            assert "Liên kết không hợp lệ" in refused.body, forged
            assert refused.status == (403 if "token=" in forged and not forged.endswith("token=") else 400), forged
    assert "unsubscribed" not in stack.table("students").get_item(Key={"studentId": student_id})["Item"]
    second = announce(stack, teacher, class_id)
    ends(stack, student_id, second, status="SENT")

    for _ in range(2):
        done = ask("POST", link, "List-Unsubscribe=One-Click")
        assert (done.status, "Đã ngừng gửi thông báo" in done.body) == (200, True)
    # An admin's change of the student does not take it back.
    put_student(stack, admin, student_id, email)

    third = announce(stack, teacher, class_id)
    ends(stack, student_id, third, status="SKIPPED_UNSUBSCRIBED")
    submission = stack.call(
        "POST",
        "/assignments/bai-1/submissions",
        {"studentId": student_id, "classId": class_id, "fileUrl": "https://files.example/bai-1.pdf"},
        token=stack.token(student_id),
    )
    assert submission.status == 202
    ends(stack, student_id, submission.body["eventId"], status="SENT", delivery="DELIVERED")
    kinds = sorted(mail["tags"]["kind"] for mail in stack.mails(email))
    assert kinds == ["announcement", "announcement", "enrollment", "submission"]


def _topic(token: str, topic: str) -> str:
    """The same signature under another topic."""
    said, signature = token.split(".")
    student_id, _ = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    forged = json.dumps([student_id, topic], separators=(",", ":")).encode()
    return f"{base64.urlsafe_b64encode(forged).decode().rstrip('=')}.{signature}"


def test_a_bounce_reaches_the_ledger_and_the_next_mail_is_not_sent(
    stack: Stack, admin: str, teacher: str, class_id: str
) -> None:
    student_id = unique("sv")
    put_student(stack, admin, student_id, f"bounce+{student_id}@simulator.amazonses.com")
    enrolled = enroll(stack, admin, student_id, class_id)
    row = ends(stack, student_id, enrolled, status="SENT", delivery="BOUNCED")
    assert row["deliveryReason"].startswith("Permanent/")

    announced = announce(stack, teacher, class_id)
    ends(stack, student_id, announced, status="SKIPPED_SUPPRESSED")

    put_student(stack, admin, student_id, f"{student_id}@example.edu")
    ends(stack, student_id, announce(stack, teacher, class_id), status="SENT")


def test_a_complaint_ends_that_kind_of_mail(stack: Stack, admin: str, teacher: str, class_id: str) -> None:
    student_id = unique("sv")
    put_student(stack, admin, student_id, f"complaint+{student_id}@simulator.amazonses.com")
    ends(stack, student_id, enroll(stack, admin, student_id, class_id), status="SENT", delivery="COMPLAINED")
    other = unique("class")
    assert stack.call("PUT", f"/classes/{other}", {"title": "Lý 10"}, token=admin).status == 200

    ends(stack, student_id, enroll(stack, admin, student_id, other), status="SKIPPED_SUPPRESSED")


def test_no_feedback_queue_ever_holds_an_address(stack: Stack) -> None:
    sqs = stack.client("sqs")
    (dead,) = [url for url in sqs.list_queues()["QueueUrls"] if "FeedbackDeadLetters" in url]
    attributes = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"
    rows = [row for row in stack.table("operations").scan()["Items"] if row["pk"].startswith(("MAIL#", "SUPPRESSION#"))]
    assert rows
    assert not [word for word in ("@example.edu", "@simulator", "Nguyễn") if word in str(rows)]
