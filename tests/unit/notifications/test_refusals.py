"""Mail that SES took and did not send, whatever else it says before or after."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from campus import tables
from notifications import ledger
from tests.unit.notifications.hearing import REJECTED, SENT, UNRENDERED, hear, one_mail, said
from tests.unit.notifications.school import NOW, School, enrolled


@pytest.mark.parametrize(("kind", "reason"), [(REJECTED, "REJECTED"), (UNRENDERED, "RENDERING_FAILURE")])
def test_a_mail_that_ses_took_and_did_not_send_has_failed_whatever_comes_before_or_after(
    open_school: Callable[[], School], capsys: pytest.CaptureFixture[str], kind: str, reason: str
) -> None:
    for order in itertools.permutations([kind, SENT, kind]):
        school = one_mail(open_school)
        capsys.readouterr()
        for each in order:
            assert hear(said(school, each)) == 0

        (row,) = school.ledger()
        assert (row["status"], row["reason"], row["state"]) == ("FAILED", reason, "MAIL#FAILED")
        assert int(row["since"]) == NOW
        assert capsys.readouterr().out.count('"MailFailed":[1') == 1


def test_a_refusal_that_is_heard_before_the_worker_writes_sent_stays(
    open_school: Callable[[], School], monkeypatch: pytest.MonkeyPatch
) -> None:
    school = open_school()
    school.student()
    act = School._act

    def overtaken(self: School, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        answer = act(self, client, operation, arguments)
        if operation == "SendEmail":
            hear(said(school, REJECTED))
        return answer

    monkeypatch.setattr(School, "_act", overtaken)
    event = enrolled()

    assert [school.deliver(event), school.deliver(event)] == [0, 0]

    assert [(row["status"], row["reason"]) for row in school.ledger()] == [("FAILED", "REJECTED")]
    assert len(school.accepted) == 1


@pytest.mark.parametrize("again", range(3), ids=["before the delivery", "while it is claimed", "after it was sent"])
def test_a_refusal_that_comes_again_says_nothing_of_the_mail_an_operator_has_sent_anew(
    open_school: Callable[[], School], monkeypatch: pytest.MonkeyPatch, again: int
) -> None:
    school = one_mail(open_school)
    refusal = said(school, REJECTED)
    (ledger_id,) = refusal["ledgerId"]
    assert hear(refusal) == 0
    assert school.ledger()[0]["status"] == "FAILED"
    tables.operations().update_item(
        Key=ledger.key(ledger_id),
        UpdateExpression="SET #status = :released",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":released": "RELEASED"},
    )
    act = School._act

    def overtaken(self: School, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "SendEmail" and again == 1:
            hear(refusal)
        return act(self, client, operation, arguments)

    monkeypatch.setattr(School, "_act", overtaken)

    if again == 0:
        hear(refusal)
    assert school.deliver(enrolled()) == 0
    if again == 2:
        hear(refusal)

    assert [(row["status"], row["messageId"]) for row in school.ledger()] == [("SENT", "message-2")]
    hear(said(school, REJECTED, messageId="message-2"))
    assert [row["status"] for row in school.ledger()] == ["FAILED"]
