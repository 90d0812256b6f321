"""The display of a run: what its history says about states, loops and the failure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from local import progress
from local.progress import Run, RunFailedError, StillRunningError, follow, require_success


def entered(at: float, name: str, kind: str = "Task") -> Any:
    return {"type": f"{kind}StateEntered", "timestamp": instant(at), "stateEnteredEventDetails": {"name": name}}


def exited(at: float, name: str, kind: str = "Task") -> Any:
    return {"type": f"{kind}StateExited", "timestamp": instant(at), "stateExitedEventDetails": {"name": name}}


def failed(at: float, error: str, cause: str) -> Any:
    details = {"error": error, "cause": cause}
    return {"type": "ExecutionFailed", "timestamp": instant(at), "executionFailedEventDetails": details}


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(1_700_000_000 + at, UTC)


def visit(begin: float, end: float, name: str, kind: str = "Task") -> list[Any]:
    return [entered(begin, name, kind), exited(end, name, kind)]


def told(run: Run) -> list[tuple[str, int, float]]:
    return [(state.name, state.visits, round(state.seconds, 3)) for state in run.shown()]


def test_a_loop_is_one_line_with_its_count_and_total_time() -> None:
    history = [
        *visit(0, 1, "Import"),
        *visit(1, 3, "Wait", "Wait"),
        *visit(3, 4, "Check"),
        *visit(4, 4, "Done?", "Choice"),
        *visit(4, 6, "Wait", "Wait"),
        *visit(6, 7, "Check"),
    ]
    assert told(Run.of(history)) == [("Import", 1, 1.0), ("Wait", 2, 4.0), ("Check", 2, 2.0)]


def test_visits_that_overlap_count_their_time_once() -> None:
    history = [entered(0, "Import"), entered(1, "Import"), exited(3, "Import"), exited(5, "Import")]
    assert told(Run.of(history)) == [("Import", 2, 5.0)]


def test_a_state_that_goes_on_is_on_the_clock() -> None:
    (state,) = Run.of([entered(0, "Train", "Map")]).shown()
    assert state.active
    assert state.elapsed(1_700_000_000 + 42) == 42


def test_a_failure_names_the_state_that_failed_and_not_the_one_that_wrote_it_down() -> None:
    history = [
        *visit(0, 1, "Export"),
        *visit(1, 2, "Check data"),
        *visit(2, 2, "Anything to learn?", "Choice"),
        *visit(2, 3, "Record failure"),
        entered(3, "Run failed", "Fail"),
        failed(3, "DataRefused", "rejected 40 %\nof all rows"),
    ]
    run = Run.of(history)
    with pytest.raises(RunFailedError, match=r"^FAILED in state 'Check data': DataRefused: rejected 40 % of all rows$"):
        require_success(run, {"status": "FAILED"})
    assert not any(state.active for state in run.shown())


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ('{"errorMessage": "start a\\nnew run", "errorType": "X", "stackTrace": ["File …"]}', "start a new run"),
        ('{"message": "no function wrote this"}', '{"message": "no function wrote this"}'),
        ('"half', '"half'),
        ("[1]", "[1]"),
    ],
)
def test_a_failed_function_is_heard_without_its_stack_trace(cause: str, sentence: str) -> None:
    run = Run.of([entered(0, "Acquire lease"), failed(1, "SupersededError", cause)])
    with pytest.raises(RunFailedError) as failure:
        require_success(run, {"status": "FAILED"})
    assert str(failure.value) == f"FAILED in state 'Acquire lease': SupersededError: {sentence}"


def test_a_success_is_none_of_this() -> None:
    require_success(Run.of(visit(0, 1, "Export")), {"status": "SUCCEEDED"})


class States:
    """Step Functions with an execution that ends after some looks."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    def describe_execution(self, **_: Any) -> Mapping[str, Any]:
        self._left -= 1
        return {"status": "RUNNING" if self._left > 0 else "SUCCEEDED", "startDate": instant(0), "output": "{}"}

    def get_paginator(self, _: str) -> "States":
        return self

    def paginate(self, **_: Any) -> list[Mapping[str, Any]]:
        last = [] if self._left > 0 else [exited(9, "Train")]
        return [{"events": visit(0, 2, "Export")}, {"events": [entered(2, "Train"), *last]}]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0)


def test_following_tells_each_state_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    run, execution = follow(States(looks=4), "arn", timeout=60)  # type: ignore[arg-type]
    assert execution["status"] == "SUCCEEDED"
    assert [state.name for state in run.shown()] == ["Export", "Train"]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.split() for line in shown.err.splitlines()] == [["Export", "2.0", "s"], ["Train", "7.0", "s"]]


def test_following_ends_with_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StillRunningError, match="still in state 'Train'"):
        follow(States(looks=10**9), "arn", timeout=0.05, display=False)  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
