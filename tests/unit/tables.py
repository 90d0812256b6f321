"""Tables in moto with the keys and indexes a wing works with."""

import itertools
from collections.abc import Mapping
from typing import Any

from campus import clients


def create_tables(tables: Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]]) -> None:
    """Empty tables: name -> (key, indexes by name), all of their columns strings."""
    dynamodb = clients.dynamodb().meta.client
    for name, (key, indexes) in tables.items():
        if name in dynamodb.list_tables()["TableNames"]:
            dynamodb.delete_table(TableName=name)
        attributes = {*key, *itertools.chain(*indexes.values())}
        extra: dict[str, Any] = {
            "GlobalSecondaryIndexes": [
                {"IndexName": index, "KeySchema": _schema(columns), "Projection": {"ProjectionType": "ALL"}}
                for index, columns in indexes.items()
            ]
        }
        dynamodb.create_table(
            TableName=name,
            KeySchema=_schema(key),
            AttributeDefinitions=[{"AttributeName": column, "AttributeType": "S"} for column in sorted(attributes)],
            BillingMode="PAY_PER_REQUEST",
            **(extra if indexes else {}),
        )


def _schema(columns: tuple[str, ...]) -> Any:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(columns, ("HASH", "RANGE"), strict=False)]
