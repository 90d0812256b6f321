"""The wire formats of the three clients, read from botocore's service models.

`personalize` speaks AWS JSON 1.1 (`X-Amz-Target: AmazonPersonalize.<Operation>`); `personalize-runtime` and
`personalize-events` speak REST-JSON, one path per operation.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.model import ListShape, MapShape, StructureShape

from local.personalize.constraints import validate
from local.personalize.errors import InvalidInput, NotImplementedHere, Serialization
from local.personalize.json_value import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, ServiceModel, Shape

    from local.personalize.errors import ServiceError
    from local.personalize.json_value import Json

JSON_11 = "application/x-amz-json-1.1"
REST_JSON = "application/json"
SERVICES = ("personalize", "personalize-runtime", "personalize-events")
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Call:
    """One request: its operation and its validated parameters (timestamps as epoch seconds)."""

    operation: OperationModel
    parameters: dict[str, Any]


@cache
def service_models() -> dict[str, ServiceModel]:
    """The service models of the three clients, from botocore's data files."""
    session = botocore.session.get_session()
    return {name: session.get_service_model(name) for name in SERVICES}


@cache
def operations() -> dict[str, OperationModel]:
    """Every operation of the three services; their names do not overlap."""
    return {name: model.operation_model(name) for model in service_models().values() for name in model.operation_names}


@cache
def addresses() -> dict[str, OperationModel]:
    """Operations by what a request names them with: `X-Amz-Target`, or method and path of a REST-JSON service."""
    return {_address(operation): operation for operation in operations().values()}


def _address(operation: OperationModel) -> str:
    prefix = operation.service_model.metadata.get("targetPrefix")
    return f"{prefix}.{operation.name}" if prefix else f"{operation.http['method']} {operation.http['requestUri']}"


def is_rest(headers: Mapping[str, str]) -> bool:
    """Whether a request belongs to one of the REST-JSON services (it names no target)."""
    return "x-amz-target" not in headers


def decode(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
    """The call a request makes, validated against its input shape.

    Raises:
        NotImplementedHere: No such operation.
        Serialization: The body is no JSON object.
        InvalidInput: A constraint of the service model is violated.
    """
    operation = addresses().get(f"{method} {path.rstrip('/')}" if is_rest(headers) else headers["x-amz-target"])
    if operation is None or method != operation.http["method"]:
        asked = f"{method} {path} {headers.get('x-amz-target', '')}".strip()
        raise NotImplementedHere(f"{asked} is no operation of Amazon Personalize.")
    try:
        parameters = parse_json(body.decode("utf-8-sig")) if body.strip() else {}
    except ValueError as error:
        raise Serialization(f"The request body is not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise Serialization("The request body is not a JSON object")
    if operation.input_shape is not None:
        validate(operation.input_shape, parameters)
        parameters = _parsed(operation.input_shape, parameters, "")
    return Call(operation, parameters)


def encode(operation: OperationModel, result: Mapping[str, Any]) -> Answer:
    """The answer of an operation: the members its output shape knows, and no others."""
    shape = operation.output_shape
    body = json.dumps(shaped(shape, result) if shape is not None else {}, separators=(",", ":")).encode()
    content = JSON_11 if operation.service_model.service_name == "personalize" else REST_JSON
    return 200, _headers(content), body


def refuse(error: ServiceError, *, rest: bool) -> Answer:
    """An error in the protocol of the caller, with the status the service model gives it."""
    status = _rest_status(error) if rest else error.status
    body = json.dumps({"message": error.message} if rest else {"__type": error.code, "message": error.message}).encode()
    headers = _headers(REST_JSON if rest else JSON_11)
    headers["x-amzn-ErrorType"] = error.code
    return status, headers, body


def modelled(error: ServiceError, operation: OperationModel) -> ServiceError:
    """The error itself if the service model lists it for the operation; else the general InvalidInput."""
    known = {shape.name for shape in operation.error_shapes}
    return InvalidInput(error.message) if error.code in _modelled_codes() - known else error


def shaped(shape: Shape, value: Json) -> Json:
    """A value reduced to what a shape holds: unknown and absent members are left out."""
    if isinstance(shape, StructureShape):
        return {
            name: shaped(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [shaped(shape.member, element) for element in value]
    if isinstance(shape, MapShape):
        return {key: shaped(shape.value, element) for key, element in value.items()}
    return value


def _parsed(shape: Shape, value: Json, path: str) -> Json:
    """Known members only, timestamps as epoch seconds, whole numbers as int; other values unchanged."""
    if isinstance(shape, StructureShape):
        return {
            name: _parsed(member, value[name], f"{path}.{name}")
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_parsed(shape.member, element, path) for element in value]
    if shape.type_name == "timestamp" and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError as error:
            raise InvalidInput(f"Value '{value}' at '{path.lstrip('.')}' is no timestamp") from error
    return int(value) if shape.type_name in {"integer", "long"} else value


@cache
def _modelled_codes() -> frozenset[str]:
    return frozenset(shape.name for name in SERVICES for shape in _error_shapes(name))


@cache
def _rest_statuses() -> dict[str, int]:
    shapes = (shape for name in SERVICES[1:] for shape in _error_shapes(name))
    return {shape.name: int(shape.metadata.get("error", {}).get("httpStatusCode", 400)) for shape in shapes}


def _error_shapes(service: str) -> list[Shape]:
    model = service_models()[service]
    return [model.shape_for(name) for name in model.shape_names if name.endswith("Exception")]


def _rest_status(error: ServiceError) -> int:
    return _rest_statuses().get(error.code, error.status)


def _headers(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, "x-amzn-RequestId": str(uuid.uuid4())}
