"""What every state machine of ours keeps to; each rule answers its findings about a definition."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonata  # type: ignore[import-untyped]
from botocore.session import Session
from statelint.linter import Linter

from tests.static.asl import states, task_problems

Definition = dict[str, Any]
State = dict[str, Any]

TYPES = {"Task", "Map", "Choice", "Wait", "Pass", "Parallel", "Succeed", "Fail"}
JSONPATH = {"InputPath", "OutputPath", "ResultPath", "ResultSelector", "Parameters", "ItemsPath", "Result"}
LAMBDA = "arn:aws:states:::lambda:invoke"
TRANSIENT = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}
OUT_OF_TIME = {"Sandbox.Timedout", "Lambda.Unknown"}
# How a machine begins → the state before which it holds the lease, those that give it back, the red end.
LEASED = {
    "Acquire lease": ("What is asked?", ("Record run", "Record failure"), "Run failed"),
    "Begin erasure": ("Wait for writers", ("Finish erasure", "Finish failed erasure"), "Erasure failed"),
}
# Events of one poll: a Wait and a Choice are entered and exited; a task is also scheduled, started and has succeeded.
A_POLL = 2 + 2 + 5
MAX_EVENTS = 25_000
# What an execution may go through of a Map's loop: a FULL and then single records of two of three datasets; three
# models; two campaigns, there and back.
LEGS = {"Import datasets": 5, "Train models": 3, "Update campaigns": 4}
_DEADLINE = re.compile(r"polls >= (\d+)")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_BUILT_IN = {"states", "v", "k"}


def scopes(definition: Definition) -> Iterator[tuple[str, Definition]]:
    """The machine and every Map's processor: within one, states may follow each other."""
    yield "", definition
    for name, state in definition["States"].items():
        if "ItemProcessor" in state:
            yield name, state["ItemProcessor"]


def following(state: Mapping[str, Any]) -> set[str]:
    """States that may come right after."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {way[key] for way in ways for key in ("Next", "Default") if key in way}


def reachable(scope: Definition, start: str, without: tuple[str, ...] = ()) -> set[str]:
    """States that an execution can come to from `start`, going through none of `without`."""
    found: set[str] = set()
    ahead = {start} - set(without)
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= following(scope["States"].get(name, {})) - found - set(without)
    return found


def expressions(value: object) -> Iterator[str]:
    """All strings in a definition."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def only_plain_jsonata_states(definition: Definition) -> list[str]:
    """JSONata and eight types of states: what the emulator runs as AWS does."""
    findings = [] if definition.get("QueryLanguage") == "JSONata" else ["the language is not JSONata"]
    for path, state in states(definition):
        if state["Type"] not in TYPES:
            findings.append(f"{path}: type {state['Type']}")
        findings += [f"{path}: {field} is JSONPath" for field in sorted(JSONPATH & set(state))]
        if state["Type"] == "Map" and state["ItemProcessor"]["ProcessorConfig"] != {"Mode": "INLINE"}:
            findings.append(f"{path}: not an inline Map")
    return findings


def every_state_is_reached_and_named_once(definition: Definition) -> list[str]:
    """No dangling Next, no state that nothing leads to, no name twice in the whole machine."""
    findings = []
    names = [path.rpartition("/")[2] for path, _ in states(definition)]
    findings += [f"two states are called {name!r}" for name in sorted({one for one in names if names.count(one) > 1})]
    for where, scope in scopes(definition):
        known = set(scope["States"])
        reached = reachable(scope, scope["StartAt"])
        findings += [f"{where}: nothing is called {name!r}" for name in sorted(reached - known)]
        findings += [f"{where}: nothing leads to {name!r}" for name in sorted(known - reached)]
    return findings


def tasks_retry_what_passes_and_only_that(definition: Definition) -> list[str]:
    """Each Lambda task has its own Retry on Lambda's transients; domain outcomes are data, so never retried."""
    findings = []
    for path, state in states(definition):
        if state["Type"] != "Task":
            continue
        retried = {error for retrier in state.get("Retry", []) for error in retrier["ErrorEquals"]}
        if state["Resource"] == LAMBDA and retried != TRANSIENT | OUT_OF_TIME:
            findings.append(f"{path}: retries {sorted(retried)}")
        if state["Resource"] != LAMBDA and not retried:
            findings.append(f"{path}: no Retry")
        if any(not {"IntervalSeconds", "MaxAttempts", "BackoffRate"} <= set(one) for one in state.get("Retry", [])):
            findings.append(f"{path}: a Retry leaves its numbers to defaults")
    return findings


def tasks_time_out_and_fit_their_services(definition: Definition) -> list[str]:
    """TimeoutSeconds everywhere; actions, arguments and caught errors as botocore's models have them."""
    findings = task_problems(definition)
    session = Session()
    for path, state in states(definition):
        found = re.fullmatch(r"arn:aws:states:::aws-sdk:(\w+):(\w+)", str(state.get("Resource", "")))
        if not found or findings:
            continue
        operation = found[2][:1].upper() + found[2][1:]
        model = session.get_service_model(found[1]).operation_model(operation)
        known = {f"{found[1].capitalize()}.{shape.name}" for shape in model.error_shapes} | {"States.ALL"}
        named = {one for way in [*state.get("Catch", []), *state.get("Retry", [])] for one in way["ErrorEquals"]}
        findings += [f"{path}: {operation} has no error {error}" for error in sorted(named - known)]
    return findings


