"""The nightly machine comes to the right end whatever its functions answer, and every mutant of it comes to another."""

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
    BEFORE,
    BUSY,
    FAILED,
    GOOD,
    NEITHER,
    WORKING,
    Answers,
    Told,
    hurried,
    job,
    judged,
    leased,
    tell,
)
from tests.unit.retraining.machine import definition

BROKEN = OSError("broken")
WITHDRAWN = {"outcome": "ACTIVE", "verdict": "REJECTED", "why": "silent", "versions": [BEFORE]}
STAYS = {**WITHDRAWN, "versions": []}
BY_HAND = {"rollback": leased("rollback"), "unpark": leased("unpark", parked=True), "park": leased("park")}

STORIES: dict[str, Answers] = {
    "a good night": {},
    "lease: taken": {"acquire_lease": [{"outcome": "LOCKED", "record": {"status": "SKIPPED_LOCKED"}}]},
    "lease: finished before": {"acquire_lease": [{"outcome": "FINISHED", "record": {"status": "PROMOTED"}}]},
    "data: too little": {"check_data": [{"verdict": "SKIPPED_MIN_DATA", "why": "few"}]},
    "data: unchanged": {"check_data": [{"verdict": "SKIPPED_UNCHANGED", "why": "same"}]},
    "data: refused": {"check_data": [{"verdict": "REFUSED", "why": "bad rows"}]},
    "data: one import": {
        "check_data": [{"verdict": "OK", "why": "-", "imports": [job("users", "PUT"), job("items", "NONE")]}]
    },
    "catalogue: crawling already": {"start_crawler": [_ExecutionError("Glue.CrawlerRunningException", "")]},
    "catalogue: no crawler": {"start_crawler": [_ExecutionError("Glue.EntityNotFoundException", "")]},
    "export: broken after its shares": {"generate_training_data": [{}, {}, BROKEN]},
    "datasets: failed": {"prepare_datasets": [FAILED]},
    "datasets: overdue": {"prepare_datasets": [WORKING]},
    "import: failed at once": {"import_dataset users": [FAILED]},
    "import: failed": {"check_status import": [WORKING, FAILED]},
    "import: never begun": {"import_dataset interactions": [BUSY]},
    "import: never done": {"check_status import": [WORKING]},
    "plan: no training": {"plan_training": [{"decision": "KEEP", "why": "fresh"}]},
    "training: failed at once": {"train_model": [FAILED]},
    "training: failed": {"check_status training": [WORKING, FAILED]},
    "training: never begun": {"train_model": [BUSY]},
    "training: never done": {"check_status training": [WORKING]},
    "gate: rejected": {"evaluate_model": [judged("REJECTED")]},
    "gate: approved while parked": {"acquire_lease": leased(parked=True)},
    "gate: no baseline": {"evaluate_model": [FAILED]},
    "gate: no metrics": {"evaluate_model": [BUSY]},
    "campaign: failed at once": {"update_campaign": [FAILED]},
    "campaign: failed": {"check_status campaign": [WORKING, FAILED]},
    "campaign: never begun": {"update_campaign": [BUSY]},
    "campaign: never done": {"check_status campaign": [WORKING]},
    "canaries: silent": {"check_canaries": [WITHDRAWN]},
    "canaries: silent, nothing before": {"check_canaries": [STAYS]},
    "canaries: no answer": {"check_canaries": [BUSY]},
    "rollback": {"acquire_lease": BY_HAND["rollback"]},
    "unpark": {"acquire_lease": BY_HAND["unpark"]},
    "rollback: refused": {"acquire_lease": BY_HAND["rollback"], "plan_deployment": [FAILED]},
    "rollback: overdue": {"acquire_lease": BY_HAND["rollback"], "plan_deployment": [BUSY]},
    "rollback: campaign fails": {"acquire_lease": BY_HAND["rollback"], "update_campaign": [FAILED]},
    "park": {"acquire_lease": BY_HAND["park"]},
    "park: overdue": {"acquire_lease": BY_HAND["park"], "park_campaigns": [BUSY]},
    "record: broken": {"record_run": [BROKEN]},
    "record: broken twice": {"record_run": [BROKEN, OSError("broken again")]},
    "record: done, but never said": {"record_run": [BROKEN, {"status": "PROMOTED", "why": "better"}]},
    "record of a failure: broken": {"check_data": [BROKEN], "record_run": [OSError("broken again")]},
}
ASKED_BY = {"plan_deployment": "rollback", "park_campaigns": "park"}
for part in GOOD:
    lease = {"acquire_lease": BY_HAND[ASKED_BY[part]]} if part in ASKED_BY else {}
    STORIES |= {f"{part}: broken": {**lease, part: [BROKEN]}, f"{part}: unknown": {**lease, part: [NEITHER]}}

ENDS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("stories.yaml").read_text())


# No state after these reads its input: they only keep what is carried, and the history, small.
EQUIVALENT = {
    "Export share: without Output",
    "Export in shares: without Output",
    "Generate training data: without Output",
    "Start crawler: without Output",
    "Start crawler: Catch of Glue.CrawlerRunningException without Output",
    "Start crawler: Catch of States.ALL without Output",
    "Import datasets: without Output",
    "Plan training: without Output",
}
# Rules that take next to no time; the others look at what no mutant changes.
QUICK = (
    "every_state_is_reached_and_named_once",
    "tasks_retry_what_passes_and_only_that",
    "failures_are_caught",
    "nobody_leaves_with_the_lease",
    "loops_wait_and_end",
)


@functools.cache
def nightly() -> Definition:
    """The machine as deployed, in a hurry."""
    return hurried(definition(workers=2))


@functools.cache
def told(story: str) -> Told:
    """What comes of a story."""
    return tell(nightly(), STORIES[story])


@pytest.mark.parametrize("story", STORIES)
def test_story_ends_as_it_must(story: str) -> None:
    assert told(story).to_dict() == ENDS[story]


def test_no_end_without_its_story() -> None:
    assert set(ENDS) == set(STORIES)


def noticed_by(mutant: Definition, state: str, patience: int | None = None) -> str:
    """The rule or the story that shows a mutant; "" where nothing does, or none of the first stories."""
    for rule in QUICK:
        if RULES[rule](mutant):
            return rule
    function = state.lower().replace(" ", "_")

    def promising(story: str) -> tuple[bool, int]:
        about = {part.split()[0] for part in STORIES[story]}
        return function not in about, len(told(story).asked)

    through = sorted((story for story in STORIES if state in told(story).visited), key=promising)
    for story in through[:patience]:
        if tell(mutant, STORIES[story]).to_dict() != told(story).to_dict():
            return story
    return ""


def test_every_mutant_is_noticed(record_property: Callable[[str, object], None]) -> None:
    began = time.monotonic()
    every = {
        what: noticed_by(mutant, state, 3 if what in EQUIVALENT else None) for what, state, mutant in mutants(nightly())
    }
    unnoticed = {what for what, noticed in every.items() if not noticed}
    by_rule = sum(noticed in QUICK for noticed in every.values())
    line: dict[str, object] = {"machine": "nightly_retraining", "mutants": len(every), "shown by a rule": by_rule}
    line |= {"by a story": len(every) - by_rule - len(unnoticed), "changing nothing": len(unnoticed)}
    line |= {"stories": len(STORIES), "seconds": time.monotonic() - began}
    record_property("mutants of a state machine", line)
    assert unnoticed == EQUIVALENT
