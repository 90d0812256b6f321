"""The erasure's state machine on the real handlers: nothing is left of the student."""

import json
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from ministack.services import stepfunctions

from campus import clock, tables, tombstones
from campus.clients import client
from campus.pseudonyms import pseudonym
from campus.settings import settings
from retraining import erasure, lease, runs, tickets
from tests.unit.campus import school
from tests.unit.retraining import students
from tests.unit.retraining.account import PREFIX, RefusedError
from tests.unit.retraining.erasure import world
from tests.unit.retraining.erasure.world import (
    TICKET,
    WHO,
    Personalize,
    ask,
    found,
    lease_row,
    live_everywhere,
    run,
)
from tests.unit.retraining.machine import Machine, handler

AUDIT = {"ticket", "status", "student", "requestedAt", "begunAt", "finishedAt", "erased", "remains", "executionArn"}


def test_nothing_is_left_of_the_student_and_everything_of_the_others(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    before = found(account)
    assert all(before.values()), f"the search would find nothing in {before}"
    others = found(account, "s1")

    ended = run(machine)

    assert (ended.status, ended.error) == ("SUCCEEDED", "")
    assert set(found(account).values()) == {0}
    after = found(account, "s1")
    assert {**after, "lake": 0} == {**others, "lake": 0}
    assert account.lists == [f"USER_ID\n{pseudonym(WHO)}\n"]
    assert lease_row().get("owner") is None
    assert runs.watermark() == {}
    assert tombstones.is_erased(WHO)


def test_a_student_who_assists_in_a_class_is_erased_there_too(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    member = f"TEACHER#{WHO}"
    row = {"classId": "C2", "activity": member, "teacherId": WHO, "member": member}
    tables.class_activity().put_item(Item=row)
    told = json.dumps({"teacherId": WHO, "content": "x"})
    tables.operations().put_item(Item={"pk": "OUTBOX#e-77", "sk": "EVENT", "detail": told})
    ask()
    assert run(machine).status == "SUCCEEDED"
    assert set(found(account).values()) == {0}


def test_dead_letters_are_all_read_however_long_it_takes(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_everywhere(account)
    ask()
    url = settings.dead_letter_urls.split(",")[0]
    for number in range(60):
        client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"studentId": f"other-{number}"}))
    client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"detail": {"studentId": WHO}}))
    real, received = account.people.call, 0

    def call(made: BaseClient, operation: str, said: dict[str, Any]) -> Any:
        nonlocal received
        if operation == "ReceiveMessage" and said["QueueUrl"] == url:
            received += 1
            if received % 3 == 0:  # a minute a receive: what was hidden for two comes back
                for letter in world.messages(url):
                    if said["VisibilityTimeout"] < 180:
                        letter.visible_at = 0
        return real(made, operation, said)

    monkeypatch.setattr(account.people, "call", call)
    assert run(machine).status == "SUCCEEDED"
    assert found(account)["dead letters"] == 0
    assert sum(letter.visible for letter in world.messages(url)) >= 60, "what names others can be looked at at once"


def test_what_only_uses_the_same_word_stays(machine: Machine, account: Personalize) -> None:
    ask()
    event = {"studentId": "s1", "assignmentId": WHO}
    tables.operations().put_item(Item={"pk": "OUTBOX#9", "sk": "EVENT", "detail": json.dumps(event)})
    assert run(machine).output["erased"]["operations"] == 0
    assert "Item" in tables.operations().get_item(Key={"pk": "OUTBOX#9", "sk": "EVENT"})


