"""Every function answers its fixture, deployed from the very template on a local cloud of its own."""

import json
from collections.abc import Iterator

import pytest

from tests.contract.project import ROOT, Project
from tests.stack import Stack, running
from tests.toolchain.fixtures import ORDER, complaint

HANDLERS = {Project.read().entry(name)[0].rpartition(".")[2]: name for name in Project.read().functions}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Its lease was never held, so that the fixtures' fencing token 1 is the true one."""
    with running(tmp_path_factory.mktemp("fixtures") / "state") as stack:
        yield stack


def test_every_function_has_its_turn() -> None:
    assert sorted(ORDER) == sorted(HANDLERS)


@pytest.mark.parametrize("handler", ORDER)
def test_the_function_answers_its_fixture(fresh: Stack, handler: str) -> None:
    function = fresh.client("cloudformation").describe_stack_resource(
        StackName="nightclass", LogicalResourceId=HANDLERS[handler]
    )["StackResourceDetail"]["PhysicalResourceId"]
    event = (ROOT / "events" / f"{handler}.json").read_bytes()
    answer = fresh.client("lambda").invoke(FunctionName=function, Payload=event)
    assert not complaint(handler, json.loads(answer["Payload"].read()))
