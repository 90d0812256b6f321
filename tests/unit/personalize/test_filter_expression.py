"""The filter language: what it accepts, what it means, what it refuses."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.personalize.errors import InvalidInput
from local.personalize.filter_expression import parse_filter
from local.personalize.filtering import Asker, Catalogue, parse_values, passing

RECORDS: dict[str, dict[str, Any]] = {
    "a": {"TYPE": "course", "PRICE": 10.0, "TAGS": "red|round", "MADE": 1_700_000_000},
    "b": {"TYPE": "quiz", "PRICE": 20.0, "TAGS": "blue", "NAME": 'Toán "12", (tập) 1\\2', "MADE": 1_700_000_001},
    "c": {"TYPE": "course", "PRICE": 30.0},
    "new": {"TYPE": "document"},
}
CATALOGUE = Catalogue.of(["a", "b", "c"], RECORDS)
ASKER = Asker(
    user={"LOCALE": "vi", "AGE": 20},
    events=[("a", "enroll"), ("b", "View"), ("a", "view")],
    item=RECORDS["a"],
)


def left(expression: str, **values: str) -> str:
    mask = passing(parse_filter(expression), values, CATALOGUE, ASKER)
    return " ".join(item for item, passes in zip(CATALOGUE.ids, mask, strict=True) if passes)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('INCLUDE ItemID WHERE Items.TYPE IN ("course")', "a c"),
        ('EXCLUDE ItemID WHERE Items.TYPE IN ("course", "quiz")', "new"),
        ('INCLUDE ItemID WHERE Items.TYPE NOT IN ("course")', "b new"),
        ('INCLUDE ItemID WHERE Items.TAGS IN ("round", "blue")', "a b"),
        ("INCLUDE ItemID WHERE Items.PRICE < 20", "a"),
        ("INCLUDE ItemID WHERE Items.PRICE >= (20)", "b c"),
        ("INCLUDE ItemID WHERE Items.PRICE != 20", "a c"),
        ("EXCLUDE ItemID WHERE Items.PRICE != 20", "b new"),
        ('EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.AGE != 20', "a b c new"),
        ('EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.AGE != 21', "b new"),
        ('EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.HEIGHT != 21', "a b c new"),
        ("INCLUDE ItemID WHERE Items.PRICE IN (20, 30)", "b c"),
        ("INCLUDE ItemID WHERE Items.MADE IN (1700000000)", "a"),
        ('INCLUDE ItemID WHERE Items.NAME IN ("Toán \\"12\\", (tập) 1\\\\2")', "b"),
        ('EXCLUDE ItemID WHERE Items.TYPE NOT IN ("course", "quiz") AND Items.TAGS NOT IN ("red")', "a b c"),
        ('INCLUDE ItemID WHERE Items.TYPE IN ("course") AND Items.PRICE > 10', "c"),
        ('INCLUDE ItemID WHERE Items.TYPE IN ("quiz") OR Items.TYPE IN ("course") AND Items.PRICE > 10', "b c"),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("enroll")', "b c new"),
        ('EXCLUDE itemId WHERE INTERACTIONS.event_type in ("*")', "c new"),
        ("INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*)", "a b"),
        ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("ENROLL")', "a"),
        ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("enroll")', "a b"),
        ('EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.LOCALE IN ("vi")', "b new"),
        ('EXCLUDE ItemID WHERE Items.TYPE IN ("course") IF CurrentUser.LOCALE NOT IN ("vi")', "a b c new"),
        ('INCLUDE ItemID WHERE Items.TYPE IN ("quiz") IF CurrentUser.AGE > 18 AND CurrentUser.AGE < 20', "a b c new"),
        ('INCLUDE ItemID WHERE Items.TYPE IN ("quiz") IF CurrentUser.AGE = 20', "b"),
        ("INCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE", "b c"),
        ("INCLUDE ItemID WHERE Items.TYPE IN CurrentItem.TYPE", "a c"),
        ('INCLUDE ItemID WHERE Items.PRICE > 10 | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")', "c"),
        ('INCLUDE ItemID WHERE Items.PRICE > 20 | INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("enroll")', "a c"),
        ('EXCLUDE ItemID WHERE Items.PRICE > 20 | EXCLUDE ItemID WHERE Items.TYPE IN ("quiz")', "a new"),
    ],
)
def test_a_filter_leaves(expression: str, expected: str) -> None:
    assert left(expression) == expected


def test_placeholders_take_their_values_from_the_request() -> None:
    assert left("INCLUDE ItemID WHERE Items.TYPE IN ($KIND)", KIND='"quiz","document"') == "b new"
    assert left("INCLUDE ItemID WHERE Items.PRICE < ($MOST)", MOST="25") == "a b"
    assert left("INCLUDE ItemID WHERE Items.PRICE != $PRICE", PRICE="10") == "b c"


def test_an_exclude_without_its_value_is_left_out_and_an_include_is_refused() -> None:
    assert left("EXCLUDE ItemID WHERE Items.TYPE IN ($KIND)") == "a b c new"
    with pytest.raises(InvalidInput, match="KIND is missing"):
        left("INCLUDE ItemID WHERE Items.TYPE IN ($KIND)")


def test_a_value_for_no_placeholder_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no placeholder parameter OTHER"):
        left("EXCLUDE ItemID WHERE Items.TYPE IN ($KIND)", OTHER='"x"')


@pytest.mark.parametrize("value", ['"cheap"', "1,2"])
def test_a_comparison_needs_one_number(value: str) -> None:
    with pytest.raises(InvalidInput, match="PRICE < must be compared with one number"):
        left("INCLUDE ItemID WHERE Items.PRICE < $MOST", MOST=value)


def test_nothing_compares_with_a_value_the_current_item_lacks() -> None:
    expression = parse_filter("INCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE")
    assert not passing(expression, {}, CATALOGUE, Asker(item={"TYPE": "course"})).any()


def test_the_current_item_needs_a_request_that_names_one() -> None:
    expression = parse_filter("INCLUDE ItemID WHERE Items.PRICE > CurrentItem.PRICE")
    with pytest.raises(InvalidInput, match="CurrentItem"):
        passing(expression, {}, CATALOGUE, Asker())


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "expected INCLUDE or EXCLUDE"),
        ('INCLUDE ItemID Items.TYPE IN ("x")', "expected WHERE"),
        ('INCLUDE UserID WHERE Items.TYPE IN ("x")', "expected ITEMID"),
        ('INCLUDE ItemID WHERE TYPE IN ("x")', "expected <dataset>.<field>"),
        ('INCLUDE ItemID WHERE Items.TYPE IN ("x"', r"expected '\)'"),
        ("INCLUDE ItemID WHERE Items.TYPE IN (x)", "expected a value"),
        ("INCLUDE ItemID WHERE Items.TYPE", "expected more"),
        ('INCLUDE ItemID WHERE Items.TYPE LIKE "x"', "expected IN, NOT IN or a comparison"),
        ('INCLUDE ItemID WHERE Items.TYPE IN ("x") nonsense', "expected '|' or the end"),
        ("INCLUDE ItemID WHERE Items.PRICE < (1, 2)", "compares with one value"),
        ("EXCLUDE ItemID WHERE Items.PRICE ! 20", "unexpected text at ' !"),
        ('INCLUDE ItemID WHERE Items.TYPE != "quiz"', "!= compares numbers"),
        ('INCLUDE ItemID WHERE Items.TYPE = "quiz"', "= compares numbers"),
        ("INCLUDE ItemID WHERE Items.TYPE IN (*)", "with Interactions.EVENT_TYPE only"),
        ('INCLUDE ItemID WHERE Items.T IN ("x") IF CurrentUser.U IN ("*")', "with Interactions.EVENT_TYPE only"),
        ("EXCLUDE ItemID WHERE Items.TYPE NOT IN ($X)", "NOT IN cannot be used with placeholder"),
        ('EXCLUDE ItemID WHERE Items.T IN ("x") AND Interactions.EVENT_TYPE IN ("x")', "either Items or Interactions"),
        ('EXCLUDE ItemID WHERE CurrentUser.LOCALE IN ("x")', "either Items or Interactions"),
        ('EXCLUDE ItemID WHERE Interactions.DEVICE IN ("x")', "by EVENT_TYPE only"),
        ('EXCLUDE ItemID WHERE Items.T IN ("x") IF Items.U IN ("x")', "IF can only check CurrentUser"),
        ("EXCLUDE ItemID WHERE " + " AND ".join(f"Items.F{n} = 1" for n in range(6)), "at most 5 distinct"),
        ('EXCLUDE ItemID WHERE Items.T IN ("x") ; drop', "unexpected text"),
    ],
)
def test_a_malformed_filter_is_refused_with_what_was_expected(expression: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_filter(expression)


@pytest.mark.parametrize("text", ["", "click", '"a",', '"a" "b"', "1,,2", "'a'"])
def test_values_without_double_quotes_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="filter parameter X"):
        parse_values("X", text)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters='"\\')), min_size=1))
def test_quoted_values_come_back_as_given(values: list[str]) -> None:
    assert parse_values("X", ",".join(f'"{value}"' for value in values)) == values


@given(st.text(max_size=60))
def test_any_text_is_either_parsed_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert parse_filter(text).clauses


@given(
    st.permutations(
        [
            "INCLUDE ItemID WHERE Items.PRICE > 10",
            'EXCLUDE ItemID WHERE Items.TYPE IN ("quiz")',
            'INCLUDE ItemID WHERE Items.TYPE IN ("quiz")',
        ]
    )
)
def test_the_order_of_chained_expressions_does_not_matter(clauses: list[str]) -> None:
    assert left(" | ".join(clauses)) == "c"
