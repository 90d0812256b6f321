"""What SES says afterwards, in whatever order and however often: ledger and suppression come to the same end."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campus import tables
from notifications import address
from tests.unit.notifications.hearing import (
    BOUNCE,
    COMPLAINT,
    DELAYED,
    DELIVERED,
    REJECTED,
    SENT,
    hear,
    one_mail,
    said,
)
from tests.unit.notifications.school import GRACE, Killed, School, enrolled, lost_answer

HARD = {"bounceType": "Permanent", "bounceSubType": "NoEmail"}
SOFT = {"bounceType": "Transient", "bounceSubType": "MailboxFull"}


def suppressed() -> list[tuple[str, Any]]:
    """(what, whose) of every suppression row, with the mails of soft ones."""
    rows: list[dict[str, Any]] = [
        row for row in tables.operations().scan()["Items"] if str(row["pk"]).startswith("SUPPRESSION#")
    ]
    return sorted((str(row["sk"]), row.get("mails", "suppressedAt" in row)) for row in rows)


def settled(school: School) -> Any:
    """All that feedback decides, without what depends on when it was heard."""
    row = next(iter(school.ledger()))
    return {
        name: row.get(name) for name in ("status", "state", "reason", "messageId", "delivery", "deliveryReason")
    }, suppressed()


@pytest.fixture
def school(open_school: Callable[[], School]) -> School:
    return one_mail(open_school)


@pytest.mark.parametrize("kind", [SENT, DELAYED, DELIVERED, BOUNCE, COMPLAINT])
def test_any_word_of_ses_settles_a_claim_whose_answer_was_lost(open_school: Callable[[], School], kind: str) -> None:
    school = one_mail(open_school, lost_answer)
    assert [row["status"] for row in school.ledger()] == ["CLAIMED"]

    assert hear(said(school, kind, **(SOFT if kind == BOUNCE else {}))) == 0

    assert [(row["status"], row["messageId"], "state" in row) for row in school.ledger()] == [
        ("SENT", "message-1", False)
    ]
    school.now += GRACE
    assert school.deliver(enrolled()) == 0
    assert len(school.accepted) == 1


@pytest.mark.parametrize(
    ("event", "delivery", "metric", "suppression"),
    [
        ((DELAYED, {}), ("DELAYED", ""), None, []),
        ((DELIVERED, {}), ("DELIVERED", ""), "MailDelivered", []),
        ((BOUNCE, SOFT), ("BOUNCED_SOFT", "Transient/MailboxFull"), None, ["SOFT"]),
        ((BOUNCE, {"bounceType": "Undetermined", "bounceSubType": "Undetermined"}), None, None, ["SOFT"]),
        ((BOUNCE, HARD), ("BOUNCED", "Permanent/NoEmail"), "MailBounced", ["ALL"]),
        ((COMPLAINT, {"complaintType": "abuse"}), ("COMPLAINED", "abuse"), "MailComplained", ["enrollment"]),
        ((COMPLAINT, {}), ("COMPLAINED", ""), "MailComplained", ["enrollment"]),
        (
            (BOUNCE, {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"}),
            ("BOUNCED", "Permanent/OnAccountSuppressionList"),
            None,
            ["ALL"],
        ),
        (
            (COMPLAINT, {"complaintType": "null", "complaintSubType": "OnAccountSuppressionList"}),
            ("BOUNCED", "OnAccountSuppressionList"),
            None,
            ["ALL"],
        ),
        ((COMPLAINT, {"complaintType": "not-spam"}), ("DELIVERED", "not-spam"), "MailDelivered", []),
    ],
)
def test_each_word_is_noted_counted_once_and_suppresses_what_it_should(
    school: School,
    capsys: pytest.CaptureFixture[str],
    event: tuple[str, dict[str, str]],
    delivery: tuple[str, str] | None,
    metric: str | None,
    suppression: list[str],
) -> None:
    kind, fields = event
    capsys.readouterr()

    assert hear(said(school, kind, **fields)) == 0
    assert hear(said(school, kind, **fields), said(school, kind, time="2026-11-20T08:00:09Z", **fields)) == 0

    (row,) = school.ledger()
    assert row["status"] == "SENT"
    assert row["deliveryAt"] == 1_795_161_601
    if delivery:
        assert (row["delivery"], row["deliveryReason"]) == delivery
    assert [what for what, _ in suppressed()] == suppression
    counted = [
        (name, value)
        for line in capsys.readouterr().out.splitlines()
        for name, value in json.loads(line).items()
        if name.startswith("Mail")
    ]
    assert counted == ([(metric, [1.0])] if metric else [])


EVERYTHING: tuple[tuple[str, dict[str, str]], ...] = (
    (SENT, {}),
    (DELAYED, {}),
    (DELIVERED, {}),
    (BOUNCE, SOFT),
    (BOUNCE, HARD),
    (COMPLAINT, {"complaintType": "abuse"}),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shuffled=st.permutations([*EVERYTHING, EVERYTHING[3], EVERYTHING[5]]),
    batches=st.integers(1, 8),
    refused=st.booleans(),
)
def test_order_and_repetition_change_nothing(
    open_school: Callable[[], School], shuffled: list[tuple[str, dict[str, str]]], batches: int, refused: bool
) -> None:
    school = one_mail(open_school, lost_answer)
    (ledger_id,) = said(school, SENT)["ledgerId"]
    events = [said(school, kind, **fields) for kind, fields in shuffled]
    if refused:
        events.insert(batches, said(school, REJECTED))

    for start in range(0, len(events), batches):
        assert hear(*events[start : start + batches]) == 0

    row, suppression = settled(school)
    assert row == {
        "status": "FAILED" if refused else "SENT",
        "state": "MAIL#FAILED" if refused else None,
        "reason": "REJECTED" if refused else None,
        "messageId": row["messageId"] if refused else "message-1",
        "delivery": "COMPLAINED",
        "deliveryReason": "abuse",
    }
    assert suppression == [("ALL", True), ("SOFT", {ledger_id}), ("enrollment", True)]


@pytest.mark.parametrize("kill_after_acting", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize(
    ("kind", "fields", "calls"),
    [
        (SENT, {}, ["row", "sent"]),
        (DELIVERED, {}, ["row", "sent", "delivery"]),
        (BOUNCE, SOFT, ["row", "sent", "suppression", "delivery"]),
        (BOUNCE, HARD, ["row", "sent", "suppression", "delivery"]),
        (COMPLAINT, {}, ["row", "sent", "suppression", "delivery"]),
        (REJECTED, {}, ["row", "refused"]),
    ],
)
def test_a_function_killed_at_any_call_leaves_what_an_undisturbed_one_does(
    open_school: Callable[[], School],
    kill_after_acting: bool,
    kind: str,
    fields: dict[str, str],
    calls: list[str],
) -> None:
    undisturbed = one_mail(open_school, lost_answer)
    hear(said(undisturbed, kind, **fields))
    expected = settled(undisturbed)
    for death in range(len(calls)):
        school = one_mail(open_school, lost_answer)
        event = said(school, kind, **fields)
        school.kill_at, school.kill_after_acting = len(school.calls) + death, kill_after_acting
        with pytest.raises(Killed):
            hear(event)
        school.kill_at = None
        before = len(school.calls)

        assert hear(event) == 0

        assert len(school.calls) - before == len(calls)
        assert settled(school) == expected, f"killed at {calls[death]}"


@pytest.mark.parametrize(
    "change",
    [
        {"ledgerId": ""},
        {"ledgerId": []},
        {"ledgerId": ["a", "b"]},
        {"ledgerId": [7]},
        {"ledgerId": ["0" * 32]},
        {"type": "Email Opened"},
    ],
)
def test_what_is_not_ours_is_counted_and_nothing_else(
    school: School, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    before = settled(school)

    assert hear({**said(school, BOUNCE, **HARD), **change}) == 0

    assert settled(school) == before
    assert len(school.ledger()) == 1
    assert '"MailFeedbackIgnored":[1' in capsys.readouterr().out


@pytest.mark.parametrize(
    "poison", ["[]", "{", {"type": BOUNCE}, {"type": BOUNCE, "messageId": "m", "time": "yesterday"}, {"type": 1}]
)
def test_poison_fails_alone(school: School, poison: Any) -> None:
    assert hear(poison, said(school, DELIVERED)) == 1

    assert [row["delivery"] for row in school.ledger()] == ["DELIVERED"]


def test_the_ledger_knows_an_address_only_by_its_hash(school: School) -> None:
    hear(said(school, BOUNCE, **HARD))

    (row,) = school.ledger()
    assert row["recipient"] == address.digest("SV-1@example.edu")
    everything = json.dumps(tables.operations().scan()["Items"], default=str)
    assert "example.edu" not in everything
