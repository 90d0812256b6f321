"""Every function answers its fixture, deployed from the very template on a local cloud of its own."""

import json
from typing import Any

import pytest

from tests.contract.project import ROOT, Project
from tests.stack import Stack, running
from tests.toolchain.fixtures import ORDER, complaint

HANDLERS = {Project.read().entry(name)[0].rpartition(".")[2]: name for name in Project.read().functions}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each function answers, one after the other; the lease was never held, so that token 1 is the true one."""
    with running(tmp_path_factory.mktemp("fixtures") / "state") as stack:
        return {handler: answer(stack, handler) for handler in ORDER}


def answer(stack: Stack, handler: str) -> Any:
    """The answer of a function to its fixture."""
    function = stack.client("cloudformation").describe_stack_resource(
        StackName="nightclass", LogicalResourceId=HANDLERS[handler]
    )["StackResourceDetail"]["PhysicalResourceId"]
    event = (ROOT / "events" / f"{handler}.json").read_bytes()
    invoked = stack.client("lambda").invoke(FunctionName=function, Payload=event)
    return json.loads(invoked["Payload"].read())


def test_every_function_has_its_turn() -> None:
    assert sorted(ORDER) == sorted(HANDLERS)


@pytest.mark.parametrize("handler", ORDER)
def test_the_function_answers_its_fixture(answers: dict[str, Any], handler: str) -> None:
    assert not complaint(handler, answers[handler])
