"""Every constraint of the three service models is violated once, for every operation, and must be refused.

The cases are generated from botocore's shapes: required, type, enum, pattern, minimum and maximum, sizes of lists and
maps. What botocore leaves unchecked on the client (patterns, maxima, enums) is what a local service must not let pass.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, StringShape, StructureShape

from local.personalize import PersonalizeService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import OperationModel, Shape

SERVICES = ("personalize", "personalize-runtime", "personalize-events")
SESSION = botocore.session.get_session()
OPERATIONS = {
    name: model.operation_model(name)
    for model in map(SESSION.get_service_model, SERVICES)
    for name in model.operation_names
}
SAMPLES = (
    "arn:aws:personalize:us-east-1:000000000000:thing/name",
    "arn:aws:iam::000000000000:role/Personalize",
    "arn:aws:kms:us-east-1:000000000000:key/1",
    "s3://bucket/path",
    "rate(1 day)",
    "name",
)
WRONG_TYPES: dict[str, Any] = {
    "string": 7,
    "integer": "seven",
    "long": "seven",
    "float": "seven",
    "double": "seven",
    "boolean": "yes",
    "timestamp": [],
    "list": {},
    "map": [],
    "structure": "text",
}
SAID = {
    "type": "have type",
    "required": "not be null",
    "min": "have (length|value) greater",
    "max": "have (length|value) less",
    "pattern": "satisfy regular expression pattern",
    "enum": "satisfy enum value set",
    "unicode": "be valid Unicode",
}
Place = tuple[str | int, ...]


def sample(shape: Shape) -> Any:
    """A value that satisfies a shape, with every member present."""
    low = shape.metadata.get("min")
    if isinstance(shape, StructureShape):
        return {name: sample(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [sample(shape.member)] * max(1, low or 0)
    if isinstance(shape, MapShape):
        return {sample(shape.key): sample(shape.value)}
    if isinstance(shape, StringShape):
        return next(text for text in (*shape.enum, *SAMPLES) if fits(shape, text))
    return {"boolean": True, "timestamp": 1_700_000_000}.get(shape.type_name, max(low or 0, 1))


def fits(shape: Shape, text: str) -> bool:
    """Whether the validator itself finds nothing wrong; the positive test below keeps it honest."""
    from local.personalize.constraints import violations

    return not list(violations(shape, text, "x"))


def breaches(shape: Shape, path: Place = ()) -> Iterator[tuple[str, Place, Any]]:
    """Each constraint below a shape: what it is, where it stands, and a value that violates it (None: absent)."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if path:
        yield "type", path, WRONG_TYPES[shape.type_name]
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            yield "required", (*path, name), None
        for name, member in shape.members.items():
            yield from breaches(member, (*path, name))
    elif isinstance(shape, ListShape):
        one = sample(shape.member)
        if low:
            yield "min", path, [one] * (low - 1)
        if high is not None:
            yield "max", path, [one] * (high + 1)
        yield from breaches(shape.member, (*path, 0))
    elif isinstance(shape, MapShape):
        value = sample(shape.value)
        if high is not None and not shape.key.metadata.get("enum"):
            yield "max", path, {f"key{chr(97 + n // 26)}{chr(97 + n % 26)}": value for n in range(high + 1)}
        if "pattern" in shape.key.metadata:
            yield "pattern", path, {"bad key!": value}
        if "max" in shape.key.metadata:
            yield "max", path, {"k" * (shape.key.metadata["max"] + 1): value}
        yield from breaches(shape.value, (*path, sample(shape.key)))
    elif isinstance(shape, StringShape):
        yield "unicode", path, "\ud800"
        if low:
            yield "min", path, ""
        if high is not None:
            yield "max", path, sample(shape) + "x" * high
        if "pattern" in shape.metadata:
            yield (
                "pattern",
                path,
                "\u2028 not <matching>!" if "\\p{" not in shape.metadata["pattern"] else "\u00a7\x07é",
            )
        if shape.enum:
            yield "enum", path, "NONE_OF_THEM"
    elif shape.type_name == "timestamp":
        yield "min", path, -1e30
        yield "max", path, 1_700_000_000_000
    elif shape.type_name in {"integer", "long", "float", "double"}:
        if shape.type_name == "integer":
            low, high = -(2**31) if low is None else low, 2**31 - 1 if high is None else high
        if low is not None:
            yield "min", path, low - 1
        if high is not None:
            yield "max", path, high + 1


