"""Tables, page by page: whole ones in segments, or what was recorded in a window, with memory that does not grow."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from campus import tables
from campus.clients import client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Page = list[tables.Item]
Pages = Iterator[Page]

# Parallel scans; more only help where DynamoDB, not this process's decoding, is the bottleneck.
SEGMENTS = 4


def scan(table: str, attributes: Sequence[str] = (), worker: int = 0, workers: int = 1) -> list[Pages]:
    """A worker's share of the table in `SEGMENTS` disjoint parts, to be read by as many threads.

    Args:
        table: its name.
        attributes: what the items are to contain; () for all. Strings, numbers (as `Decimal`) and nulls are decoded,
            anything else stays as DynamoDB writes it.
        worker: whose share, from 0.
        workers: how many read everything between them.
    """
    further: dict[str, Any] = {"TableName": table, "TotalSegments": SEGMENTS * workers}
    if attributes:
        further["ProjectionExpression"] = ", ".join(attributes)
    dynamodb = _unparsed()
    return [_segment(dynamodb, Segment=SEGMENTS * worker + number, **further) for number in range(SEGMENTS)]


def query(table: str, index: str, key: str, value: str) -> Pages:
    """The items of one partition of an index."""
    yield from _query(
        TableName=table,
        IndexName=index,
        KeyConditionExpression="#key = :value",
        ExpressionAttributeNames={"#key": key},
        ExpressionAttributeValues={":value": {"S": value}},
    )


def recorded(table: str, since: int, until: int) -> Pages:
    """The interactions recorded in (since, until], both epoch milliseconds, by their day index.

    The index follows the table within moments; the margin that a run waits after its cut-off covers those, too.
    """
    for day in _days(since, until):
        for shard in range(tables.DAY_SHARDS):
            yield from _query(
                TableName=table,
                IndexName="byRecordedDay",
                KeyConditionExpression="recordedDay = :day AND recordedAt BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":day": {"S": f"{day}#{shard}"},
                    ":first": {"N": str(since + 1)},
                    ":last": {"N": str(until)},
                },
            )


def _days(since: int, until: int) -> Iterator[str]:
    """UTC days that the window touches."""
    day = datetime.fromtimestamp((since + 1) / 1000, UTC).date()
    while day <= datetime.fromtimestamp(until / 1000, UTC).date():
        yield day.isoformat()
        day += timedelta(days=1)


def _query(**arguments: Any) -> Pages:  # noqa: ANN401 - DynamoDB's own arguments
    for page in _unparsed().get_paginator("query").paginate(**arguments):
        yield [_item(item) for item in page["Items"]]


def _segment(dynamodb: "DynamoDBClient", **arguments: Any) -> Pages:  # noqa: ANN401 - DynamoDB's own arguments
    for page in dynamodb.get_paginator("scan").paginate(**arguments):
        yield [_item(item) for item in page["Items"]]


def _unparsed() -> "DynamoDBClient":
    """The DynamoDB client, told to take pages of items as the JSON they are.

    botocore walks its model once for every attribute of every item, nine tenths of the time an export takes.
    """
    dynamodb = client("dynamodb")
    for operation in ("Scan", "Query"):
        dynamodb.meta.events.register(f"before-parse.dynamodb.{operation}", _take_json, unique_id=f"json-{operation}")
    return dynamodb


def _take_json(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def _item(wire: Mapping[str, Any]) -> tables.Item:
    return {name: _value(value) for name, value in wire.items()}


def _value(wire: Mapping[str, Any]) -> object:
    if "S" in wire:
        return wire["S"]
    if "N" in wire:
        return Decimal(wire["N"])
    return None if "NULL" in wire else wire
