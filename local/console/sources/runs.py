"""Executions of the state machines: their definition, what each state did, the run records."""

import functools
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from local.commands import retraining
from local.console.graph import Drawing, State, lay_out, read
from local.console.sources.account import Account, Row
from local.progress import reason

MACHINES: Final = {"retraining": "StateMachineArn", "erasure": "ErasureStateMachineArn"}
_RUNS: Final = 20
_PAGES: Final = 5
_DAILY: Final = re.compile(r"cron\((\d{1,2}) (\d{1,2}) \* \* \? \*\)")
_RECORD: Final[Mapping[str, type]] = {
    **dict.fromkeys(("runId", "status", "why", "trigger", "requestedBy", "solutionVersionArn", "executionArn"), str),
    **dict.fromkeys(("metrics", "baselineMetrics", "rows", "training", "costUnits"), dict),
    "imports": list,
}
_TELLING: Final = ("outcome", "decision", "verdict", "status", "reason", "why")


@dataclass
class Visit:
    """One time that a state was entered; times in epoch seconds.

    `result` is what its task answered, `answer` what the state made of it.
    """

    entered: float
    given: str
    left: float | None = None
    answer: str = ""
    result: str = ""
    error: str = ""


@dataclass
class StateRun:
    """What a state did in an execution."""

    name: str
    visits: list[Visit] = field(default_factory=list)

    @property
    def status(self) -> str:
        """One of running, failed, caught, done."""
        last = self.visits[-1]
        if last.error:
            return "failed" if last.left is None else "caught"
        return "running" if last.left is None else "done"

    def seconds(self, now: float) -> float:
        """All visits together."""
        return sum((visit.left if visit.left is not None else now) - visit.entered for visit in self.visits)

    @property
    def reason(self) -> str:
        """Why it went on as it did: its error, or what its answer says of itself."""
        last = self.visits[-1]
        if last.error:
            return last.error
        try:
            answer = json.loads(last.result or last.answer)
        except ValueError:
            return ""
        if isinstance(answer, dict) and isinstance(answer.get("Payload"), dict):
            answer = answer["Payload"]
        if not isinstance(answer, dict):
            return ""
        return " · ".join(str(answer[key]) for key in _TELLING if isinstance(answer.get(key), str) and answer[key])


@dataclass
class Execution:
    """An execution as its history tells it; `record` is the run record that it answered, if it did."""

    name: str
    arn: str
    status: str
    started: float
    stopped: float | None
    states: dict[str, StateRun] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    failure: str = ""
    record: Row | None = None

    def end(self) -> float:
        """Epoch seconds of its end, or now."""
        return self.stopped if self.stopped is not None else time.time()

    def untold(self, drawn: Iterable[State]) -> set[str]:
        """States inside of entered ones of which the history says nothing: the emulator keeps none inside of a Map."""
        inside = [
            {one.name for one in machine.every_state()}
            for state in drawn
            if state.name in self.states
            for machine in state.inner
        ]
        return {name for names in inside if names.isdisjoint(self.states) for name in names}


