"""Who is not written to any more, and who still is."""

import pytest

from campus import tables
from notifications import address, suppression
from tests.unit.notifications.school import (
    GRACE,
    NOW,
    School,
    announced,
    enrolled,
    lost_answer,
    refusal,
    submitted,
    to_one,
)

RECIPIENT = address.digest("sv-1@example.edu")


def send_everything(school: School) -> dict[str, str]:
    """Status by kind of one mail of each."""
    for event in (enrolled(), submitted(), to_one(announced())):
        assert school.deliver(event) == 0
    return {row["kind"]: row["status"] for row in school.ledger()}


def test_after_a_hard_bounce_nothing_is_sent_there(school: School) -> None:
    school.student()
    suppression.bounced(RECIPIENT)

    assert set(send_everything(school).values()) == {"SKIPPED_SUPPRESSED"}
    assert not school.accepted


def test_after_a_complaint_that_kind_is_never_sent_again_and_the_others_are(school: School) -> None:
    school.student()
    suppression.complained(RECIPIENT, "announcement")

    assert send_everything(school) == {
        "enrollment": "SENT",
        "submission": "SENT",
        "announcement": "SKIPPED_SUPPRESSED",
    }


def test_soft_bounces_are_counted_by_mail_and_suppress_nothing(school: School) -> None:
    school.student()
    for mail in ("one", "two", "one"):
        suppression.soft_bounced(RECIPIENT, mail)

    assert set(send_everything(school).values()) == {"SENT"}
    (row,) = [row for row in tables.operations().scan()["Items"] if row["sk"] == "SOFT"]
    assert row["mails"] == {"one", "two"}
    assert int(str(row["expiresAt"])) > NOW + 30 * 86_400


def test_the_address_counts_however_it_is_written_and_a_new_one_is_free(school: School) -> None:
    suppression.bounced(RECIPIENT)
    school.student(email="SV-1@Example.edu")
    school.deliver(enrolled())
    assert not school.accepted

    school.student(email="sv-1@new.example.edu")
    school.deliver(enrolled())
    assert len(school.accepted) == 1


def test_the_punycode_and_the_written_form_of_a_domain_are_one_address(school: School) -> None:
    suppression.bounced(address.digest("anh@xn--bcher-kva.example"))
    school.student(email="anh@bücher.example")

    school.deliver(enrolled())

    assert [row["status"] for row in school.ledger()] == ["SKIPPED_SUPPRESSED"]


def test_a_suppressed_mail_goes_out_once_a_person_has_lifted_the_suppression(school: School) -> None:
    school.student()
    suppression.bounced(RECIPIENT)
    event = enrolled()
    school.deliver(event)

    tables.operations().delete_item(Key={"pk": f"SUPPRESSION#{RECIPIENT}", "sk": "ALL"})
    school.deliver(event)

    assert [row["status"] for row in school.ledger()] == ["SENT"]


def test_a_mail_that_waited_for_its_turn_is_skipped_and_waits_no_more(school: School) -> None:
    school.student()
    school.ses = [refusal("SendingPausedException")]
    event = enrolled()
    assert school.deliver(event) == 1

    suppression.bounced(RECIPIENT)
    assert school.deliver(event) == 0

    (row,) = school.ledger()
    assert row["status"] == "SKIPPED_SUPPRESSED"
    assert not {"state", "since", "reason"} & set(row)


@pytest.mark.parametrize("settle", [True, False], ids=["ses reports", "ses says nothing"])
def test_a_mail_that_may_be_out_is_not_called_skipped_before_ses_had_its_say(school: School, settle: bool) -> None:
    school.student()
    school.ses = [lost_answer]
    event = enrolled()
    school.deliver(event)
    suppression.bounced(RECIPIENT)

    assert school.deliver(event) == 1
    assert [row["status"] for row in school.ledger()] == ["CLAIMED"]

    if settle:
        school.ses_reports_what_it_sent()
    school.now += GRACE
    assert school.deliver(event) == 0
    (row,) = school.ledger()
    assert row["status"] == ("SENT" if settle else "SKIPPED_SUPPRESSED")
    assert "state" not in row
    assert len(school.accepted) == 1


def test_a_bounce_of_one_student_does_not_touch_another(school: School) -> None:
    school.student("sv-1")
    school.student("sv-2")
    suppression.bounced(RECIPIENT)

    for student in ("sv-1", "sv-2"):
        school.deliver(enrolled(student))

    assert [mail["Destination"]["ToAddresses"] for mail in school.accepted] == [["sv-2@example.edu"]]
