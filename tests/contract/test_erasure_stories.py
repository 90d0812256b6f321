"""The erasure's machine comes to the right end whatever its functions answer, and every mutant of it to another."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ministack.services.stepfunctions import _ExecutionError

from tests.contract.mutants import mutants
from tests.contract.state_machine_rules import RULES, Definition
from tests.contract.stories import (
    BUSY,
    DONE,
    FAILED,
    LEASE,
    NEITHER,
    TICKET,
    WORKING,
    Answer,
    Answers,
    Told,
    hurried,
    tell,
)
from tests.contract.test_stories import BROKEN, QUICK
from tests.unit.retraining.machine import ERASURE, definition

ERASED: Answer = {"status": "ERASED", "ticket": TICKET}
LOCKED = {"outcome": "LOCKED"}
ACQUIRED = {"outcome": "ACQUIRED", "lease": LEASE}
FINISHED = {"outcome": "FINISHED", "record": ERASED}
# Each step waits as long as its deadline of three polls allows, so that no step may count the polls of the one before.
GOOD: Answers = {
    "begin_erasure": [LOCKED, LOCKED, ACQUIRED],
    "erase_records": [WORKING, WORKING, DONE],
    "erase_lake": [WORKING, WORKING, DONE],
    "start_deletion": [BUSY, WORKING],
    "check_status deletion": [WORKING, DONE],
}
TRAINS_ALREADY = _ExecutionError("StepFunctions.ExecutionAlreadyExistsException", "")
NO_MACHINE = _ExecutionError("StepFunctions.StateMachineDoesNotExistException", "no such machine")

STORIES: dict[str, Answers] = {
    "a good erasure": {},
    "lease: never free": {"begin_erasure": [LOCKED]},
    "ticket: done before": {"begin_erasure": [FINISHED]},
    "records: never done": {"erase_records": [WORKING]},
    "lake: never done": {"erase_lake": [WORKING]},
    "deletion: failed at once": {"start_deletion": [FAILED]},
    "deletion: nothing to delete": {"start_deletion": [DONE]},
    "deletion: never begun": {"start_deletion": [BUSY]},
    "deletion: failed": {"check_status deletion": [WORKING, FAILED]},
    "deletion: never done": {"check_status deletion": [WORKING]},
    "deletion: never done, and no reason": {
        "check_status deletion": [{"outcome": "IN_PROGRESS", "status": "IN_PROGRESS"}],
        "start_deletion": [{"outcome": "IN_PROGRESS", "status": "PENDING", "arn": "arn:it"}],
    },
    "finish: broken": {"finish_erasure": [BROKEN]},
    "finish: done, but never said": {"finish_erasure": [BROKEN, ERASED]},
    "finish: broken twice": {"finish_erasure": [BROKEN, OSError("broken again")]},
    "training: begun before": {"start_execution": [TRAINS_ALREADY]},
    "training: cannot begin": {"start_execution": [NO_MACHINE]},
}
for part in GOOD:
    STORIES |= {f"{part}: broken": {part: [BROKEN]}, f"{part}: unknown": {part: [NEITHER]}}

ENDS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("erasure_stories.yaml").read_text())


@functools.cache
def erasure() -> Definition:
    """The machine as deployed, in a hurry."""
    return hurried(definition(ERASURE))


def retold(story: str, machine: Definition) -> Told:
    """What comes of a story on a machine."""
    return tell(machine, STORIES[story], GOOD, {"ticket": TICKET})


@functools.cache
def told(story: str) -> Told:
    """What comes of it on ours."""
    return retold(story, erasure())


@pytest.mark.parametrize("story", STORIES)
def test_story_ends_as_it_must(story: str) -> None:
    assert told(story).to_dict() == ENDS[story]


def test_no_end_without_its_story() -> None:
    assert set(ENDS) == set(STORIES)


def noticed_by(mutant: Definition, state: str) -> str:
    """The rule or the story that shows a mutant; "" where nothing does."""
    shown = (rule for rule in QUICK if RULES[rule](mutant))
    through = (story for story in STORIES if state in told(story).visited)
    told_otherwise = (story for story in through if retold(story, mutant).to_dict() != told(story).to_dict())
    return next(shown, "") or next(told_otherwise, "")


def test_every_mutant_is_noticed(record_property: Callable[[str, object], None]) -> None:
    began = time.monotonic()
    every = {what: noticed_by(mutant, state) for what, state, mutant in mutants(erasure())}
    unnoticed = {what for what, noticed in every.items() if not noticed}
    by_rule = sum(noticed in QUICK for noticed in every.values())
    line: dict[str, object] = {"machine": "erase_student", "mutants": len(every), "shown by a rule": by_rule}
    line |= {"by a story": len(every) - by_rule - len(unnoticed), "changing nothing": len(unnoticed)}
    line |= {"stories": len(STORIES), "seconds": time.monotonic() - began}
    record_property("mutants of a state machine", line)
    assert unnoticed == set()
