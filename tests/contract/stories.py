"""Stories of a state machine: what it does with every kind of answer that its functions give.

The functions are scripted, so that a story takes hundredths of a second: its answers replace those of a good run, one
a call, the last one for ever. Deadlines are three polls.
"""

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import jsonata  # type: ignore[import-untyped]
from ministack.services import stepfunctions

from tests.unit.retraining.machine import Ended, Invoke, Machine

Answer = dict[str, Any]
Answers = Mapping[str, list[Answer | Exception]]

BUSY: Answer = {"outcome": "BUSY", "reason": "others are at it"}
WORKING: Answer = {"outcome": "IN_PROGRESS", "status": "CREATE IN_PROGRESS", "arn": "arn:it", "reason": "not yet"}
DONE: Answer = {"outcome": "ACTIVE", "status": "ACTIVE", "arn": "arn:it"}
FAILED: Answer = {"outcome": "FAILED", "reason": "no luck"}
NEITHER: Answer = {"outcome": "PERHAPS", "verdict": "PERHAPS", "decision": "PERHAPS", "reason": "-", "why": "-"}
# What writes an execution's end down.
RECORDERS = ("record_run", "finish_erasure")
TICKET = "t-1"
LEASE = {"owner": "me", "runId": "r", "fencingToken": 1}
VERSION = {"kind": "recommendation", "name": "rec", "solutionVersionArn": "arn:v2", "trainedAt": 1}
BEFORE = {**VERSION, "solutionVersionArn": "arn:v1"}


def leased(trigger: str = "schedule", *, parked: bool = False) -> list[Answer | Exception]:
    """The lease for a run."""
    run = {"runId": "r", "trigger": trigger, "force": False, "full": False, "parked": parked, "cutOff": 1}
    return [{"outcome": "ACQUIRED", "lease": LEASE, "run": run}]


def job(dataset: str, mode: str) -> Answer:
    """A planned import."""
    return {"dataset": dataset, "mode": mode, "base": "b"}


def judged(verdict: str) -> Answer:
    """An evaluation."""
    return {"outcome": "ACTIVE", "verdict": verdict, "why": "numbers", "promote": [VERSION]}


GOOD: Answers = {
    "acquire_lease": leased(),
    "generate_training_data": [{"datasets": {"interactions": {"total": {"rows": 9}}}}],
    "check_data": [{"verdict": "OK", "why": "-", "imports": [job("users", "PUT"), job("interactions", "FULL")]}],
    "prepare_datasets": [WORKING, DONE],
    "import_dataset users": [{**BUSY, "sent": 1}, DONE],
    "import_dataset interactions": [BUSY, WORKING],
    "check_status import": [WORKING, DONE],
    "plan_training": [{"decision": "TRAIN", "models": [{"kind": "recommendation", "name": "rec", "recipe": "r"}]}],
    "train_model": [BUSY, WORKING],
    "check_status training": [WORKING, DONE],
    "evaluate_model": [BUSY, judged("PROMOTE")],
    "update_campaign": [BUSY, WORKING],
    "check_status campaign": [WORKING, DONE],
    "check_canaries": [BUSY, {"outcome": "ACTIVE", "verdict": "PASSED", "why": "-", "versions": []}],
    "plan_deployment": [BUSY, {"outcome": "ACTIVE", "why": "asked for", "versions": [VERSION], "takenBack": []}],
    "park_campaigns": [BUSY, DONE],
}


@dataclass
class Players:
    """The functions, as scripted; and what they were asked."""

    answers: Answers
    good: Answers
    asked: Counter[str] = field(default_factory=Counter)
    recorded: list[Answer] = field(default_factory=list)
    left: dict[str, list[Answer | Exception]] = field(default_factory=dict)

    def play(self, name: str) -> Invoke:
        """A function."""
        return functools.partial(self._answer, name)

    def _answer(self, name: str, given: Answer) -> Answer:
        about = given.get("kind") or given.get("job", {}).get("dataset")
        part = f"{name} {about}" if about and name in {"check_status", "import_dataset"} else name
        self.asked[part] += 1
        assert self.asked.total() < 60, "it goes round and round"
        if part not in self.left:
            answers = self.answers.get(part, self.good.get(part, []))
            self.left[part] = list(answers)
        left = self.left[part]
        if name in RECORDERS and not left:
            self.recorded.append(given)
            failure = given.get("failure", {})
            status = "FAILED" if failure else "recorded"
            why = f"as recorded: {failure.get('Cause')}"
            return {"status": status, "error": failure.get("Error"), "why": why, "ticket": TICKET}
        answer = left.pop(0) if len(left) > 1 or name in RECORDERS else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True)
