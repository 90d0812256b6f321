"""DynamoDB in memory, with the template's own tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from local.load import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

TEMPLATE = Path(__file__).parents[3] / "template.yaml"


def create_tables(client: "DynamoDBClient") -> Tables:
    """Students, Interactions and ClassActivity as template.yaml declares them."""
    resources = yaml_parse(TEMPLATE.read_text())["Resources"]
    for name in ("StudentsTable", "InteractionsTable", "ClassActivityTable"):
        declared: dict[str, Any] = resources[name]["Properties"]
        wanted = {"AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"}
        client.create_table(TableName=name, **{key: value for key, value in declared.items() if key in wanted})
    return Tables("StudentsTable", "InteractionsTable", "ClassActivityTable")


@pytest.fixture
def dynamodb() -> "Iterator[DynamoDBClient]":
    with mock_aws():
        yield boto3.client("dynamodb")


@pytest.fixture
def tables(dynamodb: "DynamoDBClient") -> Tables:
    return create_tables(dynamodb)
