"""One mail a fact, whatever happens to the worker, the queue or SES."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from campus import clock, tables
from notifications import ledger, notice
from tests.unit.notifications.school import (
    DAY_IS_SPENT,
    GRACE,
    NOW,
    UNVERIFIED,
    Killed,
    School,
    announced,
    enrolled,
    lost_answer,
    refusal,
    submitted,
    to_one,
)

BEFORE_SES = ["rows", "suppression", "quota", "slot", "claim"]


def test_a_duplicate_and_a_republished_enrolment_give_one_mail(school: School) -> None:
    school.student()
    first = enrolled()

    assert [school.deliver(event) for event in (first, first, enrolled(), enrolled(eventId="e-1"))] == [0, 0, 0, 0]

    assert len(school.accepted) == 1
    (row,) = school.ledger()
    assert (row["status"], row["messageId"], row["attempts"]) == ("SENT", "message-1", 1)
    assert row["eventId"] == first["id"]
    assert row["expiresAt"] > NOW + 30 * 86_400
    assert "state" not in row


def test_two_classes_and_two_students_are_different_mails(school: School) -> None:
    school.student("sv-1")
    school.student("sv-2")

    for event in (enrolled("sv-1", "a"), enrolled("sv-1", "b"), enrolled("sv-2", "a")):
        school.deliver(event)

    assert len(school.accepted) == 3


def test_a_second_submission_has_a_receipt_of_its_own_but_a_repeated_event_has_not(school: School) -> None:
    school.student()
    first = submitted(eventId="s-1")

    for event in (first, first, submitted(eventId="s-1"), submitted(eventId="s-2")):
        assert school.deliver(event) == 0

    assert len(school.accepted) == 2


def test_a_bare_event_that_its_producer_repeats_gives_one_mail_a_day(school: School) -> None:
    school.student()
    pairs = [(submitted(), submitted()), (to_one(announced()), to_one(announced()))]
    assert all(one["id"] != other["id"] for one, other in pairs)

    for event in itertools.chain(*pairs):
        assert school.deliver(event) == 0
    assert len(school.accepted) == 2

    for event, _ in pairs:
        assert school.deliver(event | {"time": clock.iso(NOW + 86_400)}) == 0
    assert len(school.accepted) == 4
    assert school.deliver(to_one(announced(content="Mai học bù"))) == 0
    assert len(school.accepted) == 5


def test_an_announcement_reaches_a_student_once_whichever_class_brought_it(school: School) -> None:
    school.student()
    event = announced()

    school.deliver(to_one(event, class_id="a"))
    school.deliver(to_one(event, class_id="b"))

    assert len(school.accepted) == 1


def test_an_event_out_of_the_archive_mails_nobody(school: School) -> None:
    school.student()

    assert school.deliver({**enrolled(), "replay-name": "after-the-incident"}) == 0

    assert not school.accepted
    assert not school.ledger()


@pytest.mark.parametrize("misfortune", [lost_answer, refusal("InternalFailure", 500)])
def test_an_answer_that_leaves_it_open_is_not_followed_by_a_second_mail_within_the_grace_period(
    school: School, misfortune: Callable[[], None]
) -> None:
    school.student()
    school.ses = [misfortune]
    event = enrolled()

    assert school.deliver(event) == 1
    for school.now in (NOW + 1, NOW + 60, NOW + 43_000, NOW + GRACE - 1):
        assert school.deliver(event) == 1

    assert school.calls.count("SendEmail") == 1
    assert [row["state"] for row in school.ledger()] == ["MAIL#CLAIMED"]
    # At first the Send event may be minutes away; later each receipt is worth half a day.
    assert school.hidden == [60, 60, 42_900, 42_900, 1]


def test_the_send_event_of_ses_settles_a_lost_answer(school: School) -> None:
    school.student()
    school.ses = [lost_answer]
    event = enrolled()
    school.deliver(event)

    school.ses_reports_what_it_sent()
    school.now += 60

    assert school.deliver(event) == 0
    school.now += GRACE
    assert school.deliver(event) == 0
    assert len(school.accepted) == 1
    assert [row["status"] for row in school.ledger()] == ["SENT"]


def test_a_receipt_nobody_ever_heard_of_is_sent_again_after_the_grace_period(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    school.student()
    school.ses = [refusal("InternalFailure", 500)]
    event = enrolled()
    school.deliver(event)

    school.now += GRACE
    assert school.deliver(event) == 0

    assert len(school.accepted) == 1
    assert [(row["status"], row["attempts"]) for row in school.ledger()] == [("SENT", 2)]
    assert '"MailUnknown":[1' in capsys.readouterr().out


def test_an_announcement_nobody_ever_heard_of_waits_for_an_operator(school: School) -> None:
    school.student()
    school.ses = [lost_answer]
    message = to_one(announced())
    school.deliver(message)

    school.now += GRACE
    assert school.deliver(message) == 0
    assert school.deliver(message) == 0

    assert len(school.accepted) == 1
    assert [(row["status"], row["state"]) for row in school.ledger()] == [("UNKNOWN", "MAIL#UNKNOWN")]


@pytest.mark.parametrize("kill_after_acting", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize(
    ("misfortune", "calls"),
    [
        (None, [*BEFORE_SES, "SES", "sent"]),
        (refusal("SendingPausedException"), [*BEFORE_SES, "SES", "release", "hide"]),
        (refusal("LimitExceededException", message=DAY_IS_SPENT), [*BEFORE_SES, "SES", "release", "hide"]),
        (refusal("MessageRejected", message=f"{UNVERIFIED}sv-1@example.edu"), [*BEFORE_SES, "SES", "release", "skip"]),
    ],
    ids=["sent", "paused", "day spent", "sandbox"],
)
def test_a_worker_killed_at_any_call_leaves_exactly_one_mail(
    open_school: Callable[[], School], kill_after_acting: bool, misfortune: Callable[[], None] | None, calls: list[str]
) -> None:
    deaths = 0
    while True:
        school = open_school()
        school.student()
        school.ses = [misfortune] if misfortune else []
        school.kill_at = len(school.calls) + deaths
        school.kill_after_acting = kill_after_acting
        event = enrolled()
        try:
            school.deliver(event)
        except Killed:
            deaths += 1
        else:
            break
        school.kill_at = None
        for school.now in (NOW + 180, NOW + 360):
            school.deliver(event)
            assert len(school.accepted) <= 1
        school.ses_reports_what_it_sent()
        for school.now in (NOW + 540, NOW + 540 + GRACE, NOW + 540 + 2 * GRACE):
            left = school.deliver(event)
        assert left == 0
        assert len(school.accepted) == 1, f"killed at call {deaths}: {school.calls}"
        assert [row["status"] for row in school.ledger()] == ["SENT"]
    assert deaths == len(calls)


@pytest.mark.parametrize("event", [enrolled(), to_one(announced())], ids=["receipt", "announcement"])
def test_of_two_workers_that_are_late_at_once_only_one_ends_the_claim(
    school: School, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], event: dict[str, Any]
) -> None:
    school.student()
    school.ses = [refusal("InternalFailure", 500)]
    school.deliver(event)
    school.now += GRACE
    told = notice.of(event)
    act, others = School._act, list[str | None]()

    def after_another(self: School, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        """The other worker has seen the same claim, and ends it just before this one does; it has not sent yet."""
        if ":held" in arguments.get("ExpressionAttributeValues", {}) and not others:
            others.append("about to")
            others.append(ledger.claim(told, "recipient"))
        return act(self, client, operation, arguments)

    monkeypatch.setattr(School, "_act", after_another)
    capsys.readouterr()

    assert school.deliver(event) == 1

    assert not school.accepted
    (row,) = school.ledger()
    assert (row["status"], row["claimToken"] == others[1]) == (("CLAIMED", True) if others[1] else ("UNKNOWN", False))
    assert told.is_receipt == bool(others[1])
    assert capsys.readouterr().out.count('"MailUnknown":[1.0]') == 1


@pytest.mark.parametrize("end", [ledger.release, ledger.fail])
def test_a_worker_whose_claim_was_taken_over_ends_nothing(school: School, end: Callable[[str, str, str], None]) -> None:
    told = notice.of(enrolled())
    stale = ledger.claim(told, "recipient")
    school.now += GRACE
    held = ledger.claim(told, "recipient")
    assert stale
    assert held
    assert stale != held

    end(told.ledger_id, stale, "LATE")

    assert [(row["status"], row["claimToken"]) for row in school.ledger()] == [("CLAIMED", held)]
    end(told.ledger_id, held, "IN_TIME")
    assert [row["reason"] for row in school.ledger()] == ["IN_TIME"]


@pytest.mark.parametrize("status", ["RELEASED", "SKIPPED_SANDBOX"])
def test_who_loses_the_claim_to_a_worker_that_then_sends_nothing_tries_again(
    school: School, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    school.student()
    event = enrolled()
    mail = ledger.key(notice.of(event).ledger_id)
    act = School._act

    def other_worker(self: School, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        """Claims just before our claim, and gives it back before we look why ours failed."""
        if operation == "UpdateItem" and arguments["Key"] == mail:
            tables.operations().put_item(Item={**mail, "status": "CLAIMED", "claimToken": "other", "claimedAt": NOW})
        if operation == "GetItem" and arguments["Key"] == mail:
            tables.operations().put_item(Item={**mail, "status": status})
        return act(self, client, operation, arguments)

    with monkeypatch.context() as race:
        race.setattr(School, "_act", other_worker)
        assert school.deliver(event) == 1
    assert (school.accepted, school.hidden) == ([], [1])

    assert school.deliver(event) == 0
    assert len(school.accepted) == 1


@pytest.mark.parametrize("row", ["SES", "MAIL"], ids=["slot", "claim"])
def test_a_write_whose_answer_was_lost_and_repeated_by_the_sdk_is_still_ours(
    school: School, monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    school.student()
    act, writes = School._act, list[Any]()

    def twice(self: School, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "UpdateItem" and arguments["Key"]["sk"] == row and not writes:
            writes.append(act(self, client, operation, arguments))
        return act(self, client, operation, arguments)

    monkeypatch.setattr(School, "_act", twice)

    assert school.deliver(enrolled()) == 0
    assert len(school.accepted) == 1
