"""The state machines as deployed, run by the emulator's interpreter on the real handlers, without waiting."""

import importlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest import mock

import yaml
from ministack.services import stepfunctions

from local.compat.states import let_expressions_wait_for_the_processor
from tests.unit.campus.school import ROOT

NIGHTLY, ERASURE = "nightly_retraining", "erase_student"
Invoke = Callable[[dict[str, Any]], Any]

let_expressions_wait_for_the_processor()


def definition(machine: str = NIGHTLY, workers: int = 1) -> dict[str, Any]:
    """The definition as CloudFormation would leave it; a function's ARN is its module's name."""
    parsed: dict[str, Any] = json.loads(_definition(machine, workers))
    return parsed


@cache
def _definition(machine: str, workers: int) -> str:
    numbers = {"ExportWorkers": str(workers), "MarginSeconds": "120", "PollSeconds": "60"}

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if name.endswith("FunctionArn"):
            return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("FunctionArn")).lower()
        return numbers.get(name, name)

    filled = re.sub(r"\$\{(\w+)\}", fill, (ROOT / "statemachines" / f"{machine}.asl.yaml").read_text())
    return json.dumps(yaml.safe_load(filled))


class LambdaError(Exception):
    """What the Lambda service itself answers with, such as `Lambda.TooManyRequestsException`."""


@dataclass
class Ended:
    """An execution that is over."""

    status: str
    output: dict[str, Any]
    error: str
    cause: str
    states: list[str]
    arn: str


@dataclass
class Machine:
    """Runs executions; `instead` replaces functions by name, `crawler` and `starter` answer the other services."""

    definition: dict[str, Any] = field(default_factory=definition)
    instead: dict[str, Invoke] = field(default_factory=dict)
    crawler: Invoke = field(default=lambda _: {})
    starter: Invoke = field(default=lambda given: {"ExecutionArn": f"execution:{given['Name']}"})
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    crawled: list[dict[str, Any]] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)
    histories: list[list[dict[str, Any]]] = field(default_factory=list)

    def count(self, function: str) -> int:
        """Invocations of a function so far."""
        return sum(name == function for name, _ in self.invoked)

    def run(self, request: Mapping[str, Any]) -> Ended:
        """One execution from its start to its end."""
        name = str(uuid.uuid4())
        machine = "arn:aws:states:ap-southeast-1:000000000000:stateMachine:nightly"
        arn = f"arn:aws:states:ap-southeast-1:000000000000:execution:nightly:{name}"
        execution: dict[str, Any] = {
            "executionArn": arn,
            "stateMachineArn": machine,
            "name": name,
            "status": "RUNNING",
            "startDate": stepfunctions.now_iso(),
            "input": json.dumps(request),
            "output": None,
            "events": [],
        }
        known = {machine: {"stateMachineArn": machine, "name": "nightly", "definition": json.dumps(self.definition)}}
        with (
            mock.patch.object(stepfunctions, "_state_machines", known),
            mock.patch.object(stepfunctions, "_executions", {arn: execution}),
            mock.patch.object(stepfunctions, "_SFN_WAIT_SCALE", 0),
            mock.patch.object(stepfunctions, "_invoke_resource_with_timeout", self._invoke),
            mock.patch.object(stepfunctions, "_emit_execution_status_event"),
            mock.patch.object(stepfunctions.time, "sleep"),
        ):
            try:
                stepfunctions._run_execution(arn)
            finally:
                self.histories.append(execution["events"])
        entered = [event["stateEnteredEventDetails"]["name"] for event in execution["events"] if _entered(event)]
        output = json.loads(execution["output"])
        return Ended(execution["status"], output, execution.get("error", ""), execution.get("cause", ""), entered, arn)

    def _invoke(self, resource: str, given: dict[str, Any], _timeout: object) -> Any:
        if resource == "arn:aws:states:::aws-sdk:glue:startCrawler":
            self.crawled.append(given)
            return self.crawler(given)
        if resource == "arn:aws:states:::states:startExecution":
            self.started.append(given)
            return self.starter(given)
        assert resource == "arn:aws:states:::lambda:invoke"
        name = given["FunctionName"]
        payload = json.loads(json.dumps(given["Payload"]))
        self.invoked.append((name, payload))
        try:
            answer = self.instead.get(name, handler(name))(payload)
        except LambdaError as error:
            raise stepfunctions._ExecutionError(str(error), "the service said so") from error
        except Exception as error:
            cause = {"errorMessage": str(error), "errorType": type(error).__name__}
            raise stepfunctions._ExecutionError(type(error).__name__, json.dumps(cause)) from error
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}


def _entered(event: Mapping[str, Any]) -> bool:
    return "stateEnteredEventDetails" in event


def handler(name: str) -> Invoke:
    """A deployed function, as the machine calls it."""
    deployed = importlib.import_module(f"retraining.{name}").handler
    return lambda payload: deployed(payload, None)
