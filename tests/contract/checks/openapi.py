"""docs/openapi.yaml and the stack: the same routes and bounds, and no route open in one and closed in the other."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.contract.project import Project, contract, module_name
from tests.openapi import operations, resolved

DOCUMENT = "docs/openapi.yaml"
_OPENED = {"Authorizer": "NONE"}


@contract
def the_document_describes_every_route(project: Project) -> list[str]:
    """Whoever reads the document can call the API, and finds nothing in it that is not there."""
    declared, described = _routes(project), {f"{method} {path}" for method, path, _ in _operations(project)}
    return [f"{DOCUMENT}: no word on {route}" for route in sorted(declared.keys() - described)] + [
        f"{DOCUMENT}: the template has no {route}" for route in sorted(described - declared.keys())
    ]


@contract
def the_document_says_what_needs_a_token(project: Project) -> list[str]:
    """`security: []` exactly where the template has no authorizer."""
    document, routes = _document(project), _routes(project)
    findings = []
    for method, path, operation in operations(document):
        asks = bool(operation.get("security", document.get("security")))
        if (route := f"{method} {path}") in routes and asks != (routes[route][1].get("Auth") != _OPENED):
            findings.append(f"{DOCUMENT}: {route} {'needs no' if asks else 'needs a'} token in the template")
    return findings


@contract
def the_document_names_the_handlers(project: Project) -> list[str]:
    """OperationId is the handler's name, so that a reader of one finds the other."""
    findings = []
    for route, operation, module in _served(project):
        handler = module.rpartition(".")[2]
        name = "".join(part if n == 0 else part.capitalize() for n, part in enumerate(handler.split("_")))
        if operation["operationId"] != name:
            findings.append(f"{DOCUMENT}: {route} is {name}, not {operation['operationId']}")
    return findings


@contract
def the_document_has_the_handlers_parameters(project: Project) -> list[str]:
    """Names, bounds and defaults of query parameters are those that the handler asks `validation` for."""
    findings, document = [], _document(project)
    for route, operation, module in _served(project):
        source = next(text for name, text in project.sources.items() if _is(name, module))
        asked = dict(_asked(source))
        told = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}
        if asked.keys() != told.keys():
            findings.append(f"{DOCUMENT}: {route} takes {sorted(asked)}, not {sorted(told)}")
            continue
        for name, bounds in asked.items():
            schema = resolved(document, told[name])
            said = {key: schema.get(word) for key, word in _WORDS.items() if key in bounds}
            if said != bounds:
                findings.append(f"{DOCUMENT}: {route}: {name} is {bounds}, not {said}")
    return findings


_WORDS = {"default": "default", "low": "minimum", "high": "maximum"}


def _asked(source: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Query parameters by name, with their bounds where they are numbers."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and len(call.args) > 1:
            of, name = ast.unparse(call.args[0]), call.args[1]
            if of in {"query", "request.query"} and call.func.attr != "only" and isinstance(name, ast.Constant):
                yield str(name.value), {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}


def _document(project: Project) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(project.documents[DOCUMENT])
    return parsed


def _operations(project: Project) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    yield from operations(_document(project))


def _routes(project: Project) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Function and event source by `METHOD /path`."""
    sources = project.event_sources("HttpApi")
    return {f"{route.get('Method')} {route.get('Path')}": (function, route) for function, route in sources}


def _served(project: Project) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Route, its operation, and the module of a function that serves this route alone."""
    serves = {route: function for route, (function, _) in _routes(project).items()}
    for method, path, operation in _operations(project):
        function = serves.get(route := f"{method} {path}")
        if function and list(serves.values()).count(function) == 1:
            yield route, operation, project.entry(function)[0]


def _is(path: str, module: str) -> bool:
    return path.startswith("functions/") and module_name(path) == module
