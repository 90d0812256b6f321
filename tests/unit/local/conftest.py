"""DynamoDB in memory, with the template's own tables: the emulator's module, called without a socket."""

import asyncio
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from ministack.services import dynamodb as emulator
from samtranslator.yaml_helper import yaml_parse

from local.load import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


class Raw:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> "Iterator[bytes]":
        yield self._body


def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    """What the emulator answers, instead of what would come over the wire."""
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    status, sent, content = asyncio.run(emulator.handle_request("POST", "/", headers, body, {}))
    raw = content if isinstance(content, bytes) else content.encode()
    return AWSResponse(str(request.url), status, sent, Raw(raw))


@cache
def declared() -> dict[str, Any]:
    """The template's resources."""
    resources: dict[str, Any] = yaml_parse(TEMPLATE.read_text())["Resources"]
    return resources


def create_tables(client: "DynamoDBClient") -> Tables:
    """The tables as template.yaml declares them, empty; Operations, which only the functions know, is called so."""
    emulator.reset()
    for name in ("StudentsTable", "InteractionsTable", "ClassActivityTable", "OperationsTable"):
        wanted = {"AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"}
        properties = declared()[name]["Properties"]
        client.create_table(TableName=name, **{key: value for key, value in properties.items() if key in wanted})
    return Tables("StudentsTable", "InteractionsTable", "ClassActivityTable")


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    """A session whose DynamoDB is the emulator."""
    session = boto3.session.Session()
    session.events.register("before-send.dynamodb", answer)  # type: ignore[arg-type] # the stubs know no answer
    return session


@pytest.fixture
def dynamodb(session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDBClient]":
    """A client of the emulator; every other client made meanwhile is one, too."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    yield session.client("dynamodb")
    emulator.reset()


@pytest.fixture
def tables(dynamodb: "DynamoDBClient") -> Tables:
    return create_tables(dynamodb)