def test_the_audit_row_keeps_a_hash_times_and_counts(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    ended = run(machine)
    record = tickets.load(TICKET)
    assert set(record) == AUDIT
    assert record["student"] == tombstones.digest(WHO) != pseudonym(WHO)
    assert record["erased"] == {
        "students": 1,
        "interactions": 3,
        "classActivity": 5,
        "operations": 5,
        "accounts": 1,
        "deadLetters": 4,
        "objects": 7,
    }
    assert set(record["remains"]) == {"queues", "archive", "backups", "executionHistory", "logs"}
    assert max(record["remains"].values()) == clock.iso(record["finishedAt"] + 90 * 86_400)
    assert ended.output == {**record, "retraining": f"execution:erasure-{TICKET}"}
    assert machine.started == [
        {
            "StateMachineArn": "NightlyRetrainingArn",
            "Name": f"erasure-{TICKET}",
            "Input": {"trigger": "erasure", "full": True, "force": True},
        }
    ]


def test_what_remains_is_what_the_template_says() -> None:
    resources, parameters = school.template()["Resources"], school.template()["Parameters"]
    assert resources["StudentEventArchive"]["Properties"]["RetentionDays"] == erasure.REMAINS["archive"]
    assert max(parameters["LogRetentionDays"]["AllowedValues"]) == erasure.REMAINS["logs"]
    queues = [at["Properties"] for at in resources.values() if at["Type"] == "AWS::SQS::Queue"]
    assert max(at["MessageRetentionPeriod"] for at in queues) == erasure.REMAINS["queues"] * 86_400
    assert max(erasure.REMAINS.values()) * 86_400 <= tombstones.KEPT_SECONDS


def test_no_execution_history_names_the_student(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    run(machine)
    history = json.dumps(machine.histories, default=str)
    assert TICKET in history
    assert WHO not in history
    assert pseudonym(WHO) not in history
    assert WHO not in json.dumps(machine.invoked)


def test_a_repeated_ticket_changes_nothing_and_adopts_the_training(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    first = run(machine).output

    def exists(_: object) -> object:
        raise stepfunctions._ExecutionError("StepFunctions.ExecutionAlreadyExistsException", "Execution Already Exists")

    machine.starter = exists
    again = run(machine)
    assert again.status == "SUCCEEDED"
    assert {**again.output, "retraining": ""} == {**first, "retraining": ""}
    assert again.output["retraining"].endswith(f":erasure-{TICKET}")
    assert "Erase records" not in again.states
    assert len(account.lists) == 1


def test_a_student_nobody_knows_and_a_stack_that_never_ran_are_fine(machine: Machine, account: Personalize) -> None:
    ask("nobody")
    ended = run(machine)
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "ERASED")
    assert set(ended.output["erased"].values()) == {0}
    assert account.count("CreateDataDeletionJob") == 0


def test_it_waits_for_the_run_that_holds_the_lease(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    held = lease.acquire("a nightly run", "run-1")
    assert held is not None
    real = handler("begin_erasure")
    polls = []

    def begin(payload: dict[str, Any]) -> object:
        polls.append(found(account)["StudentsTable"])
        if len(polls) == 4:
            # Late events are ignored as soon as somebody asked for the erasure.
            assert tombstones.is_erased(WHO)
            tables.transact([lease.release(held)])
        return real(payload)

    machine.instead["begin_erasure"] = begin
    assert run(machine).status == "SUCCEEDED"
    assert polls == [1, 1, 1, 1]
    assert set(found(account).values()) == {0}


def test_an_erasure_that_cannot_begin_gives_the_lease_back(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_everywhere(account)
    ask()

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")

    with monkeypatch.context() as patched:
        patched.setattr(tickets, "begin", refuse)
        assert run(machine).status == "FAILED"
    assert run(machine).status == "SUCCEEDED"


def test_quotas_and_throttling_are_waited_for(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    account.refusals["CreateDataDeletionJob"] = [RefusedError("LimitExceededException", "5 are pending")] * 3
    account.refusals["DescribeDataDeletionJob"] = [RefusedError("ThrottlingException", "slow down")] * 5
    assert run(machine).status == "SUCCEEDED"
    assert set(found(account).values()) == {0}


@pytest.mark.usefixtures("small_minimum")
def test_a_night_that_learnt_from_the_student_is_never_resumed(machine: Machine, account: Personalize) -> None:
    """It would find its trained versions by name, and promote them."""
    students.term()
    night = Machine()
    account.endings["campaign/"] = ("CREATE FAILED", "no capacity")
    assert night.run({"trigger": "schedule", "runId": "before"}).error == "PromotionFailed"
    account.endings.clear()
    ask("s1")
    assert run(machine).status == "SUCCEEDED"
    made = account.count("CreateSolutionVersion")

    resumed = night.run({"runId": "before"})
    assert (resumed.status, resumed.error) == ("FAILED", "SupersededError")
    assert "a student was erased after run before had begun: start a new run" in resumed.cause
    assert lease_row().get("owner") is None
    assert account.count("CreateSolutionVersion") == made

    # A first training without the student that fails is resumed as any other.
    account.resources.pop(f"{PREFIX}campaign/student-ranking-recommendation")
    account.endings["recommendation/v2"] = ("CREATE FAILED", "out of luck")
    assert night.run({"trigger": "erasure", "full": True, "force": True, "runId": "after"}).error == "TrainingFailed"
    account.endings.clear()
    assert night.run({"runId": "after"}).output["status"] == "PROMOTED"
    assert pseudonym("s1") not in {held[0] for held in account.holdings.interactions()}


def test_the_fixtures_belong_to_one_erasure(machine: Machine, account: Personalize) -> None:
    begun = school.fixture("begin_erasure")
    ask(ticket=begun["ticket"])
    taken = handler("begin_erasure")(begun)["lease"]
    for name in ("erase_records", "erase_lake", "start_deletion", "finish_erasure"):
        assert school.fixture(name)["lease"] == taken
        answer = handler(name)(school.fixture(name))
        assert answer.get("outcome", answer.get("status")) in ("ACTIVE", "ERASED")


@pytest.mark.usefixtures("small_minimum")
def test_no_version_that_learnt_from_the_student_is_brought_back(machine: Machine, account: Personalize) -> None:
    students.term()
    night = Machine()
    before = night.run({"trigger": "schedule"}).output["solutionVersionArn"]
    ask("s1")
    assert run(machine).status == "SUCCEEDED"
    after = night.run({"trigger": "erasure", "full": True, "force": True}).output
    assert (after["status"], after["exportWhy"]) == ("PROMOTED", "a student was erased")
    for asked in ({}, {"to": before}):
        back = night.run({"trigger": "rollback", **asked})
        assert (back.status, back.error) == ("FAILED", "DeploymentRefused")
        assert "was trained before a student was erased" in back.cause
    # What came after is as good as ever.
    again = night.run({"trigger": "manual", "force": True}).output["solutionVersionArn"]
    assert again != after["solutionVersionArn"]
    assert night.run({"trigger": "rollback"}).output["solutionVersionArn"] == after["solutionVersionArn"]