def failures_are_caught(definition: Definition) -> list[str]:
    """Every Task and Map of the machine ends its Catch with States.ALL, alone."""
    return [
        f"{name}: what fails here ends the execution without a word"
        for name, state in definition["States"].items()
        if state["Type"] in {"Task", "Map"}
        and (not state.get("Catch") or state["Catch"][-1]["ErrorEquals"] != ["States.ALL"])
    ]


def nobody_leaves_with_the_lease(definition: Definition) -> list[str]:
    """Once the lease is held, every way to an end leads through one of the states that give it back."""
    findings = []
    first, recorders, red = LEASED[definition["StartAt"]]
    for name in sorted(reachable(definition, first, without=recorders)):
        state = definition["States"].get(name, {})
        if state.get("End") or state.get("Type") in {"Succeed", "Fail"}:
            findings.append(f"{name} ends the execution with the lease held")
    after = definition["States"][recorders[-1]]["Next"]
    # A Choice may let go whose record says that it went well.
    if definition["States"].get(after, {}).get("Default", after) != red:
        findings.append("a recorded failure does not end red")
    if definition["States"][red]["Type"] != "Fail":
        findings.append(f"{red} does not fail")
    return findings


def loops_wait_and_end(definition: Definition) -> list[str]:
    """Every loop holds a Wait that counts, and a Choice that stops counting."""
    findings = []
    for where, scope in scopes(definition):
        waits = tuple(name for name, state in scope["States"].items() if state["Type"] == "Wait")
        findings += [
            f"{where}/{name}: goes round without waiting"
            for name in scope["States"]
            if name not in waits and _loop(scope, name, without=waits)
        ]
        for name in waits:
            around = _loop(scope, name)
            if around and "polls + 1" not in str(scope["States"][name].get("Output")):
                findings.append(f"{where}/{name}: does not count")
            if around and not _deadlines(scope, around):
                findings.append(f"{where}/{name}: goes round for ever")
    return findings


def _loop(scope: Definition, name: str, without: tuple[str, ...] = ()) -> set[str]:
    """The states that lie on a way from `name` back to it; {} where there is none."""
    ahead = {one for after in following(scope["States"][name]) for one in reachable(scope, after, without)}
    return {one for one in ahead if name in reachable(scope, one, without)} if name in ahead else set()


def _deadlines(scope: Definition, around: set[str]) -> list[int]:
    return [
        int(number)
        for one in around
        for rule in scope["States"][one].get("Choices", [])
        for number in _DEADLINE.findall(str(rule.get("Condition")))
    ]


def the_longest_run_fits(definition: Definition) -> list[str]:
    """Worst case of all loops: below Step Functions' 25,000 events, and shorter than the backstop."""
    events, seconds = 600, 0.0  # what lies outside of loops, and Lambda's hiccups
    for where, scope in scopes(definition):
        for around in {frozenset(_loop(scope, name)) for name in scope["States"]} - {frozenset()}:
            polls = max(_deadlines(scope, set(around)), default=MAX_EVENTS)
            events += polls * A_POLL * LEGS.get(where, 1)
            seconds += sum(60 * min(5, 1 + poll // 10) for poll in range(polls))
    findings = [f"{events} history events are possible"] if events > MAX_EVENTS else []
    if seconds > definition["TimeoutSeconds"]:
        findings.append(f"deadlines add up to {seconds:.0f} s, more than the backstop")
    return findings


def expressions_compile(definition: Definition) -> list[str]:
    """`{% … %}` is JSONata, and every variable in it is assigned somewhere."""
    findings = []
    assigned = {name for _, state in states(definition) for name in _assigned(state)}
    for text in expressions(definition):
        if not (text.startswith("{%") and text.endswith("%}")):
            findings += [f"{text!r} is half an expression"] if "%}" in text or "{%" in text else []
            continue
        try:
            jsonata.Jsonata.jsonata(text.removeprefix("{%").removesuffix("%}").strip())
        except Exception as error:
            findings.append(f"{text}: {error}")
        bare = re.sub(r"\$\w+\(", "", text)
        findings += [
            f"{text}: ${name} is never assigned" for name in set(_VARIABLE.findall(bare)) - assigned - _BUILT_IN
        ]
    return findings


def _assigned(state: State) -> Iterator[str]:
    for way in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        yield from way.get("Assign", {})


def maps_leave_outer_variables_alone(definition: Definition) -> list[str]:
    """AWS refuses an Assign inside a Map to a variable of the machine."""
    return [f"{path}: assigns" for path, state in states(definition) if path.count("/") > 1 and set(_assigned(state))]


def the_linter_is_content(definition: Definition) -> list[str]:
    """statelint, which does not know that a Wait's Seconds may be an expression (AWS: "Wait workflow state")."""
    known = re.compile(r'Seconds is "\{%.*%\}" but should be an Integer$')
    return [finding for finding in Linter.validate(definition) if not known.search(finding)]


RULES = {
    rule.__name__: rule
    for rule in (
        only_plain_jsonata_states,
        every_state_is_reached_and_named_once,
        tasks_retry_what_passes_and_only_that,
        tasks_time_out_and_fit_their_services,
        failures_are_caught,
        nobody_leaves_with_the_lease,
        loops_wait_and_end,
        the_longest_run_fits,
        expressions_compile,
        maps_leave_outer_variables_alone,
        the_linter_is_content,
    )
}
