"""Mail under faults: every fact is told once, whatever is repeated, shuffled, killed, lost or refused on the way."""

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.faults.faults import (
    Delay,
    Harm,
    KillAfter,
    KillBefore,
    LoseAnswer,
    Refuse,
    anything,
    claims,
    every,
    notes_sent,
    queues_messages,
    records,
    sends,
    share,
)
from tests.integration.faults.rig import Rig
from tests.stack import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the process to kill in /proc")
# Of the functions' SES client, in seconds.
READ_TIMEOUT = 10
THROTTLED = (429, "TooManyRequestsException", "Maximum sending rate exceeded.")
FAILED = (500, "InternalServiceErrorException", "Internal failure.")
THROUGHPUT = (400, "ProvisionedThroughputExceededException", "Throughput exceeds the current capacity.")


def test_duplicates_of_an_event(rig: Rig) -> None:
    with rig.scenario("same event again", 20) as scenario:
        entries = scenario.enrolments() + scenario.submissions()
        rig.publish(entries * 3)
        scenario.faults = len(entries) * 2


def test_duplicates_in_two_workers_at_once(rig: Rig) -> None:
    slow = Delay(sends, share(1), 0.3)
    with rig.scenario("same event, two workers", 20) as scenario, rig.proxies["SESV2"].faulty(slow):
        entries = scenario.enrolments()
        with rig.mailer_away():
            # A worker takes ten messages: of each pair of batches both are at work at the same time.
            rig.publish([*entries[:10], *entries[:10], *entries[10:], *entries[10:]])
        rig.wait_until_calm()
        scenario.faults = len(entries)


def test_duplicates_of_a_fact(rig: Rig) -> None:
    with rig.scenario("same fact, other ids", 30) as scenario:
        rig.publish(scenario.enrolments())
        rig.publish(again := scenario.enrolments() + scenario.enrolments())
        scenario.faults = len(again)


def test_shuffled_events(rig: Rig) -> None:
    with rig.scenario("shuffled", 30) as scenario:
        early, late = scenario.students[:15], scenario.students[15:]
        rig.publish([scenario.enrolment(student) for student in early])
        rig.wait_until_calm()
        rest = [scenario.enrolment(student) for student in late] + scenario.submissions()
        random.Random(7).shuffle(rest)
        rig.publish([scenario.announcement(to=early, perhaps_to=late), *rest, *reversed(rest)])
        scenario.faults = 2 * len(rest)


@pytest.mark.parametrize(
    ("name", "students", "service", "harm"),
    [
        ("killed before the claim", 30, "DYNAMODB", lambda: KillBefore(claims, every(8, at_most=4))),
        ("killed after the claim", 30, "SESV2", lambda: KillBefore(sends, every(8, at_most=4))),
        ("killed after acceptance", 30, "SESV2", lambda: KillAfter(sends, every(8, at_most=4))),
        ("killed after SENT", 30, "DYNAMODB", lambda: KillAfter(notes_sent, every(8, at_most=4))),
        ("killed after recording", 30, "DYNAMODB", lambda: KillAfter(records, every(8, at_most=4))),
        ("SES's answers lost", 30, "SESV2", lambda: LoseAnswer(sends, share(0.2))),
        ("SES's answers late", 30, "SESV2", lambda: Delay(sends, every(15, at_most=2), READ_TIMEOUT + 1)),
        ("SES fails inside", 30, "SESV2", lambda: Refuse(sends, share(0.2), *FAILED)),
        ("SES throttles", 30, "SESV2", lambda: Refuse(sends, share(0.3), *THROTTLED)),
        ("DynamoDB throttles", 15, "DYNAMODB", lambda: Refuse(anything, share(0.3), *THROUGHPUT)),
        ("ledger's answers lost", 30, "DYNAMODB", lambda: LoseAnswer(anything, share(0.1))),
    ],
)
def test_a_fault_on_the_way(rig: Rig, name: str, students: int, service: str, harm: Callable[[], Harm]) -> None:
    with rig.scenario(name, students) as scenario, rig.proxies[service].faulty(fault := harm()):
        rig.publish(scenario.enrolments())
        rig.wait_until_calm()
        scenario.faults = fault.done
        assert fault.done >= 2


def test_a_fan_out_killed_between_its_pages(rig: Rig) -> None:
    with rig.scenario("fan-out killed", 30) as scenario:
        rig.publish(scenario.enrolments())
        rig.wait_until_calm()
        with rig.proxies["SQS"].faulty(fault := KillAfter(queues_messages, every(2, at_most=2))):
            rig.publish([scenario.announcement(to=scenario.students)])
            rig.wait_until_calm()
        scenario.faults = fault.done
        assert fault.done == 2


@pytest.mark.parametrize(
    ("name", "service", "harm"),
    [
        ("announcing, killed before claim", "DYNAMODB", lambda: KillBefore(claims, every(6, at_most=2))),
        ("announcing, killed after acceptance", "SESV2", lambda: KillAfter(sends, every(6, at_most=2))),
    ],
)
def test_an_announcements_mailer_that_is_killed(rig: Rig, name: str, service: str, harm: Callable[[], Harm]) -> None:
    with rig.scenario(name, 20) as scenario, rig.proxies[service].faulty(fault := harm()):
        scenario.enter_members()
        rig.publish([scenario.announcement(to=scenario.students)])
        rig.wait_until_calm()
        scenario.faults = fault.done
        assert fault.done == 2


def test_an_announcement_to_five_hundred(rig: Rig) -> None:
    with rig.scenario("five hundred told", 500) as scenario:
        scenario.enter_members()
        rig.publish([scenario.announcement(to=scenario.students)])
        scenario.faults = 0


def test_poison_in_a_batch(rig: Rig) -> None:
    with rig.scenario("poison in a batch", 30) as scenario:
        entries = scenario.enrolments()
        nobody = {**entries[0], "Detail": '{"studentId": ["no", "id"], "classId": "x"}'}
        rig.publish([*entries[:5], nobody, *entries[5:20], nobody, *entries[20:]])
        rig.sqs.send_message(QueueUrl=rig.queues["MailQueue"], MessageBody="no JSON")
        scenario.dead_letters.update(MailDeadLetters=3, InteractionDeadLetters=2)
        scenario.faults = 5


def test_a_consumer_that_is_away(rig: Rig) -> None:
    with rig.scenario("consumer away", 30) as scenario:
        with rig.mailer_away():
            rig.publish(scenario.enrolments())
            eventually(lambda: rig.messages("InteractionQueue"), lambda count: count == 0, pause=0.3)
            assert rig.messages("MailQueue") == 30
            assert not scenario.ledger()
        scenario.faults = 1


def test_a_replay_of_the_archive(rig: Rig) -> None:
    with rig.scenario("archive replayed", 30) as scenario:
        begin = datetime.now(UTC) - timedelta(seconds=1)
        rig.publish(scenario.enrolments() + scenario.submissions())
        rig.wait_until_calm()
        (archive,) = rig.events.list_archives()["Archives"]
        bus = archive["EventSourceArn"]
        rig.events.start_replay(
            ReplayName=scenario.prefix,
            EventSourceArn=rig.events.describe_archive(ArchiveName=archive["ArchiveName"])["ArchiveArn"],
            EventStartTime=begin,
            EventEndTime=datetime.now(UTC),
            Destination={"Arn": bus},
        )
        eventually(
            lambda: rig.events.describe_replay(ReplayName=scenario.prefix)["State"], lambda state: state == "COMPLETED"
        )
        scenario.faults = 60
