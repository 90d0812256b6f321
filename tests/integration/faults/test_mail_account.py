"""Mail against the account's limits and SES's silence: its rate, its day, its sandbox, its events."""

import sys
import time
from collections.abc import Callable

import pytest

from tests.integration.faults.faults import KillAfter, LoseAnswer, Refuse, every, notes_delivery, sends
from tests.integration.faults.proxy import Answer, Call
from tests.integration.faults.rig import Rig
from tests.integration.faults.scenario import address
from tests.stack import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the process to kill in /proc")
RATE = 14
FAILED = (500, "InternalServiceErrorException", "Internal failure.")


def test_a_burst_overdraws_no_rate_and_loses_nothing(rig: Rig, record_property: Callable[[str, object], None]) -> None:
    with rig.scenario("burst at 14/s", 60) as scenario, rig.account(MaxSendRate=RATE):
        with rig.mailer_away():
            rig.publish(scenario.enrolments())
            eventually(lambda: rig.messages("MailQueue"), lambda count: count == 60)
        first = eventually(lambda: len(scenario.mails()), pause=0.02)
        begin = time.monotonic()
        eventually(lambda: len(scenario.mails()), lambda count: count == 60, pause=0.05)
        rate = (60 - first) / (time.monotonic() - begin)
        rig.wait_until_calm()
    # How much of it is used depends on what else the machine does: `nightclass bench mail` measures it.
    assert rate <= 1.02 * RATE
    record_property("outages", f"burst at {RATE} mails/s: {rate:.1f}/s accepted, {rate / RATE:.0%} of the rate")


def test_a_day_that_is_spent_and_a_quota_that_is_raised(rig: Rig) -> None:
    with rig.scenario("daily quota spent", 20) as scenario:
        with rig.account(Max24HourSend=rig.quota()["SentLast24Hours"] + 8):
            rig.publish(scenario.enrolments())
            eventually(lambda: len(scenario.mails()), lambda count: count == 8)
            eventually(lambda: rig.messages("MailQueue"), lambda count: count == 12)
            eventually(scenario.ledger, lambda statuses: statuses["RELEASED"])
            scenario.faults = 12
        rig.wait_until_calm()


def test_neither_an_answer_nor_an_event(rig: Rig) -> None:
    """A receipt that SES did not take is sent once more after the grace period; an announcement is left to a person."""
    with rig.scenario("no answer and no event", 10) as scenario:
        scenario.enter_members()
        asked, told = scenario.students[:2]
        refuse = Refuse(lambda call: sends(call) and address(asked) in call.text, every(1, at_most=1), *FAILED)
        lose = LoseAnswer(lambda call: sends(call) and address(told) in call.text, every(1, at_most=1))

        def either(call: Call) -> Answer:
            return (refuse if address(asked) in call.text else lose)(call)

        rig.ses("POST", "faults", {"effect": "drop", "event": "*"})
        with rig.proxies["SESV2"].faulty(either):
            rig.publish([scenario.submission(asked)])
            rig.wait_until_calm()
            rig.publish([scenario.announcement(to=scenario.students)])
            rig.wait_until_calm()
        rig.ses("DELETE", "faults")
        scenario.faults = refuse.done + lose.done
        scenario.statuses = {"SENT", "UNKNOWN"}
        assert scenario.faults == 2
        assert scenario.ledger() == {"SENT": 10, "UNKNOWN": 1}


def test_a_feedback_consumer_that_is_away_and_dies_and_events_in_any_order(rig: Rig) -> None:
    with rig.scenario("feedback away, killed", 12) as scenario:
        with rig.proxies["DYNAMODB"].faulty(fault := KillAfter(notes_delivery, every(5, at_most=2))):
            with rig.nobody_reads("FeedbackQueue"):
                rig.publish(scenario.enrolments())
                eventually(scenario.ledger, lambda statuses: statuses["SENT"] == 12)
                for row in scenario.rows():
                    for event in ("DELIVERY", "DELIVERY_DELAY", "SEND"):
                        rig.ses("POST", "events", {"type": event, "tags": {"ledger-id": row["pk"][5:]}})
            rig.wait_until_calm()
        scenario.faults = fault.done
        assert fault.done == 2
        assert [row["delivery"] for row in scenario.rows()] == ["DELIVERED"] * 12


def test_in_the_sandbox_whoever_is_not_verified_is_skipped(rig: Rig) -> None:
    with rig.scenario("sandbox", 10) as scenario:
        entries = scenario.enrolments()
        for student in scenario.students[:4]:
            rig.stack.client("sesv2").create_email_identity(EmailIdentity=address(student))
        for student in scenario.students[4:]:
            scenario.expect_no_mail(student)
        with rig.account(ProductionAccessEnabled=False, Max24HourSend=50_000):
            rig.publish(entries)
            rig.wait_until_calm()
        scenario.faults = 6
        scenario.statuses = {"SENT", "SKIPPED_SANDBOX"}
        assert scenario.ledger() == {"SENT": 4, "SKIPPED_SANDBOX": 6}