class Told:
    """What came of a story: how it ended, what each function was asked how often, and what was recorded."""

    end: str
    asked: str
    recorded: list[str]
    visited: frozenset[str] = field(compare=False)

    def to_dict(self) -> dict[str, Any]:
        """As the file of expected ends has it."""
        return {"end": self.end, "asked": self.asked, "recorded": self.recorded}


def tell(definition: Answer, answers: Answers, good: Answers = GOOD, request: Answer | None = None) -> Told:
    """Play a story on a definition."""
    players = Players(answers, good)
    crawls = answers.get("start_crawler", [{}])

    def crawl(_: Answer) -> Any:
        if isinstance(crawls[0], Exception):
            raise crawls[0]
        return crawls[0]

    def begin(given: Answer) -> Any:
        for answer in answers.get("start_execution", []):
            if isinstance(answer, Exception):
                raise answer
        return {"ExecutionArn": f"execution:{given['Name']}"}

    names = {*(key.split()[0] for key in good), *RECORDERS}
    instead = {name: players.play(name) for name in names}
    machine = Machine(definition, instead=instead, crawler=crawl, starter=begin)
    with quick():
        ended = machine.run(request or {"trigger": "any"})
    asked = ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(players.asked.items()))
    recorded = [_record(given) for given in players.recorded]
    recorded += [f"started {given['Name']} of {given['StateMachineArn']}" for given in machine.started]
    return Told(_end(ended), asked, recorded, frozenset(ended.states))


def _end(ended: Ended) -> str:
    if ended.status == "SUCCEEDED":
        further = f", {ended.output['retraining']}" if "retraining" in ended.output else ""
        return f"green in {ended.states[-1]}: {ended.output.get('status')}{further}"
    return f"red in {ended.states[-1]}: {ended.error}: {ended.cause}"


def _record(given: Answer) -> str:
    """What a run collected: its parts and outcomes, its marks, and why it failed."""
    run, parts = given.get("run", {}), []
    for name, value in run.items():
        if isinstance(value, list):
            parts.append(f"{name} [{', '.join(_outcome(one) for one in value)}]")
        elif name == "catalogue" or (isinstance(value, dict) and name != "marks"):
            parts.append(f"{name} {_outcome(value)}".rstrip())
    failure = given.get("failure", {})
    parts.append(f"marks: {' '.join(run.get('marks', {}))}")
    parts += [f"failure: {failure.get('Error')}"] if failure else []
    return "; ".join(parts if given.get("lease") == LEASE else ["without lease", *parts])


def _outcome(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    told = ("dataset", "name", "verdict", "decision", "outcome", "polls", "sent", "arn", "solutionVersionArn")
    return " ".join(str(value[name]) for name in told if name in value)


class Here(Executor):
    """Runs what it is given at once, in the thread of whoever gives it."""

    def __init__(self, **_: object) -> None:
        """As many workers as are asked for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


COMPILE = jsonata.Jsonata.jsonata


@functools.cache
def _compiled(expression: str) -> Any:
    return COMPILE(expression)


def _remembered(expression: str, **_: object) -> Any:
    """An expression, compiled once for all stories instead of at every visit."""
    found = _compiled(expression)
    jsonata.Jsonata.CURRENT.jsonata = found
    return found


@contextmanager
def quick() -> Iterator[None]:
    """One thread, and no expression compiled twice."""
    with (
        mock.patch.object(stepfunctions, "ThreadPoolExecutor", Here),
        mock.patch.object(jsonata.Jsonata, "jsonata", _remembered),
    ):
        yield


def hurried(definition: Answer) -> Answer:
    """The definition with deadlines of three polls, Maps that take one item at a time."""
    text = re.sub(r"polls >= \d+", "polls >= 3", json.dumps(definition))
    made: Answer = json.loads(text)
    for state in made["States"].values():
        if state["Type"] == "Map":
            state["MaxConcurrency"] = 1
    return made
