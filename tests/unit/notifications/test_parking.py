"""Mail beyond the day's quota waits, for as long as it takes, and never ends in the dead-letter queue."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

from notifications import inbox
from tests.unit.notifications.school import (
    DAY_IS_SPENT,
    GRACE,
    NOW,
    School,
    announced,
    enrolled,
    lost_answer,
    refusal,
    to_one,
)

MAX_RECEIVES = 10  # template.yaml, MailQueue


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("TooManyRequestsException", DAY_IS_SPENT),
        ("LimitExceededException", DAY_IS_SPENT),
        ("LimitExceededException", "There are too many instances of the specified resource type."),
        ("Throttling", DAY_IS_SPENT),
    ],
)
def test_when_ses_says_that_the_day_is_spent_the_mail_is_parked_and_ses_left_alone(
    school: School, code: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    school.student()
    school.ses = [refusal(code, 429 if code.startswith("Too") else 400, words)]
    events = [enrolled(class_id=f"class-{number}") for number in range(3)]

    assert school.send_batch(events) == ["m-0", "m-1", "m-2"]

    assert school.hidden == [3600] * 3
    assert [row["status"] for row in school.ledger()] == ["RELEASED"]
    assert school.calls.count("SendEmail") == 1
    assert '"MailParked":[1.0,1.0,1.0]' in capsys.readouterr().out

    school.now += 3600
    assert school.send_batch(events) == []
    assert len(school.accepted) == 3


def test_a_quota_that_is_known_to_be_spent_costs_neither_claim_nor_slot(school: School) -> None:
    school.student()
    school.quota |= {"Max24HourSend": 200.0, "SentLast24Hours": 200.0}

    assert school.deliver(enrolled()) == 1

    assert not school.ledger()
    assert not school.slot()
    assert school.hidden == [3600]


def test_an_account_without_quota_is_never_spent(school: School) -> None:
    school.student()
    school.quota |= {"Max24HourSend": -1.0, "SentLast24Hours": 1e6}

    assert school.deliver(enrolled()) == 0


def test_a_throttled_mail_comes_back_soon(school: School) -> None:
    school.student()
    school.ses = [refusal("TooManyRequestsException", 429, "Maximum sending rate exceeded.")]

    assert school.deliver(enrolled(), receipts=3) == 1

    assert 1 <= school.hidden[0] <= 5
    assert [row["status"] for row in school.ledger()] == ["RELEASED"]


class Queue:
    """The MailQueue with one message: what is on it, how often it was received, and what it gave up."""

    def __init__(self, school: School, event: dict[str, Any], receives: int = 0) -> None:
        self.school = school
        self.messages: list[tuple[Any, int]] = [(event, receives)]
        self.dead: list[Any] = []

    def turn(self) -> None:
        """Every message is received once more; the redrive policy is SQS's."""
        waiting, self.messages = self.messages, []
        for event, receives in waiting:
            if receives == MAX_RECEIVES:
                self.dead.append(event)
                continue
            if self.school.deliver(event, receipts=receives + 1):
                self.messages.append((event, receives + 1))
            self.messages += [(json.loads(body), 0) for body in self.school.queued_anew]
            self.school.queued_anew.clear()


def test_parked_for_a_week_a_mail_goes_out_once_and_is_never_a_dead_letter(school: School) -> None:
    school.student()
    school.quota |= {"Max24HourSend": 200.0, "SentLast24Hours": 200.0}
    queue = Queue(school, to_one(announced()))

    for _ in range(7 * 24):
        school.now += 3600
        queue.turn()
        assert len(queue.messages) == 1
    school.quota["SentLast24Hours"] = 100.0
    school.now += 3600
    queue.turn()

    assert not queue.dead
    assert not queue.messages
    assert len(school.accepted) == 1


@pytest.mark.parametrize("parked_before", [0, 4, 6, 7, 8, 9])
@pytest.mark.parametrize(
    ("event", "misfortune", "status"),
    [
        (enrolled(), refusal("InternalFailure", 500), "SENT"),
        (enrolled(), lost_answer, "SENT"),
        (to_one(announced()), lost_answer, "UNKNOWN"),
    ],
    ids=["receipt not taken", "receipt taken", "announcement taken"],
)
def test_an_unknown_outcome_is_waited_for_however_often_the_message_was_received_before(
    school: School, event: dict[str, Any], misfortune: Callable[[], None], status: str, parked_before: int
) -> None:
    school.student()
    school.ses = [misfortune]
    queue = Queue(school, event, receives=parked_before)

    queue.turn()
    while queue.messages and school.now < NOW + 3 * GRACE:
        # A message that was put on the queue anew is seen at once.
        (_, receives) = queue.messages[0]
        school.now += school.hidden[-1] if receives else 0
        assert [row["status"] for row in school.ledger()] == ["CLAIMED"]
        queue.turn()

    assert (queue.dead, queue.messages) == ([], [])
    assert NOW + GRACE <= school.now < NOW + GRACE + 120
    assert [row["status"] for row in school.ledger()] == [status]
    assert school.calls.count("SendEmail") == (2 if status == "SENT" else 1)


def test_what_an_operator_must_mend_still_ends_as_a_dead_letter(school: School) -> None:
    school.student()
    school.ses = [refusal("SendingPausedException")] * 20
    queue = Queue(school, enrolled())

    for _ in range(MAX_RECEIVES + 1):
        school.now += 3600
        queue.turn()

    assert len(queue.dead) == 1


def test_a_worker_that_dies_after_queueing_anew_leaves_two_messages_and_one_mail(school: School) -> None:
    school.student()
    school.quota |= {"Max24HourSend": 200.0, "SentLast24Hours": 200.0}
    event = enrolled()
    assert school.deliver(event, receipts=inbox.LAST_RECEIPT) == 0
    copies = [event, *map(json.loads, school.queued_anew)]
    assert copies == [event, event]

    school.quota["SentLast24Hours"] = 0.0
    school.now = NOW + 3600
    assert [school.deliver(copy) for copy in copies] == [0, 0]

    assert len(school.accepted) == 1


def test_a_queue_that_does_not_take_the_fresh_message_keeps_the_old_one(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.student()
    school.quota |= {"Max24HourSend": 200.0, "SentLast24Hours": 200.0}
    act = School._act

    def refuse(self: School, made: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "SendMessage":
            refusal("RequestThrottled", 403)()
        return act(self, made, operation, arguments)

    monkeypatch.setattr(School, "_act", refuse)

    assert school.deliver(enrolled(), receipts=inbox.LAST_RECEIPT) == 1


def test_an_unknown_announcement_whose_last_write_lost_its_answer_still_alarms(
    school: School, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    school.student()
    school.ses = [lost_answer]
    message = to_one(announced())
    school.deliver(message)
    school.now += GRACE
    real = School._act
    lost: list[object] = []

    def act(self: School, made: BaseClient, operation: str, said: dict[str, Any]) -> Any:
        if said.get("ExpressionAttributeValues", {}).get(":status") == "UNKNOWN" and not lost:
            lost.append(real(self, made, operation, said))  # done; the SDK asks again
        return real(self, made, operation, said)

    monkeypatch.setattr(School, "_act", act)
    school.deliver(message)
    assert lost
    assert [row["status"] for row in school.ledger()] == ["UNKNOWN"]
    assert '"MailUnknown"' in capsys.readouterr().out
