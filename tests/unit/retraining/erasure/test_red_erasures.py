"""Erasures that fail: red, saying why, the lease given back, and the same ticket can be started again."""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from ministack.services import stepfunctions

from campus import clock, tables
from campus.clients import client
from local.commands import erasing
from local.commands.instance import Instance
from retraining import lease, runs, tickets, training
from tests.unit.retraining import students
from tests.unit.retraining.erasure.world import (
    TICKET,
    WHO,
    Personalize,
    ask,
    found,
    lease_row,
    live_everywhere,
    run,
    shortened,
    show_letters,
)
from tests.unit.retraining.machine import LambdaError, Machine, definition, handler


def test_a_training_that_cannot_start_is_red(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()

    def refused(_: object) -> object:
        raise stepfunctions._ExecutionError("StepFunctions.StateMachineDoesNotExistException", "no such machine")

    machine.starter = refused
    assert run(machine).error == "StepFunctions.StateMachineDoesNotExistException"
    assert tickets.load(TICKET)["status"] == "ERASED"


def test_a_lease_that_is_never_free_is_red(machine: Machine, account: Personalize) -> None:
    ask()
    assert lease.acquire("a nightly run", "run-1")
    machine.definition = shortened()
    ended = run(machine)
    assert (ended.status, ended.error) == ("FAILED", "LeaseOverdue")
    assert lease_row()["owner"] == "a nightly run"


@pytest.mark.parametrize("ticket", ["none", "", "x" * 17, None, 5, "a/b"])
def test_an_unknown_ticket_is_red(machine: Machine, account: Personalize, ticket: Any) -> None:
    ended = run(machine, ticket)
    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError")
    assert lease_row() == {}


@pytest.mark.parametrize(
    ("ending", "error", "cause"),
    [
        (("FAILED", "the list is empty"), "DeletionFailed", "FAILED: the list is empty"),
        (("IN_PROGRESS", ""), "DeletionOverdue", "not finished after 6 polls; last: IN_PROGRESS"),
        (("MOON PHASE", ""), "UnknownStatusError", "unknown status 'MOON PHASE'"),
    ],
)
def test_a_deletion_that_does_not_succeed_is_red_and_can_be_repeated(
    machine: Machine,
    account: Personalize,
    ending: tuple[str, str],
    error: str,
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live_everywhere(account)
    ask()
    machine.definition = shortened()
    account.endings["data-deletion-job"] = ending
    ended = run(machine)
    assert (ended.status, ended.error, ended.states[-1]) == ("FAILED", error, "Erasure failed")
    assert cause in ended.cause
    record = tickets.load(TICKET)
    assert (record["status"], record["studentId"]) == ("FAILED", WHO)
    assert cause in record["why"]
    assert lease_row().get("owner") is None
    assert machine.started == []

    account.endings.clear()
    show_letters()
    assert run(machine).status == "SUCCEEDED"
    assert set(found(account).values()) == {0}
    # A run might have held the lease in between, so the second job is one of its own.
    assert len(account.lists) == 2


def test_an_erasure_asked_for_again_also_ends_the_ticket_that_failed(machine: Machine, account: Personalize) -> None:
    live_everywhere(account)
    ask()
    machine.definition = shortened()
    account.endings["data-deletion-job"] = ("FAILED", "the list is empty")
    assert run(machine).status == "FAILED"
    account.endings.clear()
    show_letters()
    ask(ticket="e-2")
    ask("s1", ticket="e-3")

    ended = run(machine, "e-2")

    assert (ended.status, ended.output["ticket"]) == ("SUCCEEDED", "e-2")
    assert set(found(account).values()) == {0}
    first, second = tickets.load(TICKET), tickets.load("e-2")
    assert (first["status"], first["supersededBy"], first["student"]) == ("SUPERSEDED", "e-2", second["student"])
    assert first["requestedAt"] == 5
    assert tickets.load("e-3")["studentId"] == "s1"

    again = run(machine)
    assert (again.status, again.output["ticket"], again.states[1]) == ("SUCCEEDED", "e-2", "Erasure begun?")
    assert [one["Name"] for one in machine.started] == ["erasure-e-2"] * 2
    assert lease_row().get("owner") is None


def test_a_ticket_that_waited_while_another_one_erased_its_student_is_done(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_everywhere(account)
    ask()
    ask(ticket="e-2")
    other = Machine(machine.definition)
    real = lease.acquire

    def acquire(owner: str, run_id: str) -> lease.Lease | None:
        """The other one comes and goes between a look at the ticket and the lease."""
        monkeypatch.setattr(lease, "acquire", real)
        assert run(other, "e-2").status == "SUCCEEDED"
        return real(owner, run_id)

    monkeypatch.setattr(lease, "acquire", acquire)
    ended = run(machine)
    assert (ended.status, ended.error, ended.output.get("ticket")) == ("SUCCEEDED", "", "e-2")
    assert "Erase records" not in ended.states
    assert lease_row().get("owner") is None
    assert set(found(account).values()) == {0}


def test_the_command_goes_on_with_the_ticket_that_failed(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = Mock()
    states.start_execution.return_value = {"executionArn": "erasure"}
    outputs = {"OperationsTable": tables.operations().name, "ErasureStateMachineArn": "machine"}
    clients = {"stepfunctions": states, "dynamodb": client("dynamodb")}
    instance = Mock(outputs=outputs, client=clients.__getitem__)
    monkeypatch.setattr(Instance, "of", lambda _: instance)
    monkeypatch.setattr(erasing, "watch", lambda *_: {"status": "ERASED", "retraining": "run"})

    def erase(who: str) -> str:
        assert CliRunner().invoke(erasing.erase, [who]).exit_code == 0
        return str(json.loads(states.start_execution.call_args.kwargs["input"])["ticket"])

    first = erase(WHO)
    assert erase("s1") != first
    assert erase(WHO) == first
    assert run(machine, first).status == "SUCCEEDED"
    assert erase(WHO) != first


@pytest.mark.usefixtures("small_minimum")
def test_what_a_red_night_left_at_work_is_over_before_the_deletion_begins(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that ends after it would bring the student back."""
    students.term()
    night = Machine(json.loads(json.dumps(definition()).replace("polls >= 150", "polls >= 6")))
    account.endings["-itm-"] = ("CREATE IN_PROGRESS", "")
    assert night.run({"trigger": "schedule"}).error == "ImportFailed"
    (job,) = [one for one in account.of_kind("dataset-import-job") if one["status"] == "CREATE IN_PROGRESS"]
    model = {"kind": "recommendation", "name": "student-ranking-recommendation", "recipe": "aws-hrnn"}
    while (training_step := training.train("before", 0, model))["outcome"] == "BUSY":
        pass
    version = account.resources[training_step["arn"]]
    answers: list[dict[str, Any]] = []

    def start(payload: dict[str, Any]) -> object:
        if len(answers) == 2:
            job["status"] = "ACTIVE"
        if len(answers) == 4:
            version["status"] = "ACTIVE"
        answers.append(handler("start_deletion")(payload))
        return answers[-1]

    machine.instead["start_deletion"] = start
    ask("s1")
    assert run(machine).status == "SUCCEEDED"
    arns = [job["datasetImportJobArn"]] * 2 + [version["solutionVersionArn"]] * 2
    assert answers[:4] == [{"outcome": "BUSY", "reason": f"waits for {arn}"} for arn in arns]
    assert answers[4]["outcome"] == "IN_PROGRESS"


def test_an_overtaken_erasure_ends_nothing(
    machine: Machine, account: Personalize, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_everywhere(account)
    ask()

    def overtaken(payload: dict[str, Any]) -> object:
        with monkeypatch.context() as later:
            later.setattr(clock, "now", lambda: 2_000_000_000)
            assert lease.acquire("somebody else", "another") is not None
        return handler("finish_erasure")(payload)

    machine.instead["finish_erasure"] = overtaken
    ended = run(machine)
    assert (ended.status, ended.error) == ("FAILED", "LeaseLostError")
    assert lease_row()["owner"] == "somebody else"
    assert tickets.load(TICKET)["studentId"] == WHO
    assert tables.operations().get_item(Key=runs.WATERMARK).get("Item")


def test_lambda_that_stays_away_is_red_and_gives_the_lease_back(machine: Machine, account: Personalize) -> None:
    ask()

    def away(_: object) -> object:
        raise LambdaError("Lambda.ServiceException")

    machine.instead["erase_lake"] = away
    assert run(machine).error == "Lambda.ServiceException"
    assert machine.count("erase_lake") == 7
    assert lease_row().get("owner") is None


def test_an_erasure_that_is_done_and_dies_before_it_can_say_so_is_green_and_trains(
    machine: Machine, account: Personalize
) -> None:
    live_everywhere(account)
    ask()

    def dying(payload: dict[str, Any]) -> object:
        answer = handler("finish_erasure")(payload)
        if "failure" in payload:
            return answer
        raise LambdaError("Sandbox.Timedout")

    machine.instead["finish_erasure"] = dying
    ended = run(machine)
    assert (ended.status, ended.output["status"], machine.count("finish_erasure")) == ("SUCCEEDED", "ERASED", 4)
    assert [one["Name"] for one in machine.started] == [f"erasure-{TICKET}"]
    assert lease_row().get("owner") is None


@pytest.mark.parametrize("function", ["erase_records", "erase_lake", "start_deletion", "check_status"])
def test_an_outcome_nobody_expects_is_red_and_gives_the_lease_back(
    machine: Machine, account: Personalize, function: str
) -> None:
    live_everywhere(account)
    ask()
    machine.instead[function] = lambda _: {"outcome": "PERHAPS", "status": "PERHAPS"}
    ended = run(machine)
    assert (ended.status, ended.error, machine.count(function)) == ("FAILED", "UnknownOutcome", 1)
    assert (tickets.load(TICKET)["status"], lease_row().get("owner")) == ("FAILED", None)
