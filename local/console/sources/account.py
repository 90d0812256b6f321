"""The account behind the pages: boto3 clients made once, rows as plain values, page by page."""

import base64
import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError, ParamValidationError

from local.cloud import client, loopback
from local.commands.instance import Instance
from local.commands.reading import call

T = TypeVar("T")
Row = dict[str, Any]
_TOKEN_SECONDS: Final = 3600
_DOOR_SECONDS: Final = 40
_LONGEST_PLACE: Final = 12


@dataclass(frozen=True)
class Page:
    """Some rows, and what to ask for to get those after them; None at the end."""

    rows: Sequence[Row]
    more: str | None = None


class Connection(Instance):
    """An instance whose clients are made once; making one takes longer than most calls."""

    def client(self, service: str, **options: Any) -> Any:  # noqa: ANN401 - boto3
        """The client of a service."""
        return _client(self.endpoint, service, **options)


class Account:
    """Everything the pages ask AWS for goes through here; safe to use from several threads."""

    def __init__(self, instance: Instance) -> None:
        self.instance = Connection(**vars(instance))
        self.outputs = instance.outputs
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}
        self._read = TypeDeserializer().deserialize

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3
        """The client of a service."""
        return self.instance.client(service)

    def kept(self, name: str, seconds: float, make: Callable[[], T]) -> T:
        """A value that is made anew after `seconds`."""
        with self._lock:
            made_at, value = self._kept.get(name, (0.0, None))
        if time.time() - made_at > seconds:
            value = make()
            with self._lock:
                self._kept[name] = (time.time(), value)
        return value  # type: ignore[no-any-return]

    def api(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask the HTTP API as the school's office (an admin).

        Raises:
            CommandError: it answered with an error.
        """
        token = self.kept("token", _TOKEN_SECONDS / 2, lambda: self.instance.office_token(_TOKEN_SECONDS))
        return call(self.instance, method, path, token, body)

    def door(self, name: str, asked: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Ask the local cloud for what AWS has no API for."""
        body = json.dumps(asked).encode()
        with loopback.open(f"{self.instance.endpoint}/_nightclass/{name}", body, timeout=_DOOR_SECONDS) as answer:
            return json.load(answer)

    def get(self, table: str, key: Mapping[str, str]) -> Row | None:
        """A row by its key, table by its name among the outputs."""
        wanted = {name: {"S": value} for name, value in key.items()}
        try:
            item = self.client("dynamodb").get_item(TableName=self.outputs[table], Key=wanted).get("Item")
        except (ParamValidationError, ClientError) as error:
            _let_pass(error)
            return None
        return self._row(item) if item else None

    def query(
        self,
        table: str,
        limit: int,
        conditions: Mapping[str, str],
        *,
        prefix: Mapping[str, str] | None = None,
        more: str | None = None,
        **options: Any,  # noqa: ANN401 - of Query
    ) -> Page:
        """Rows whose key attributes have these values.

        Args:
            table: name among the outputs.
            limit: most rows to read.
            conditions: key attribute → value.
            prefix: key attribute → how its value begins.
            more: of the page before.
            options: further arguments of Query, such as IndexName.
        """
        beginnings = prefix or {}
        wanted = {**conditions, **beginnings}
        parts = [
            f"begins_with(#{at}, :{at})" if name in beginnings else f"#{at} = :{at}" for at, name in enumerate(wanted)
        ]
        arguments = {
            "TableName": self.outputs[table],
            "Limit": limit,
            "KeyConditionExpression": " AND ".join(parts),
            "ExpressionAttributeNames": {f"#{at}": name for at, name in enumerate(wanted)},
            "ExpressionAttributeValues": {f":{at}": {"S": value} for at, value in enumerate(wanted.values())},
            **options,
        }
        return self._page(self.client("dynamodb").query, arguments, more)

    def scan(self, table: str, limit: int, more: str | None = None) -> Page:
        """The next `limit` rows of a table, in no order."""
        return self._page(self.client("dynamodb").scan, {"TableName": self.outputs[table], "Limit": limit}, more)

    def _page(self, operation: Callable[..., Any], arguments: dict[str, Any], more: str | None) -> Page:
        if start := _key(more):
            arguments["ExclusiveStartKey"] = start
        try:
            answer = operation(**arguments)
        except (ParamValidationError, ClientError) as error:
            _let_pass(error)
            return Page([])
        last = answer.get("LastEvaluatedKey")
        following = base64.urlsafe_b64encode(json.dumps(last).encode()).decode() if last else None
        return Page([self._row(item) for item in answer["Items"]], following)

    def _row(self, item: Mapping[str, Any]) -> Row:
        return {name: plain(self._read(value)) for name, value in item.items()}


@functools.cache
def _client(endpoint: str, service: str, **options: Any) -> Any:  # noqa: ANN401 - boto3
    return client(endpoint, service, **options)


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """DynamoDB's numbers as int or float, all the way down."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def place(more: str | None) -> int | None:
    """The page of a door that `more` asks for; what is no such thing is the first page."""
    return int(more) if more and more.isdecimal() and len(more) < _LONGEST_PLACE else None


def _let_pass(error: ParamValidationError | ClientError) -> None:
    """A key that no row can have (too long, not of its type) finds nothing; any other refusal is raised."""
    if isinstance(error, ClientError) and error.response["Error"]["Code"] != "ValidationException":
        raise error
    logging.getLogger(__name__).info("no row can have such a key: %s", error)


def _key(more: str | None) -> Any:  # noqa: ANN401 - a key as DynamoDB writes it
    """The start of a page; what is no such thing (an address typed by hand) is the first page."""
    try:
        key = json.loads(base64.urlsafe_b64decode(more or ""))
    except ValueError:
        return None
    return key if isinstance(key, dict) else None
