"""Filters: immutable expressions, checked against the group's schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput, LimitExceeded
from local.personalize.filter_expression import COMPARISONS, CurrentItem, parse_filter
from local.personalize.lifecycle import CREATE, DELETE, procedure
from local.personalize.operations.datasets import schema_of
from local.personalize.operations.registry import operation
from local.personalize.store import DATASET_GROUP, FILTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.avro import Field
    from local.personalize.filter_expression import FilterExpression

MAXIMUM = 10
MAXIMUM_FIELDS = 10
DATASETS = {"ITEMS": "ITEMS", "INTERACTIONS": "INTERACTIONS", "CURRENTUSER": "USERS"}
NUMERIC = frozenset({"int", "long", "float", "double"})
CREATION = procedure("create filter", CREATE, 60)
DELETION = procedure("delete filter", DELETE, 30)


@operation("CreateFilter")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Keep an expression whose fields exist and can be filtered by."""
    group = account.active(DATASET_GROUP, parameters["datasetGroupArn"])
    expression = parse_filter(parameters["filterExpression"])
    _check_fields(account, group.arn, expression)
    others = account.store.select(FILTER, datasetGroupArn=group.arn)
    if len(others) >= MAXIMUM:
        raise LimitExceeded(f"More than {MAXIMUM} filters in the dataset group {group.arn}.")
    fields = set(expression.fields).union(*(parse_filter(other.record["filterExpression"]).fields for other in others))
    if len(fields) > MAXIMUM_FIELDS:
        raise LimitExceeded(
            f"The filters of a dataset group can have at most {MAXIMUM_FIELDS} distinct dataset fields."
        )
    chosen = account.add(FILTER, account.arn(FILTER, parameters["name"]), parameters)
    account.lifecycle.begin(chosen, CREATION)
    return chosen.record


@operation("DeleteFilter")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Requests with it are refused from now on."""
    chosen = account.store.find(FILTER, parameters["filterArn"])
    account.settled(chosen)
    account.lifecycle.begin(chosen, DELETION)
    return {}


def _check_fields(account: Account, group: str, expression: FilterExpression) -> None:
    for condition in (condition for clause in expression.clauses for condition in clause.conditions):
        field = _field(account, group, condition.dataset, condition.field)
        others = [operand.field for operand in condition.operands if isinstance(operand, CurrentItem)]
        fields = [field, *(_field(account, group, "ITEMS", other) for other in others)]
        if condition.operator in COMPARISONS and any(each.type not in NUMERIC for each in fields):
            raise InvalidInput(
                f"The filter field {condition.dataset}.{condition.field} or what it is compared with is not numeric;"
                f" {condition.operator} cannot be used."
            )


def _field(account: Account, group: str, owner: str, name: str) -> Field:
    """A field that a filter can use, in the schema of its dataset."""
    dataset = account.serving.dataset(group, DATASETS[owner])
    if dataset is None:
        raise InvalidInput(f"The dataset group has no dataset for the filter field {owner}.{name}.")
    schema = schema_of(account, dataset)
    if name not in schema:
        raise InvalidInput(f"The filter field {owner}.{name} is not in the schema of its dataset.")
    if schema[name].type == "boolean" or schema[name].textual:
        raise InvalidInput(f"The filter field {owner}.{name} is boolean or textual; filters cannot use it.")
    return schema[name]
