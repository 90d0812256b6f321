"""The state machines keep to every rule, and every rule notices when one does not."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.state_machine_rules import RULES, Definition

ROOT = Path(__file__).parents[2]
TEXTS = {path.name.split(".")[0]: path.read_text() for path in (ROOT / "statemachines").glob("*.asl.yaml")}
HANDLERS = ROOT / "functions" / "retraining"
Break = Callable[[dict[str, Any]], object]


def parsed(machine: str) -> Definition:
    """The definition, numbers filled in, functions, machine and crawler named by ARN."""

    def fill(found: re.Match[str]) -> str:
        numbers = {"ExportWorkers": "1", "MarginSeconds": "120", "PollSeconds": "60"}
        return numbers.get(found[1], f"arn:aws:lambda:x:1:function:{found[1]}")

    definition: Definition = yaml.safe_load(re.sub(r"\$\{(\w+)\}", fill, TEXTS[machine]))
    return definition


@pytest.mark.parametrize("machine", TEXTS)
@pytest.mark.parametrize("rule", RULES)
def test_state_machine_keeps_to(rule: str, machine: str) -> None:
    assert RULES[rule](parsed(machine)) == []


def inner(states: dict[str, Any], of: str) -> dict[str, Any]:
    """The states of a Map."""
    processed: dict[str, Any] = states[of]["ItemProcessor"]["States"]
    return processed


BREAKS: list[tuple[str, str, Break]] = [
    ("only_plain_jsonata_states", "JSONPath", lambda s: s["Record run"].update(ResultPath="$.x")),
    ("only_plain_jsonata_states", "type", lambda s: s["Unknown outcome"].update(Type="Activity")),
    (
        "only_plain_jsonata_states",
        "distributed Map",
        lambda s: s["Train models"]["ItemProcessor"].update(ProcessorConfig={"Mode": "DISTRIBUTED"}),
    ),
    ("every_state_is_reached_and_named_once", "dangling Next", lambda s: s["Check data"].update(Next="Nowhere")),
    ("every_state_is_reached_and_named_once", "orphan", lambda s: s.update(Orphan={"Type": "Succeed"})),
    (
        "every_state_is_reached_and_named_once",
        "name twice",
        lambda s: inner(s, "Train models").update({"Check data": inner(s, "Train models")["Check model"]}),
    ),
    ("tasks_retry_what_passes_and_only_that", "no Retry", lambda s: s["Check data"].pop("Retry")),
    (
        "tasks_retry_what_passes_and_only_that",
        "one error fewer",
        lambda s: inner(s, "Import datasets")["Check import"]["Retry"][0]["ErrorEquals"].pop(),
    ),
    (
        "tasks_retry_what_passes_and_only_that",
        "domain errors retried",
        lambda s: s["Plan training"]["Retry"][0]["ErrorEquals"].append("States.TaskFailed"),
    ),
    (
        "tasks_retry_what_passes_and_only_that",
        "default numbers",
        lambda s: s["Plan training"]["Retry"][0].pop("BackoffRate"),
    ),
    ("tasks_time_out_and_fit_their_services", "no timeout", lambda s: s["Record run"].pop("TimeoutSeconds")),
    (
        "tasks_time_out_and_fit_their_services",
        "action typo",
        lambda s: s["Start crawler"].update(Resource="arn:aws:states:::aws-sdk:glue:startCrawlr"),
    ),
    (
        "tasks_time_out_and_fit_their_services",
        "argument typo",
        lambda s: s["Start crawler"].update(Arguments={"CrawlerName": "x"}),
    ),
    (
        "tasks_time_out_and_fit_their_services",
        "error typo",
        lambda s: s["Start crawler"]["Catch"][0].update(ErrorEquals=["Glue.CrawlerIsRunningException"]),
    ),
    ("failures_are_caught", "no Catch", lambda s: s["Evaluate model"].pop("Catch")),
    ("failures_are_caught", "Map without Catch", lambda s: s["Train models"].pop("Catch")),
    (
        "failures_are_caught",
        "Catch of one error",
        lambda s: s["Check data"]["Catch"][0].update(ErrorEquals=["States.Timeout"]),
    ),
    (
        "nobody_leaves_with_the_lease",
        "Catch around the record",
        lambda s: s["Check data"]["Catch"][0].update(Next="Run failed"),
    ),
    (
        "nobody_leaves_with_the_lease",
        "early success",
        lambda s: s["Anything to learn?"]["Choices"][1].update(Next="Skipped locked"),
    ),
    (
        "nobody_leaves_with_the_lease",
        "recorded failure ends green",
        lambda s: s["Record failure"].update(Next="Skipped locked"),
    ),
    (
        "loops_wait_and_end",
        "no deadline",
        lambda s: inner(s, "Train models")["Model done?"]["Choices"].pop(1),
    ),
    (
        "loops_wait_and_end",
        "does not count",
        lambda s: inner(s, "Update campaigns")["Wait for campaign"].pop("Output"),
    ),
    (
        "loops_wait_and_end",
        "does not wait",
        lambda s: inner(s, "Import datasets")["Import done?"].update(Default="Check import"),
    ),
    (
        "the_longest_run_fits",
        "a deadline too far",
        lambda s: inner(s, "Train models")["Model done?"]["Choices"][1].update(Condition="{% $x.polls >= 4000 %}"),
    ),
    ("expressions_compile", "syntax", lambda s: s["Wait for writers"].update(Seconds="{% 1 + %}")),
    ("expressions_compile", "half an expression", lambda s: s["Record run"].update(Output="{% $states.result")),
    ("expressions_compile", "unknown variable", lambda s: s["Record run"].update(Output="{% $runn.status %}")),
    (
        "maps_leave_outer_variables_alone",
        "assigned inside",
        lambda s: inner(s, "Train models")["Check model"].update(Assign={"run": "{% $states.result %}"}),
    ),
    ("the_linter_is_content", "no way on", lambda s: s["Start crawler"].pop("Next")),
]


ERASURE_BREAKS: list[tuple[str, str, Break]] = [
    ("every_state_is_reached_and_named_once", "dangling Next", lambda s: s["Erase lake"].update(Next="Nowhere")),
    ("tasks_retry_what_passes_and_only_that", "no Retry", lambda s: s["Erase records"].pop("Retry")),
    (
        "tasks_time_out_and_fit_their_services",
        "argument typo",
        lambda s: s["Start retraining"]["Arguments"].update(In=1),
    ),
    ("failures_are_caught", "no Catch", lambda s: s["Start deletion"].pop("Catch")),
    (
        "nobody_leaves_with_the_lease",
        "Catch around the record",
        lambda s: s["Erase lake"]["Catch"][0].update(Next="Erasure failed"),
    ),
    (
        "nobody_leaves_with_the_lease",
        "trains before it gives the lease back",
        lambda s: s["Deletion done?"]["Choices"][0].update(Next="Start retraining"),
    ),
    (
        "nobody_leaves_with_the_lease",
        "failure ends green",
        lambda s: s["Finish failed erasure"].update(Next="Student erased"),
    ),
    ("loops_wait_and_end", "waits for ever", lambda s: s["Deletion done?"]["Choices"].pop(2)),
    ("loops_wait_and_end", "does not count", lambda s: s["Wait for lease"].pop("Output")),
    ("loops_wait_and_end", "does not wait", lambda s: s["Records erased?"].update(Default="Erase records")),
    ("expressions_compile", "unknown variable", lambda s: s["Start retraining"].update(Output="{% $audit %}")),
]
ALL_BREAKS = [
    *(("nightly_retraining", *one) for one in BREAKS),
    *(("erase_student", *one) for one in ERASURE_BREAKS),
]


@pytest.mark.parametrize(
    ("machine", "rule", "what", "break_it"), ALL_BREAKS, ids=[": ".join(one[:3]) for one in ALL_BREAKS]
)
def test_rule_notices(machine: str, rule: str, what: str, break_it: Break) -> None:
    broken = copy.deepcopy(parsed(machine))
    break_it(broken["States"])
    assert RULES[rule](broken) != [], what


def test_every_rule_has_been_broken() -> None:
    assert {rule for rule, _, _ in BREAKS} == set(RULES)


def test_every_function_of_the_wing_is_a_state_and_the_other_way_round() -> None:
    every = "".join(TEXTS.values())
    named = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in re.findall(r"\$\{(\w+)FunctionArn\}", every)}
    handlers = {path.stem for path in HANDLERS.glob("*.py") if "\ndef handler(event" in path.read_text()}
    assert named == handlers


OTHERS = {
    "nightly_retraining": {"CrawlerName", "ExportWorkers", "MarginSeconds", "PollSeconds"},
    "erase_student": {"NightlyRetrainingArn", "MarginSeconds", "PollSeconds"},
}


@pytest.mark.parametrize("machine", TEXTS)
def test_other_substitutions_are_those_that_the_template_declares(machine: str) -> None:
    others = {name for name in re.findall(r"\$\{(\w+)\}", TEXTS[machine]) if not name.endswith("FunctionArn")}
    assert others == OTHERS[machine]


@pytest.mark.parametrize("machine", TEXTS)
def test_definition_is_plain_yaml(machine: str) -> None:
    """Neither anchors nor aliases: not every reader of state machines expands them."""
    anchored = [event for event in yaml.parse(TEXTS[machine]) if getattr(event, "anchor", None)]
    assert anchored == []
