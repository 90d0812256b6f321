"""docs/openapi.yaml as tests use it: which operation a request is, and whether an answer is one of those declared."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]
_OF_THE_GATEWAY = (502, 504)
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    parsed: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "docs/openapi.yaml").read_text())
    return parsed


def operations(described: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Method in capitals, path and declaration of every operation, path-level parameters among its own."""
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                resolved_ = [resolved(described, one) for one in parameters]
                yield method.upper(), path, {**item[method], "parameters": resolved_}


def resolved(described: Schema, value: Schema) -> Schema:
    """What a `$ref` points to; anything else as it is."""
    while "$ref" in value:
        found: Any = described
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def findings(method: str, url: str, status: int, headers: Mapping[str, str], body: object) -> list[str]:
    """What an answer has that its operation does not declare; [] for a path that no operation has.

    Args:
        method: the request's.
        url: the request's, with or without its query.
        status: the answer's.
        headers: the answer's, names in lower case.
        body: the answer's, parsed where it is JSON.
    """
    operation = _operation(method, urlsplit(url).path)
    # API Gateway's own word on a function that died.
    if operation is None or status in _OF_THE_GATEWAY:
        return []
    asked = f"{method} {url}: {status}"
    if str(status) not in operation["responses"]:
        return [f"{asked} is not declared"]
    response = resolved(document(), operation["responses"][str(status)])
    found = []
    for name, declared in response.get("headers", {}).items():
        header = resolved(document(), declared)
        if name.lower() not in headers:
            found += [f"{asked} without {name}"] if header.get("required") else []
        elif "const" in header["schema"] and headers[name.lower()] != header["schema"]["const"]:
            found.append(f"{asked} with {name}: {headers[name.lower()]}")
    given = headers.get("content-type", "").split(";")[0]
    if given not in response["content"]:
        return [*found, f"{asked} as {given or 'nothing'}"]
    schema = {**response["content"][given]["schema"], "components": document()["components"]}
    return found + [f"{asked}: {one.json_path} {one.message}" for one in Draft202012Validator(schema).iter_errors(body)]


def _operation(method: str, path: str) -> Schema | None:
    fitting = [(found, one) for one, found, declared in _patterns() if one == method and re.fullmatch(declared, path)]
    if not fitting:
        return None
    # /ranking/updates before /ranking/{userId}, as API Gateway chooses.
    chosen = min(fitting, key=lambda fit: "{" in fit[0])[0]
    return next(declared for one, found, declared in operations(document()) if (one, found) == (method, chosen))


@cache
def _patterns() -> tuple[tuple[str, str, str], ...]:
    return tuple((method, path, re.sub(r"\{\w+\}", "[^/]+", path)) for method, path, _ in operations(document()))