class Runs:
    """Step Functions, the schedule that starts it, and the run records of the Operations table."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def drawing(self, machine: str) -> Drawing:
        """The picture of a state machine, from its definition in force."""
        definition = self._account.client("stepfunctions").describe_state_machine(
            stateMachineArn=self._account.outputs[MACHINES[machine]]
        )["definition"]
        return _drawing(definition)

    def recent(self, machine: str) -> list[Row]:
        """The latest executions, newest first: name, status, startedAt, stoppedAt, record (or None)."""
        executions = self._account.client("stepfunctions").list_executions(
            stateMachineArn=self._account.outputs[MACHINES[machine]], maxResults=_RUNS
        )["executions"]
        records = {record.get("executionArn"): record for record in self.records()}
        return [
            {
                "name": one["name"],
                "status": one["status"],
                "startedAt": _epoch(one["startDate"]),
                "stoppedAt": _epoch(one["stopDate"]) if "stopDate" in one else None,
                "record": records.get(one["executionArn"]),
            }
            for one in executions
        ]

    def records(self, limit: int = _RUNS) -> Sequence[Row]:
        """The latest run records, newest first."""
        conditions = {"state": "RUN"}
        page = self._account.query("OperationsTable", limit, conditions, IndexName="byState", ScanIndexForward=False)
        return [sound(record) for record in page.rows]

    def execution(self, machine: str, name: str) -> Execution | None:
        """One execution with its history; None where there is none of that name."""
        states = self._account.client("stepfunctions")
        arn = self._account.outputs[MACHINES[machine]].replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            found = states.describe_execution(executionArn=arn)
        except ClientError:
            return None
        stopped = _epoch(found["stopDate"]) if found.get("stopDate") else None
        run = Execution(name, arn, found["status"], _epoch(found["startDate"]), stopped)
        pages = states.get_paginator("get_execution_history").paginate(
            executionArn=arn, PaginationConfig={"PageSize": 1000, "MaxItems": 1000 * _PAGES}
        )
        follow(run, (event for page in pages for event in page["events"]))
        run.record = _answered(found.get("output"))
        if found["status"] not in {"RUNNING", "SUCCEEDED"} and not run.failure:
            run.failure = reason(found.get("error"), found.get("cause"))
        return run

    def schedule(self) -> Row | None:
        """What starts the retraining on its own: expression, zone, state, input, and where that is daily `at`, "02:00".

        None where no schedule has the state machine for its target.
        """
        scheduler = self._account.client("scheduler")
        machine = self._account.outputs["StateMachineArn"]
        pages = scheduler.get_paginator("list_schedules").paginate()
        found = (one for page in pages for one in page["Schedules"] if one["Target"]["Arn"] == machine)
        if (one := next(found, None)) is None:
            return None
        schedule = scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"])
        daily = _DAILY.fullmatch(schedule["ScheduleExpression"])
        return {
            "expression": schedule["ScheduleExpression"],
            "zone": schedule.get("ScheduleExpressionTimezone", "UTC"),
            "state": schedule.get("State", "ENABLED"),
            "input": schedule["Target"].get("Input", "{}"),
            "at": f"{int(daily[2]):02}:{int(daily[1]):02}" if daily else None,
        }

    def start_as_scheduled(self) -> str:
        """Start the retraining's machine with what its schedule would give it; answers the execution's name.

        Raises:
            LookupError: there is no such schedule.
        """
        if (schedule := self.schedule()) is None:
            raise LookupError("no schedule starts this state machine")
        return self.start(json.loads(schedule["input"]))

    def start(self, request: Mapping[str, Any]) -> str:
        """Start the retraining's machine; answers the execution's name."""
        return retraining.start(self._account.instance, request).rsplit(":", 1)[1]


def sound(record: Row) -> Row:
    """A run record without the fields that are not what they should be."""
    return {name: value for name, value in record.items() if isinstance(value, _RECORD.get(name, object))}


def follow(run: Execution, history: Iterable[Mapping[str, Any]]) -> None:
    """Read a history, oldest event first, into an execution."""
    current: StateRun | None = None
    left: dict[int, str] = {}
    latest = 0
    for event in history:
        kind, at = event["type"], _epoch(event["timestamp"])
        details: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        if kind.endswith("StateEntered"):
            name = details["name"]
            if before := left.get(event.get("previousEventId") or latest):
                run.taken.add((before, name))
            current = run.states.setdefault(name, StateRun(name))
            current.visits.append(Visit(at, details.get("input", "")))
        elif kind.endswith("StateExited"):
            name, latest = details["name"], event["id"]
            left[latest] = name
            for visit in run.states[name].visits:
                if visit.left is None:
                    visit.left, visit.answer = at, details.get("output", "")
                    break
        elif kind == "TaskSucceeded" and current and current.visits[-1].left is None:
            current.visits[-1].result = details.get("output", "")
        elif kind.startswith("Execution") and kind not in {"ExecutionStarted", "ExecutionSucceeded"}:
            run.failure = reason(details.get("error"), details.get("cause")) or kind
            for state in run.states.values():
                if state.visits[-1].left is None:
                    state.visits[-1].error = state.visits[-1].error or run.failure
        elif kind.endswith(("Failed", "TimedOut", "Aborted")) and current and current.visits[-1].left is None:
            current.visits[-1].error = reason(details.get("error"), details.get("cause")) or kind


@functools.lru_cache(maxsize=8)
def _drawing(definition: str) -> Drawing:
    return lay_out(read(json.loads(definition)))


def _answered(output: str | None) -> Row | None:
    try:
        answer = json.loads(output or "")
    except ValueError:
        return None
    return sound(answer) if isinstance(answer, dict) else None


def _epoch(instant: datetime | float) -> float:
    return instant.timestamp() if isinstance(instant, datetime) else float(instant)
