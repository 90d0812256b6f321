"""`nightclass mailbox` on a running stack: each mail with its ledger row and the event behind it."""

import uuid

from tests.integration.test_events_on_the_bus import put_event
from tests.stack import Stack, eventually


def test_a_mail_names_its_ledger_row_and_the_event_behind_it(stack: Stack) -> None:
    admin, suffix = stack.token("admin", "admin"), uuid.uuid4().hex[:8]
    student_id, email = f"sv-{suffix}", f"sv-{suffix}@example.edu"
    stack.call("PUT", f"/students/{student_id}", {"email": email, "displayName": "Ánh", "locale": "vi"}, token=admin)
    for class_id in (f"api-{suffix}", f"bus-{suffix}"):
        body = {"title": "Toán 10", "teachers": [], "materials": []}
        assert stack.call("PUT", f"/classes/{class_id}", body, token=admin).status == 200

    accepted = stack.call("POST", f"/classes/api-{suffix}/enrollments", {"studentId": student_id}, token=admin)
    bare = put_event(stack, "api.student", "student.enrolled", {"studentId": student_id, "classId": f"bus-{suffix}"})

    mails = eventually(
        lambda: stack.mails(email), lambda found: len(found) == 2 and {one["status"] for one in found} == {"SENT"}
    )
    by_event = {mail["eventId"]: mail for mail in mails}
    assert by_event.keys() == {accepted.body["eventId"], bare}
    assert by_event[bare]["event"] == {
        "source": "api.student",
        "detail-type": "student.enrolled",
        "detail": {"studentId": student_id, "classId": f"bus-{suffix}"},
    }
    published = by_event[accepted.body["eventId"]]["event"]
    assert published["detail"]["metadata"]["eventId"] == accepted.body["eventId"]
    assert all(mail["tags"]["ledger-id"] == mail["ledgerId"] for mail in mails)
