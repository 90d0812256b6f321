"""State machine ↔ template: substitutions, names, permissions."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.contract.checks.permissions import granted
from tests.contract.project import Project, Properties, contract, referent, statements, text

MACHINE = "AWS::Serverless::StateMachine"
_SUBSTITUTION = re.compile(r"\$\{(\w+)\}")


def machines(project: Project) -> Iterator[tuple[str, Properties, dict[str, Any]]]:
    """Logical id, Properties and definition of every state machine whose definition exists."""
    for name, properties in project.resources(MACHINE):
        if properties.get("DefinitionUri") in project.definitions:
            yield name, properties, project.definitions[properties["DefinitionUri"]]


def states(definition: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and body of every state, those inside Map and Parallel too."""
    for name, state in definition.get("States", {}).items():
        yield name, state
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", {})]:
            yield from states(inner)


def invoked(state: dict[str, Any]) -> str:
    """The substitution that names the function a Task calls, "" for other states."""
    found = _SUBSTITUTION.search(json.dumps([state.get("Resource"), state.get("Arguments")]))
    return found[1].removesuffix("Arn") if found and found[1].endswith("FunctionArn") else ""


def callers(project: Project) -> dict[str, list[str]]:
    """The states that call each function."""
    found: dict[str, list[str]] = {}
    for _, _, definition in machines(project):
        for state, body in states(definition):
            if function := invoked(body):
                found.setdefault(function, []).append(state)
    return found


@contract
def handlers_name_their_states(project: Project) -> list[str]:
    """The docstring of a state machine's function names exactly the states that call it, in quotes."""
    findings = []
    for function, names in callers(project).items():
        module = project.entry(function)[0] if function in project.functions else ""
        docstring = ast.get_docstring(project.code.trees[module]) if module in project.code.trees else None
        if docstring is not None and set(re.findall(r'"([^"]+)"', docstring.split(":")[0])) != set(names):
            findings.append(f"{module}: docstring does not open with State {names}")
    return findings


@contract
def every_state_machine_has_its_definition(project: Project) -> list[str]:
    """DefinitionUri names a file, and every file is somebody's."""
    named = {name: at.get("DefinitionUri") for name, at in project.resources(MACHINE)}
    missing = [f"{name}: no {uri}" for name, uri in named.items() if uri not in project.definitions]
    return missing + [f"{uri}: no state machine runs it" for uri in project.definitions if uri not in named.values()]


@contract
def substitutions_are_declared_and_used(project: Project) -> list[str]:
    """A `${Name}` that the template does not fill in is deployed as it stands."""
    findings = []
    for name, properties, definition in machines(project):
        used = set(_SUBSTITUTION.findall(json.dumps(definition)))
        declared = set(properties.get("DefinitionSubstitutions", {}))
        findings += [f"{name}: ${{{at}}} is not declared" for at in sorted(used - declared)]
        findings += [f"{name}: substitution {at} is never used" for at in sorted(declared - used)]
    return findings


@contract
def substitutions_name_what_they_hold(project: Project) -> list[str]:
    """`TrainModelFunctionArn` is TrainModelFunction's ARN, and `MarginSeconds` the parameter `…MarginSeconds`."""
    return [
        f"{name}: {at} holds {text(value)}"
        for name, properties, _ in machines(project)
        for at, value in properties.get("DefinitionSubstitutions", {}).items()
        if not _holds(at, value)
    ]


def _holds(substitution: str, value: object) -> bool:
    if substitution.endswith("FunctionArn"):
        return text(value) == f"${{{substitution.removesuffix('Arn')}.Arn}}"
    word = substitution.removesuffix("Arn").removesuffix("Name")
    return text(value) == f"${{{referent(value)}}}" and referent(value).endswith(word)


@contract
def states_are_named_after_their_function(project: Project) -> list[str]:
    """State "Train model" calls TrainModelFunction; what several states call shares at least its verb with them."""
    findings = []
    for function, names in callers(project).items():
        words = re.findall(r"[A-Z][a-z]*", function.removesuffix("Function"))
        expected = " ".join(words).capitalize()
        if expected not in names and not (len(names) > 1 and all(state.startswith(words[0]) for state in names)):
            findings.append(f"{function}: called by {names}, none of them {expected!r}")
    wing = {name for name in project.functions if project.entry(name)[0].startswith("retraining.")}
    return findings + [f"{name}: no state calls it" for name in sorted(wing - set(callers(project)))]


@contract
def state_machines_may_call_exactly_their_functions(project: Project) -> list[str]:
    """The machine's role invokes what its definition names, nothing else."""
    findings = []
    for name, properties, definition in machines(project):
        grants = granted([one for policy in properties.get("Policies", []) for one in statements(policy)])
        allowed = {grant.resource for grant in grants if grant.action == "lambda:InvokeFunction"}
        calls = {f"${{{function}.Arn}}" for _, state in states(definition) if (function := invoked(state))}
        findings += [f"{name}: may not invoke {at}" for at in sorted(calls - allowed)]
        findings += [f"{name}: may invoke {at} and never does" for at in sorted(allowed - calls)]
        for action in ("glue:StartCrawler", "states:StartExecution"):
            used = re.search(action.split(":")[1], json.dumps(definition), re.IGNORECASE) is not None
            if used != any(grant.action == action for grant in grants):
                findings.append(f"{name}: {action} does not fit the definition")
    return findings


@contract
def an_update_request_starts_the_retraining(project: Project) -> list[str]:
    """The rule's role may start the machine it targets, and only that."""
    findings = []
    machine_names = {name for name, _ in project.resources(MACHINE)}
    for name, rule in project.resources("AWS::Events::Rule"):
        for target in rule.get("Targets", []):
            if referent(target["Arn"]) not in machine_names:
                continue
            allowed = project.grants(referent(target.get("RoleArn")))
            if allowed != {("states:StartExecution", text(target["Arn"]))}:
                findings.append(f"{name}: its role may {sorted(allowed)}")
    return findings
