"""Who is written to, what SES refuses, and what a batch does with it."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from campus import tables, tombstones
from campus.observability import logger
from notifications import subscription, suppression
from notifications.address import digest
from tests.unit.notifications.school import (
    UNVERIFIED,
    School,
    announced,
    enrolled,
    lost_answer,
    refusal,
    submitted,
    to_one,
)


def before_sending(error: Exception) -> Callable[[], None]:
    """The SDK gives up before it has sent anything."""

    def give_up() -> None:
        raise error

    return give_up


def test_an_unknown_student_is_skipped_and_written_to_once_known(school: School) -> None:
    event = enrolled()
    assert school.deliver(event) == 0
    assert [row["status"] for row in school.ledger()] == ["SKIPPED_UNKNOWN"]

    school.student()
    assert school.deliver(event) == 0
    assert school.deliver(event) == 0

    assert len(school.accepted) == 1
    assert [row["status"] for row in school.ledger()] == ["SENT"]


def test_a_late_skip_does_not_overwrite_what_was_sent(school: School) -> None:
    school.student()
    school.deliver(enrolled())
    tables.students().delete_item(Key={"studentId": "sv-1"})

    assert school.deliver(enrolled()) == 0

    assert [row["status"] for row in school.ledger()] == ["SENT"]


def test_a_student_without_address_is_skipped(school: School) -> None:
    school.student(email="")

    assert school.deliver(enrolled()) == 0

    assert [row["status"] for row in school.ledger()] == ["SKIPPED_NO_ADDRESS"]


@pytest.mark.parametrize("email", ["ánh@example.edu", "a@example.edu, b@example.edu", "a b@example.edu", "nobody"])
def test_an_address_that_ses_cannot_take_fails_for_good_without_a_call(school: School, email: str) -> None:
    school.student(email=email)

    assert [school.deliver(enrolled()), school.deliver(enrolled())] == [0, 0]

    assert not school.accepted
    assert [(row["status"], row["reason"]) for row in school.ledger()] == [("FAILED", "ADDRESS")]


def test_an_international_domain_goes_out_in_punycode(school: School) -> None:
    school.student(email="anh@bücher.example")

    school.deliver(enrolled())

    assert school.accepted[0]["Destination"] == {"ToAddresses": ["anh@xn--bcher-kva.example"]}


@pytest.mark.parametrize(
    "misfortune",
    [
        refusal("SendingPausedException"),
        refusal("MessageRejected", message="Sending paused for this account. For more information, see your inbox."),
        refusal("MessageRejected", message="Sending suspended for this account. For more information, see your inbox."),
        refusal("MessageRejected", message="Email sending for configuration set mail is paused."),
        refusal("BadRequestException", message="Sending has been temporarily suspended."),
        refusal("AccessDeniedException", 403),
        refusal("MessageRejected", message=f"{UNVERIFIED}noreply@student-system.example"),
        refusal("MessageRejected", message=f"{UNVERIFIED}sv-1@example.edu, Student-System.example"),
        refusal("MessageRejected", message="Email address is not verified."),
        before_sending(NoCredentialsError()),
        before_sending(PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")),
        before_sending(CredentialRetrievalError(provider="container-role", error_msg="timed out")),
        before_sending(NoRegionError()),
    ],
)
def test_what_ses_refuses_for_now_comes_back_later_and_later_and_goes_out_once(
    school: School, misfortune: Callable[[], None]
) -> None:
    school.student()
    school.ses = [misfortune, misfortune]
    event = enrolled()

    assert [school.deliver(event, receipts=1), school.deliver(event, receipts=2)] == [1, 1]
    assert [row["status"] for row in school.ledger()] == ["RELEASED"]
    assert 5 <= school.hidden[0] <= 30
    assert 15 <= school.hidden[1] <= 90

    assert school.deliver(event, receipts=3) == 0
    assert len(school.accepted) == 1
    (row,) = school.ledger()
    assert (row["status"], row["attempts"]) == ("SENT", 3)
    assert "reason" not in row


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_what_ses_refuses_for_good_is_not_tried_again(school: School, code: str) -> None:
    school.student()
    school.ses = [refusal(code, message="sv-1@example.edu has invalid content")]

    assert [school.deliver(enrolled()), school.deliver(enrolled())] == [0, 0]

    assert not school.accepted
    assert school.calls.count("SendEmail") == 1
    assert [(row["status"], row["reason"], row["state"]) for row in school.ledger()] == [
        ("FAILED", code, "MAIL#FAILED")
    ]


def test_in_the_sandbox_an_unverified_recipient_is_skipped_and_written_to_after_it(school: School) -> None:
    school.student()
    school.ses = [refusal("MessageRejected", message=f"{UNVERIFIED}sv-1@example.edu")]
    event = enrolled()

    assert school.deliver(event) == 0
    (row,) = school.ledger()
    assert (row["status"], row.get("state"), row.get("reason")) == ("SKIPPED_SANDBOX", None, None)

    assert school.deliver(event) == 0
    assert len(school.accepted) == 1
    assert [row["status"] for row in school.ledger()] == ["SENT"]


def test_an_address_that_bounced_for_good_is_not_written_to_and_costs_no_slot(school: School) -> None:
    school.student()
    suppression.bounced(digest("sv-1@example.edu"))

    assert school.deliver(enrolled()) == 0

    assert [row["status"] for row in school.ledger()] == ["SKIPPED_SUPPRESSED"]
    assert not school.slot()


def test_who_unsubscribed_gets_receipts_but_no_announcement(school: School) -> None:
    school.student()
    tables.students().update_item(
        Key={"studentId": "sv-1"},
        UpdateExpression="ADD unsubscribed :topic",
        ExpressionAttributeValues={":topic": {"announcement"}},
    )

    assert [school.deliver(to_one(announced())), school.deliver(enrolled()), school.deliver(submitted())] == [0, 0, 0]

    assert sorted(row["status"] for row in school.ledger()) == ["SENT", "SENT", "SKIPPED_UNSUBSCRIBED"]


def test_an_announcement_can_be_ended_by_one_click_and_a_receipt_cannot(school: School) -> None:
    school.student()
    school.send_batch([to_one(announced()), enrolled(), submitted()])

    headers = [
        {header["Name"]: header["Value"] for header in mail["Content"]["Simple"]["Headers"]} for mail in school.accepted
    ]
    assert headers[0] == {
        "List-Unsubscribe": f"<{subscription.link('sv-1', 'announcement')}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert headers[1:] == [{}, {}]
    assert subscription.link("sv-1", "announcement") in school.accepted[0]["Content"]["Simple"]["Body"]["Text"]["Data"]


def test_a_settled_mail_is_known_before_it_takes_a_slot(school: School) -> None:
    school.student()
    event = enrolled()
    school.deliver(event)
    slot, calls = school.slot(), len(school.calls)

    assert school.deliver(event) == 0

    assert school.slot() == slot
    assert school.calls[calls:-1] == ["BatchGetItem"]


def test_keys_dynamodb_hands_back_are_asked_for_again(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    school.student()
    act, asked = School._act, list[Any]()

    def hand_back(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "BatchGetItem" and not asked:
            asked.append(arguments)
            return {"Responses": {}, "UnprocessedKeys": arguments["RequestItems"]}
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", hand_back)

    assert school.deliver(enrolled()) == 0
    assert len(school.accepted) == 1


def test_poison_in_a_batch_fails_alone(school: School) -> None:
    school.student()
    poison = [
        "not json",
        "[]",
        enrolled(class_id="x y"),
        announced(),
        {"source": "api.ranking", "detail-type": "ranking.requestUpdate", "id": "r", "detail": {"trigger": "now"}},
    ]
    poison[-1]["time"] = enrolled()["time"]  # type: ignore[index]

    assert school.send_batch([*poison, enrolled()]) == ["m-0", "m-1", "m-2", "m-3", "m-4"]
    assert len(school.accepted) == 1


def test_a_mail_that_may_not_end_in_time_is_not_begun(school: School) -> None:
    school.student()

    assert school.send_batch([enrolled()], milliseconds=5_000) == ["m-0"]

    assert school.calls[-1] == "ChangeMessageVisibility"
    assert not school.ledger()


def test_a_slow_slot_leaves_no_time_to_claim(school: School) -> None:
    school.student()

    assert school.send_batch([enrolled()], milliseconds=lambda: 5_000 if school.slot() else 30_000) == ["m-0"]

    assert (school.accepted, school.ledger(), school.hidden) == ([], [], [0])


def test_a_slow_claim_leaves_no_time_for_ses_and_is_given_back(school: School) -> None:
    school.student()
    event = enrolled()

    assert school.send_batch([event], milliseconds=lambda: 5_000 if school.ledger() else 30_000) == ["m-0"]

    assert (school.accepted, school.hidden) == ([], [0])
    assert [(row["status"], row["reason"]) for row in school.ledger()] == [("RELEASED", "NO_TIME")]

    assert school.deliver(event) == 0
    assert len(school.accepted) == 1


def test_neither_logs_nor_metrics_hold_an_address_a_name_or_the_text(
    school: School, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The logger was made with the standard output of the first test that logged.
    monkeypatch.setattr(logger().registered_handler, "stream", sys.stdout)
    school.student(email="canary@example.edu", displayName="Hoàng Kim Yến")

    def unforeseen() -> None:
        raise RuntimeError("canary@example.edu: bí mật")

    school.ses = [refusal("MessageRejected", message="canary@example.edu is bad"), lost_answer, unforeseen]

    school.send_batch(
        [to_one(announced(content="bí mật")), enrolled(), submitted(), '{"detail": "canary@example.edu"}']
    )

    said = "".join(capsys.readouterr())
    assert '"MailFailed"' in said
    assert "mail refused for good" in said
    assert "RuntimeError" in said
    assert not [word for word in ("canary", "Hoàng", "Ho\\u00e0ng", "bí mật", "b\\u00ed") if word in said]


def test_a_late_event_of_an_erased_student_sends_nothing_and_leaves_nothing(school: School) -> None:
    school.student()
    tombstones.put("sv-1")
    assert school.deliver(enrolled()) == 0
    tables.students().delete_item(Key={"studentId": "sv-1"})
    assert school.deliver(enrolled()) == 0
    assert (school.accepted, school.ledger()) == ([], [])
