"""Which items become rows, and why the others do not."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retraining import rows
from retraining.rows import RejectedRowError
from retraining.schemas import schema

NOW = 1_795_000_000
GOOD = {"itemId": "DDD-TMA2", "eventType": "submitAssignment", "eventValue": Decimal(78), "occurredAt": Decimal(NOW)}
MATERIAL = {"itemId": "DDD", "type": "course", "classId": "DDD", "createdAt": Decimal(NOW)}
ANY = st.none() | st.text() | st.booleans() | st.decimals() | st.dictionaries(st.text(), st.text())


def test_an_interaction_is_a_row_of_personalize_columns() -> None:
    row = rows.interaction(GOOD, "pseudonym", NOW)
    assert dict(zip(rows.COLUMNS["interactions"], row, strict=True)) == {
        "USER_ID": "pseudonym",
        "ITEM_ID": "DDD-TMA2",
        "EVENT_TYPE": "submitAssignment",
        "EVENT_VALUE": "78",
        "TIMESTAMP": str(NOW),
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (Decimal("78.50"), "78.5"), (Decimal(100), "100"), (Decimal("1E-7"), "0.0000001"), (Decimal(0), "0")],
)
def test_event_values_are_plain_numbers(value: object, text: str) -> None:
    assert rows.interaction({**GOOD, "eventValue": value}, "u", NOW)[3] == text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"itemId": None}, "missing itemId"),
        ({"itemId": ""}, "missing itemId"),
        ({"itemId": "x" * 257}, "itemId longer than 256"),
        ({"itemId": "a\nb"}, "control character or quote in itemId"),
        ({"itemId": 'a"b'}, "control character or quote in itemId"),
        ({"itemId": Decimal(7)}, "missing itemId"),
        ({"eventType": None}, "missing eventType"),
        ({"eventValue": "good"}, "eventValue is not a number"),
        ({"eventValue": Decimal("NaN")}, "eventValue is not a number"),
        ({"occurredAt": None}, "time is not whole epoch seconds"),
        ({"occurredAt": Decimal("1.5")}, "time is not whole epoch seconds"),
        ({"occurredAt": Decimal("Infinity")}, "time is not whole epoch seconds"),
        ({"occurredAt": "2026-11-22"}, "time is not whole epoch seconds"),
        ({"occurredAt": Decimal(-1)}, "time is not whole epoch seconds"),
        ({"occurredAt": Decimal(NOW * 1000)}, "time in milliseconds"),
        ({"occurredAt": Decimal(NOW + 90_000)}, "time in the future"),
    ],
)
def test_what_personalize_would_misread_is_rejected(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RejectedRowError) as error:
        rows.interaction({**GOOD, **changes}, "u", NOW)
    assert str(error.value) == reason


def test_yesterdays_event_may_be_recorded_today_and_a_skewed_clock_is_forgiven() -> None:
    for occurred_at in (0, NOW - 10_000_000, NOW + 3600):
        assert rows.interaction({**GOOD, "occurredAt": Decimal(occurred_at)}, "u", NOW)[4] == str(occurred_at)


def test_materials_and_users_are_rows_too() -> None:
    assert rows.material(MATERIAL, NOW) == ("DDD", "course", "DDD", str(NOW))
    assert rows.user({"studentId": "s1", "locale": "en"})[1] == "en"
    assert rows.user({"studentId": "s1"})[1] == "vi"
    assert "s1" not in rows.user({"studentId": "s1"})[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"type": "exam"}, "unknown type"), ({"classId": None}, "missing classId"), ({"itemId": None}, "missing itemId")],
)
def test_unfit_materials_are_rejected(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RejectedRowError, match=reason):
        rows.material({**MATERIAL, **changes}, NOW)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, ANY)))
def test_any_item_is_a_row_of_one_line_or_is_rejected(item: dict[str, Any]) -> None:
    try:
        row = rows.interaction(item, "u", NOW)
    except RejectedRowError as error:
        assert len(str(error)) < 60  # noqa: PT017 - either outcome is right
    else:
        assert len(row) == 5
        assert all(part.isprintable() and '"' not in part and len(part) <= 6500 for part in row)


@pytest.mark.parametrize("dataset", rows.DATASETS)
def test_schema_and_columns_agree(dataset: str) -> None:
    assert tuple(field["name"] for field in json.loads(schema(dataset))["fields"]) == rows.COLUMNS[dataset]
