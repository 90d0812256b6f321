"""What a state machine run looks like while it goes: one line a state, loops counted, the running one on the clock."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef
    from rich.console import RenderableType

_POLL_SECONDS = 0.4
_ENTERED = "StateEntered"
_EXITED = "StateExited"
# What only steers is left out of the display: a reader wants to see what was done and waited for.
_SILENT = frozenset({"Choice", "Pass", "Succeed"})
# What can fail by itself. A Map's own states are not in the local history, so the Map stands for them.
_STEPS = frozenset({"Task", "Map", "Parallel"})
# They come after the state that failed.
_AFTERMATH = frozenset({"Record failure", "Finish failed erasure"})
_FAILURES = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


class RunFailedError(RuntimeError):
    """The execution did not succeed; its text names the state and the reason in one line."""


class StillRunningError(RuntimeError):
    """The execution was not over when the time was."""


@dataclass
class StateRun:
    """A state of an execution.

    Attributes:
        name: as in the state machine.
        kind: Task, Wait, Map, Choice, …
        visits: how often it was entered.
        seconds: how long it was active, all visits together, overlapping ones once.
        active: visits that have not ended.
        since: epoch seconds since when it is active.
    """

    name: str
    kind: str
    visits: int = 0
    seconds: float = 0.0
    active: int = 0
    since: float = 0.0

    def elapsed(self, now: float) -> float:
        """Seconds until now (epoch seconds)."""
        return self.seconds + (max(now - self.since, 0.0) if self.active else 0.0)


@dataclass
class Run:
    """An execution as its history tells it; states in the order in which they were first entered."""

    states: dict[str, StateRun] = field(default_factory=dict)
    latest: str | None = None
    latest_step: str | None = None
    failure: str | None = None

    @classmethod
    def of(cls, history: "Iterable[HistoryEventTypeDef]") -> "Run":
        """Read a history, oldest event first."""
        run = cls()
        for event in history:
            run._read(event)
        return run

    def shown(self) -> Sequence[StateRun]:
        """States that do or wait for something."""
        return [state for state in self.states.values() if state.kind not in _SILENT]

    def _read(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        at = _epoch(event["timestamp"])
        if kind.endswith(_ENTERED):
            name = event["stateEnteredEventDetails"]["name"]
            state = self.states.setdefault(name, StateRun(name, kind.removesuffix(_ENTERED)))
            if not state.active:
                state.since = at
            state.active += 1
            state.visits += 1
            self.latest = name
            if state.kind in _STEPS and name not in _AFTERMATH:
                self.latest_step = name
        elif kind.endswith(_EXITED):
            state = self.states[event["stateExitedEventDetails"]["name"]]
            state.active -= 1
            if not state.active:
                state.seconds += max(at - state.since, 0.0)
        elif kind in _FAILURES:
            self._stop(at)
            details: Mapping[str, str] = next(
                (value for key, value in event.items() if key.endswith("EventDetails")), {}
            )
            self.failure = reason(details.get("error"), details.get("cause")) or kind

    def _stop(self, at: float) -> None:
        for state in self.states.values():
            if state.active:
                state.seconds += max(at - state.since, 0.0)
                state.active = 0


def follow(
    client: "SFNClient", execution_arn: str, timeout: float, *, display: bool = True
) -> tuple[Run, Mapping[str, Any]]:
    """Watch an execution until it ends, on stderr.

    Args:
        client: Step Functions.
        execution_arn: a running or ended execution.
        timeout: seconds to watch; the execution goes on after them.
        display: False shows nothing.

    Returns:
        The run, and what DescribeExecution says about it.

    Raises:
        StillRunningError: the time was over first.
    """
    deadline = time.monotonic() + timeout
    began = time.time()
    with _Display(enabled=display) as screen:
        while True:
            execution = client.describe_execution(executionArn=execution_arn)
            run = Run.of(_history(client, execution_arn))
            began = min(began, _epoch(execution["startDate"]))
            over = execution["status"] != "RUNNING"
            screen.show(run, time.time(), time.time() - began, over=over)
            if over:
                return run, execution
            if time.monotonic() > deadline:
                raise StillRunningError(f"still in state {run.latest!r} after {timeout:g} s: {execution_arn}")
            Event().wait(_POLL_SECONDS)


def require_success(run: Run, execution: Mapping[str, Any]) -> None:
    """Raise RunFailedError, naming state and reason, unless the execution succeeded."""
    if execution["status"] != "SUCCEEDED":
        why = run.failure or reason(execution.get("error"), execution.get("cause")) or "no reason given"
        raise RunFailedError(f"{execution['status']} in state {(run.latest_step or run.latest)!r}: {why}")


def reason(error: str | None, cause: str | None) -> str:
    """`error: cause` on one line; of a failed function's cause, which is JSON around it, only the sentence."""
    return ": ".join(" ".join(part.split()) for part in (error, _sentence(cause)) if part)


def _sentence(cause: str | None) -> str | None:
    try:
        return str(json.loads(cause or "")["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause


def _history(client: "SFNClient", execution_arn: str) -> "Iterable[HistoryEventTypeDef]":
    for page in client.get_paginator("get_execution_history").paginate(executionArn=execution_arn):
        yield from page["events"]


def _epoch(instant: datetime | float) -> float:
    return instant.timestamp() if isinstance(instant, datetime) else float(instant)


class _Display:
    """A live table where somebody watches; elsewhere a plain line as each state ends."""

    def __init__(self, *, enabled: bool) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        self._enabled = enabled
        self._live = Live(console=self._console, auto_refresh=False) if enabled and sys.stderr.isatty() else None
        self._told: set[str] = set()

    def __enter__(self) -> "_Display":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, run: Run, now: float, elapsed: float, *, over: bool) -> None:
        """Bring the display up to date."""
        if self._live:
            self._live.update(_table(run, now, elapsed, over=over), refresh=True)
        elif self._enabled:
            for state in run.shown():
                if state.name not in self._told and (over or self._is_past(run, state)):
                    self._told.add(state.name)
                    self._console.print(f"  {_line(state, now)}", markup=False, highlight=False, soft_wrap=True)

    @staticmethod
    def _is_past(run: Run, state: StateRun) -> bool:
        """A loop is told when something later has begun, because only then its count is final."""
        names = [one.name for one in run.shown()]
        later = names[names.index(state.name) + 1 :]
        return not state.active and run.latest in later


def _line(state: StateRun, now: float) -> str:
    times = f" ×{state.visits}" if state.visits > 1 else ""
    return f"{state.name + times:<42} {state.elapsed(now):6.1f} s"


def _table(run: Run, now: float, elapsed: float, *, over: bool) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    for state in run.shown():
        failed = over and run.failure is not None and state.name == run.latest_step
        sign, style = ("✗", "red") if failed else ("•", "cyan") if state.active else ("✓", "green")
        times = f"×{state.visits}" if state.visits > 1 else ""
        table.add_row(
            Text(f" {sign}", style),
            Text(state.name, "bold" if state.active else ""),
            Text(times, "dim"),
            Text(f"{state.elapsed(now):.1f} s", "dim"),
        )
    table.add_row("", Text(f"{elapsed:.0f} s", "dim"), "", "")
    return table
