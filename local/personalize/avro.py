"""Personalize's rules for a schema: a flat Avro record with required and reserved fields.

Source: "Creating schema JSON files" and "Amazon Personalize endpoints and quotas" in the Developer Guide.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from local.personalize.errors import InvalidInput
from local.personalize.json_value import parse_json

if TYPE_CHECKING:
    from local.personalize.json_value import Json

NAMESPACE = "com.amazonaws.personalize.schema"
PRIMITIVES = frozenset({"float", "double", "int", "long", "string", "boolean", "null"})
ID_LIMIT, TEXT_LIMIT, STRING_LIMIT = 256, 20_000, 1_000
REQUIRED = {
    "INTERACTIONS": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    "USERS": {"USER_ID": "string"},
    "ITEMS": {"ITEM_ID": "string"},
}
RESERVED = {
    "INTERACTIONS": {
        "EVENT_TYPE": {"string"},
        "EVENT_VALUE": {"float", "double"},
        "IMPRESSION": {"string"},
        "RECOMMENDATION_ID": {"string"},
        "EVENT_ATTRIBUTION_SOURCE": {"string"},
    },
    "USERS": {},
    "ITEMS": {"CREATION_TIMESTAMP": {"long"}},
}
SINGLE = (2 - 2**-23) * 2.0**127
BOUNDS: dict[str, tuple[float, float]] = {
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "float": (-SINGLE, SINGLE),
    "double": (-sys.float_info.max, sys.float_info.max),
}
"""Least and greatest number of each numeric type."""
METADATA_LIMIT = {"INTERACTIONS": 5, "USERS": 25, "ITEMS": 100}
FIELD_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Field:
    """One column: its Avro type without null, whether it may be empty, and how strings are read."""

    name: str
    type: str
    nullable: bool
    categorical: bool = False
    textual: bool = False

    @property
    def limit(self) -> int:
        """Most characters a string of this column may have."""
        if self.name in {"USER_ID", "ITEM_ID", "EVENT_TYPE"}:
            return ID_LIMIT
        return TEXT_LIMIT if self.textual else STRING_LIMIT


def within(number: float, type_name: str) -> bool:
    """Whether a number has a place in that type of Avro."""
    least, greatest = BOUNDS[type_name]
    return least <= number <= greatest


@dataclass(frozen=True)
class Schema:
    """A parsed schema: the record's name and its fields in order."""

    name: str
    fields: tuple[Field, ...]

    def __getitem__(self, name: str) -> Field:
        return {field.name: field for field in self.fields}[name]

    def __contains__(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)

    def metadata(self, dataset_type: str) -> tuple[Field, ...]:
        """The fields beyond ids, timestamp and reserved names."""
        known = {*REQUIRED[dataset_type], *RESERVED[dataset_type]}
        return tuple(field for field in self.fields if field.name not in known)


@lru_cache(maxsize=256)
def parse_schema(text: str) -> Schema:
    """Read a schema as CreateSchema does.

    Raises:
        InvalidInput: Not JSON, or not a flat record of known types.
    """
    try:
        record = parse_json(text)
    except ValueError as error:
        raise InvalidInput(f"The schema is not valid JSON: {error}") from error
    if not isinstance(record, dict) or record.get("type") != "record":
        raise InvalidInput("The schema must be an Avro schema of type record.")
    if not isinstance(record.get("name"), str):
        raise InvalidInput("The schema must have a name.")
    if record.get("namespace") != NAMESPACE:
        raise InvalidInput(f"The namespace of the schema must be {NAMESPACE}.")
    declared = record.get("fields")
    if not isinstance(declared, list) or not declared:
        raise InvalidInput("The schema must have fields.")
    fields = tuple(_field(entry) for entry in declared)
    if len({field.name.replace("_", "").upper() for field in fields}) < len(fields):
        raise InvalidInput("The schema has a field twice; names must differ in more than case and underscores.")
    if sum(field.textual for field in fields) > 1:
        raise InvalidInput("The schema can have at most 1 textual field.")
    return Schema(record["name"], fields)


def check_fits(schema: Schema, dataset_type: str) -> None:
    """Refuse a schema that a dataset of this type cannot use.

    Raises:
        InvalidInput: The name is not that of the type, a required field is missing, a required or reserved one has
            another type or is categorical, or metadata is missing or too much.
    """
    if schema.name.upper() != dataset_type:
        raise InvalidInput(f"The name of the schema must be {dataset_type.capitalize()}, the type of the dataset.")
    for name, type_name in REQUIRED[dataset_type].items():
        if name not in schema:
            raise InvalidInput(f"The schema of an {dataset_type} dataset must have the field {name}.")
        if schema[name].type != type_name or schema[name].nullable:
            raise InvalidInput(f"The field {name} must have type {type_name}.")
    for name, types in RESERVED[dataset_type].items():
        if name in schema and schema[name].type not in types:
            raise InvalidInput(f"The reserved field {name} must have type {' or '.join(sorted(types))}.")
    for name in (*REQUIRED[dataset_type], *RESERVED[dataset_type]):
        if name in schema and (schema[name].categorical or schema[name].textual):
            raise InvalidInput(f"The reserved field {name} cannot be categorical or textual.")
    metadata = schema.metadata(dataset_type)
    if dataset_type != "INTERACTIONS" and len(schema.fields) < len(REQUIRED[dataset_type]) + 1:
        raise InvalidInput(f"The schema of an {dataset_type} dataset must have at least 1 metadata field.")
    if len(metadata) > METADATA_LIMIT[dataset_type]:
        raise InvalidInput(
            f"The schema of an {dataset_type} dataset can have at most {METADATA_LIMIT[dataset_type]} metadata fields."
        )


def _field(entry: Json) -> Field:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InvalidInput("Every field of the schema must have a name.")
    name: str = entry["name"]
    if not FIELD_NAME.fullmatch(name):
        raise InvalidInput(f"'{name}' is no field name: letters, digits and underscores, no digit first.")
    declared: Json = entry.get("type")
    types = declared if isinstance(declared, list) else [declared]
    # An array, a map or a record is a dict, a nested union a list: neither is flat.
    unknown = [str(type_name) for type_name in types if not isinstance(type_name, str) or type_name not in PRIMITIVES]
    if unknown:
        raise InvalidInput(f"The field {name} has the unsupported type {', '.join(unknown)}.")
    concrete = [type_name for type_name in types if type_name != "null"]
    if len(concrete) != 1:
        raise InvalidInput(f"The field {name} must have exactly one type besides null.")
    categorical, textual = bool(entry.get("categorical")), bool(entry.get("textual"))
    if (categorical or textual) and concrete[0] != "string":
        raise InvalidInput(f"The field {name} can be categorical or textual only if its type is string.")
    return Field(name, concrete[0], "null" in types, categorical, textual)
