"""What statelint does not look at: tasks against botocore's service models, and the grammar of JSONata expressions.

A mistyped action, argument or expression deploys well and fails at two in the morning.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape, StructureShape

_RESOURCE = re.compile(
    r"arn:[^:]*:states:::(?:aws-sdk:)?([a-z0-9]+):([A-Za-z0-9]+)(?:\.(sync|sync:2|waitForTaskToken))?$"
)
_ALIASES = {"sfn": "stepfunctions", "states": "stepfunctions"}


def states(definition: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and body of every state, those inside Map and Parallel too."""
    for name, state in definition.get("States", {}).items():
        path = f"{where}/{name}"
        yield path, state
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", {})]:
            yield from states(inner, path)


def substituted(definition: Any, values: Mapping[str, str]) -> Any:
    """The definition as it is deployed: `${Name}` replaced everywhere by its value."""
    match definition:
        case str():
            return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), definition)
        case Mapping():
            return {key: substituted(value, values) for key, value in definition.items()}
        case list():
            return [substituted(value, values) for value in definition]
    return definition


def expression_problems(definition: Mapping[str, Any]) -> list[str]:
    """JSONata expressions that do not parse; Step Functions would refuse the whole definition.

    Args:
        definition: with its substitutions made.
    """
    from jsonata.jexception import JException  # type: ignore[import-untyped]
    from jsonata.jsonata import Jsonata  # type: ignore[import-untyped]

    problems = []
    for path, text in _texts(definition, ""):
        if not text.startswith("{%"):
            continue
        if not text.endswith("%}"):
            problems.append(f"{path}: an expression begins and does not end: {text[:40]}")
            continue
        try:
            Jsonata(text[2:-2].strip())
        except JException as error:
            problems.append(f"{path}: {error}")
    return problems


def _texts(node: Any, path: str) -> Iterator[tuple[str, str]]:
    match node:
        case str():
            yield path, node
        case Mapping():
            for key, value in node.items():
                yield from _texts(value, f"{path}/{key}")
        case list():
            for position, value in enumerate(node):
                yield from _texts(value, f"{path}/{position}")


def task_problems(definition: Mapping[str, Any]) -> list[str]:
    """Unknown services, actions and arguments, and required arguments that are missing.

    Args:
        definition: Amazon States Language as a dict, JSONata (`Arguments`) or JSONPath (`Parameters`).
    """
    problems = []
    for path, state in states(definition):
        if state.get("Type") == "Task":
            problems += [f"{path}: {problem}" for problem in _task(state)]
            if "TimeoutSeconds" not in state:
                problems.append(f"{path}: no TimeoutSeconds; a Task waits 99999999 seconds by default")
    return problems


def _task(state: Mapping[str, Any]) -> list[str]:
    resource = str(state.get("Resource", ""))
    if resource.startswith("${"):
        return []
    found = _RESOURCE.fullmatch(resource)
    if not found:
        return [f"no integration is called {resource!r}"]
    service, action = found[1], found[2]
    model = _model(service)
    if model is None:
        return [f"no service {service!r}"]
    operation = action[:1].upper() + action[1:]
    if operation not in model.operation_names or not action[:1].islower():
        return [f"{service} has no action {action!r}"]
    shape = model.operation_model(operation).input_shape
    given = state.get("Arguments", state.get("Parameters", {}))
    return _arguments(shape, given, operation) if shape is not None else []


def _arguments(shape: Shape, given: object, where: str) -> list[str]:
    """Names as Step Functions wants them: the API's, each with a capital first letter."""
    if not isinstance(shape, StructureShape) or not isinstance(given, Mapping):
        return []
    members = {name[:1].upper() + name[1:]: member for name, member in shape.members.items()}
    keys = {str(key).removesuffix(".$"): value for key, value in given.items()}
    problems = [f"{where} takes no {key!r}" for key in keys if key not in members]
    required = {name[:1].upper() + name[1:] for name in shape.required_members}
    problems += [f"{where} needs {name!r}" for name in sorted(required - set(keys))]
    for key, value in keys.items():
        if key in members:
            problems += _arguments(members[key], value, f"{where}.{key}")
    return problems


@cache
def _model(service: str) -> ServiceModel | None:
    session = botocore.session.Session()
    names = {re.sub(r"[^a-z0-9]", "", name): name for name in session.get_available_services()}
    name = _ALIASES.get(service) or names.get(service)
    return session.get_service_model(name) if name else None
