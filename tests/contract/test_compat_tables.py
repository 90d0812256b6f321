"""DynamoDB: the quicker paths answer what the slow ones did."""

import json
import random
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.sample.stack import Sample

pytest_plugins = ["tests.integration.sample.plugin"]


def create(sample: Sample, *, sort_key: bool) -> str:
    name = f"table-{uuid.uuid4().hex[:8]}"
    keys = [("pk", "HASH")] + ([("sk", "RANGE")] if sort_key else [])
    sample.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
    )
    return name


def write(sample: Sample, table: str, items: list[dict[str, Any]]) -> None:
    client = sample.client("dynamodb")
    for start in range(0, len(items), 25):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        assert client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"] == {}


def keys(items: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps([item["pk"], item.get("sk")]) for item in items)


@pytest.fixture(scope="module")
def filled(sample: Sample) -> dict[bool, tuple[str, list[dict[str, Any]]]]:
    """By `sort_key`: a table of a few pages, with partitions of very different sizes, and its items."""
    random_source = random.Random(7)
    tables = {}
    for sort_key in (True, False):
        name = create(sample, sort_key=sort_key)
        items = []
        for number in range(600):
            item = {"pk": {"S": f"p{number if not sort_key else random_source.choice([1, 1, 1, 2, number])}"}}
            if sort_key:
                item["sk"] = {"S": f"{number:04d}"}
            item["text"] = {"S": "á" * random_source.choice([10, 900, 2500])}
            item["number"] = {"N": str(number)}
            items.append(item)
        write(sample, name, items)
        tables[sort_key] = (name, items)
    return tables


@pytest.mark.parametrize("sort_key", [True, False])
@settings(max_examples=6, deadline=None)
@given(limit=st.sampled_from([None, 100, 599, 600, 601]), segments=st.sampled_from([1, 2, 5]))
def test_a_scan_returns_every_item_once_whatever_its_pages_and_segments(
    sample: Sample,
    filled: dict[bool, tuple[str, list[dict[str, Any]]]],
    sort_key: bool,
    limit: int | None,
    segments: int,
) -> None:
    name, items = filled[sort_key]
    found = []
    for segment in range(segments):
        options: dict[str, Any] = {"TotalSegments": segments, "Segment": segment} if segments > 1 else {}
        if limit is not None:
            options["Limit"] = limit
        while True:
            page = sample.client("dynamodb").scan(TableName=name, **options)
            assert limit is None or page["Count"] <= limit
            assert len(json.dumps(page["Items"], ensure_ascii=False).encode()) < 1_300_000
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            options["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert keys(found) == keys(items)


def test_a_filtered_scan_counts_what_it_read(
    sample: Sample, filled: dict[bool, tuple[str, list[dict[str, Any]]]]
) -> None:
    name, items = filled[True]
    scanned = found = 0
    for page in (
        sample.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=name,
            FilterExpression="#n < :n",
            ExpressionAttributeNames={"#n": "number"},
            ExpressionAttributeValues={":n": {"N": "100"}},
        )
    ):
        scanned += page["ScannedCount"]
        found += page["Count"]
    assert (scanned, found) == (len(items), 100)


@pytest.mark.parametrize(
    "item",
    [
        {"pk": {"S": ""}, "sk": {"S": "a"}},
        {"pk": {"S": "a"}},
        {"pk": {"S": "a"}, "sk": {"S": "a"}, "number": {"N": "12x"}},
        {"pk": {"S": "a"}, "sk": {"S": "a"}, "text": {"S": "x" * 410_000}},
    ],
)
def test_a_bad_item_refuses_the_whole_batch(sample: Sample, item: dict[str, Any]) -> None:
    name = create(sample, sort_key=True)
    good = {"pk": {"S": "good"}, "sk": {"S": "good"}}
    with pytest.raises(ClientError, match="ValidationException"):
        write(sample, name, [good, item])
    with pytest.raises(ClientError, match="ValidationException"):
        write(sample, name, [good, item])
    assert sample.client("dynamodb").scan(TableName=name)["Count"] == 0


def test_numbers_are_stored_in_canonical_form(sample: Sample) -> None:
    name = create(sample, sort_key=True)
    write(sample, name, [{"pk": {"S": "a"}, "sk": {"S": "a"}, "number": {"N": "+01.500E+2"}}])
    (item,) = sample.client("dynamodb").scan(TableName=name)["Items"]
    assert item["number"] == {"N": "150"}


def test_capacity_is_counted_for_those_who_ask(sample: Sample) -> None:
    name = create(sample, sort_key=True)
    item = {"pk": {"S": "a"}, "sk": {"S": "a"}, "text": {"S": "x" * 3000}}
    requests = {name: [{"PutRequest": {"Item": item}}]}
    client = sample.client("dynamodb")
    assert "ConsumedCapacity" not in client.batch_write_item(RequestItems=requests)
    asked = client.batch_write_item(RequestItems=requests, ReturnConsumedCapacity="TOTAL")
    assert asked["ConsumedCapacity"] == [{"TableName": name, "CapacityUnits": 3.0}]


def test_a_refused_condition_cancels_the_whole_transaction(sample: Sample) -> None:
    name = create(sample, sort_key=True)
    client = sample.client("dynamodb")

    def put(key: str) -> dict[str, Any]:
        item = {"pk": {"S": key}, "sk": {"S": key}}
        return {"Put": {"TableName": name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

    client.transact_write_items(TransactItems=[put("a"), put("b")])
    with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
        client.transact_write_items(TransactItems=[put("c"), put("b")])
    reasons = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert keys(client.scan(TableName=name)["Items"]) == keys([put("a")["Put"]["Item"], put("b")["Put"]["Item"]])
