"""Schemas: what Personalize accepts for each type of dataset."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from local.personalize.avro import check_fits, parse_schema
from local.personalize.errors import InvalidInput

USER = {"name": "USER_ID", "type": "string"}
ITEM = {"name": "ITEM_ID", "type": "string"}
TIME = {"name": "TIMESTAMP", "type": "long"}
CATEGORY = {"type": "string", "categorical": True}


WORDS = some.sampled_from(["record", "null", "string", "int", "name", "type", "fields", "Items", "X", "categorical"])
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5) | WORDS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)


def schema(*fields: dict[str, Any], **changes: Any) -> str:
    record = {
        "type": "record",
        "name": "Any",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": list(fields),
        "version": "1.0",
    }
    return json.dumps({**record, **changes})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid JSON"),
        ("[" * 20_000, "nested more than 100 deep"),
        ("[]", "type record"),
        (schema(USER, type="enum"), "type record"),
        (schema(USER, namespace="com.example"), "namespace"),
        (schema(USER, name=None), "must have a name"),
        (schema(), "must have fields"),
        (schema({"type": "string"}), "Every field"),
        (schema(USER, USER), "twice"),
        (schema({"name": "GENRES_1", "type": "int"}, {"name": "genres1", "type": "int"}), "twice"),
        (schema({"name": "1X", "type": "int"}), "no field name"),
        (schema({"name": "X.Y", "type": "int"}), "no field name"),
        (schema({"name": "Giá", "type": "int"}), "no field name"),
        (schema({"name": "X", "type": "bytes"}), "unsupported type bytes"),
        (schema({"name": "X", "type": {"type": "array", "items": "string"}}), "unsupported type .*array"),
        (schema({"name": "X", "type": ["null", {"type": "map", "values": "int"}]}), "unsupported type .*map"),
        (schema({"name": "X", "type": [["null", "string"]]}), "unsupported type"),
        (schema({"name": "X", "type": ["int", "string"]}), "exactly one type"),
        (schema({"name": "X", "type": "int", "categorical": True}), "only if its type is string"),
        (schema(*({"name": n, "type": "string", "textual": True} for n in "AB")), "at most 1 textual"),
    ],
)
def test_a_schema_that_breaks_the_rules_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_schema(text)


@given(
    JSON
    | JSON.map(lambda field: {"fields": [field]})
    | JSON.map(lambda kind: {"fields": [{"name": "X", "type": kind}]})
)
def test_whatever_is_no_schema_is_refused_as_input(found: Any) -> None:
    parts = found if isinstance(found, dict) else {}
    with contextlib.suppress(InvalidInput):
        parse_schema(json.dumps(found))
    with contextlib.suppress(InvalidInput):
        parse_schema(schema(**parts))


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("INTERACTIONS", [USER, TIME], "must have the field ITEM_ID"),
        ("INTERACTIONS", [USER, ITEM, {"name": "TIMESTAMP", "type": "string"}], "TIMESTAMP must have type long"),
        ("INTERACTIONS", [{"name": "USER_ID", "type": ["null", "string"]}, ITEM, TIME], "USER_ID must have type"),
        ("INTERACTIONS", [USER, ITEM, TIME, {"name": "EVENT_VALUE", "type": "string"}], "EVENT_VALUE must have type"),
        ("INTERACTIONS", [USER, ITEM, TIME, *({"name": f"M{n}", "type": "int"} for n in range(6))], "at most 5"),
        ("INTERACTIONS", [USER, ITEM, TIME, {**CATEGORY, "name": "EVENT_TYPE"}], "EVENT_TYPE cannot be categorical"),
        ("INTERACTIONS", [{**CATEGORY, "name": "USER_ID"}, ITEM, TIME], "USER_ID cannot be categorical"),
        ("USERS", [USER], "at least 1 metadata"),
        ("USERS", [USER, *({"name": f"M{n}", "type": "int"} for n in range(26))], "at most 25"),
        ("ITEMS", [ITEM, {"name": "CREATION_TIMESTAMP", "type": "string"}], "CREATION_TIMESTAMP must have type long"),
        ("ITEMS", [ITEM, *({"name": f"M{n}", "type": "int"} for n in range(101))], "at most 100"),
    ],
)
def test_a_schema_that_does_not_fit_its_dataset_is_refused(
    kind: str, fields: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        check_fits(parse_schema(schema(*fields, name=kind.capitalize())), kind)


def test_nullable_categorical_and_textual_fields_are_read() -> None:
    read = parse_schema(
        schema(
            ITEM,
            {"name": "GENRE", "type": ["null", "string"], "categorical": True},
            {"name": "TEXT", "type": "string", "textual": True},
            name="Items",
        )
    )
    assert (read["GENRE"].nullable, read["GENRE"].categorical, read["GENRE"].limit) == (True, True, 1000)
    assert (read["TEXT"].textual, read["TEXT"].limit, read["ITEM_ID"].limit) == (True, 20_000, 256)
    check_fits(read, "ITEMS")


def test_a_schema_bears_the_name_of_its_type() -> None:
    text = schema(ITEM, {"name": "PRICE", "type": "float"}, name="Products")
    with pytest.raises(InvalidInput, match="name of the schema must be Items"):
        check_fits(parse_schema(text), "ITEMS")