def replaced(value: Any, path: Place, new: Any) -> Any:
    """A deep copy with one place changed, or removed if the new value is None."""
    changed = copy.deepcopy(value)
    place = changed
    for step in path[:-1]:
        place = place[step]
    if new is None:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return changed


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PersonalizeService]:
    made = PersonalizeService(tmp_path_factory.mktemp("conformance"), s3_endpoint_url=lambda: "http://127.0.0.1:9")
    yield made
    made.close()


def call(service: PersonalizeService, operation: OperationModel, parameters: Any) -> tuple[int, str, str]:
    """HTTP status, error code and message."""
    body = json.dumps(parameters).encode()
    if operation.service_model.service_name == "personalize":
        headers = {"x-amz-target": f"AmazonPersonalize.{operation.name}"}
    else:
        headers = {}
    path = operation.http["requestUri"]
    status, answered, content = asyncio.run(service.handle("POST", path, headers, body, {}))
    code = answered.get("x-amzn-ErrorType", "")
    message = json.loads(content).get("message", "")
    if headers and status != 200:
        assert json.loads(content)["__type"] == code
    return status, code, message


INPUTS = {name: operation.input_shape for name, operation in OPERATIONS.items() if operation.input_shape is not None}


@pytest.mark.parametrize("name", INPUTS)
def test_every_violated_constraint_is_refused_and_named(service: PersonalizeService, name: str) -> None:
    operation, valid = OPERATIONS[name], sample(INPUTS[name])
    for constraint, path, value in breaches(INPUTS[name]):
        status, code, message = call(service, operation, replaced(valid, path, value))
        place = [step for step in path if isinstance(step, str)][-1]
        assert (status, code) == (400, "InvalidInputException"), (constraint, path, message)
        assert re.search(f"failed to satisfy constraint: Member must {SAID[constraint]}", message), (path, message)
        assert str(place) in message, (constraint, path, message)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_within_all_constraints_is_not_refused_for_its_form(service: PersonalizeService, name: str) -> None:
    operation = OPERATIONS[name]
    valid = sample(operation.input_shape) if operation.input_shape else {}
    _, code, message = call(service, operation, valid)
    assert "validation error" not in message
    assert code in {
        "",
        "NotImplementedException",
        "InvalidInputException",
        *(shape.name for shape in operation.error_shapes),
    }


def test_the_cases_cover_every_operation_and_constraint() -> None:
    found = {name: list(breaches(shape)) for name, shape in INPUTS.items()}
    assert len(OPERATIONS) == 79
    assert sum(map(len, found.values())) > 1_000
    assert {constraint for cases in found.values() for constraint, _, _ in cases} == set(SAID)


def test_what_the_docs_call_implemented_is() -> None:
    from local.personalize.operations import OPERATIONS as IMPLEMENTED

    assert set(IMPLEMENTED) <= set(OPERATIONS)
    for noun in ("DatasetGroup", "Schema", "Dataset", "EventTracker", "Filter", "Solution", "Campaign"):
        assert {f"Create{noun}", f"Describe{noun}", f"List{noun}s", f"Delete{noun}"} <= set(IMPLEMENTED)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"maxResults": NaN}',
        b'{"maxResults": 1e400}',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(service: PersonalizeService, body: bytes) -> None:
    headers = {"x-amz-target": "AmazonPersonalize.ListRecipes"}
    status, answered, _ = asyncio.run(service.handle("POST", "/", headers, body, {}))
    assert (status, answered["x-amzn-ErrorType"]) == (400, "SerializationException")


def test_a_whole_number_may_be_written_with_a_point(service: PersonalizeService) -> None:
    status, _, message = call(service, OPERATIONS["ListRecipes"], {"maxResults": 3.0})
    assert (status, message) == (200, "")


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/", "AmazonPersonalize.Nonsense"),
        ("POST", "/", "AWSGlue.DeleteSchema"),
        ("POST", "/", "ListRecipes"),
        ("POST", "/", "/recommendations"),
        ("GET", "/recommendations", ""),
        ("POST", "/elsewhere", ""),
    ],
)
def test_an_unknown_call_is_told_what_there_is(
    service: PersonalizeService, method: str, path: str, target: str
) -> None:
    headers = {"x-amz-target": target} if target else {}
    status, _, body = asyncio.run(service.handle(method, path, headers, b"{}", {}))
    assert status == 501
    message = json.loads(body)["message"]
    assert "is no operation of Amazon Personalize. Implemented: CreateBatchInferenceJob, " in message
    assert "GetRecommendations" in message
    assert "CreateRecommender" not in message
