"""Checks on outside input."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campus import validation
from campus.validation import InvalidInputError
from tests.unit.campus.test_events import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

ANY = (
    JSON
    | st.text()
    | st.binary()
    | st.sampled_from(["https://[::1", "http://a", "1e3", "٣", "9" * 5000, "http://\ud800/"])
)


@given(ANY)
def test_every_check_returns_the_value_or_names_the_field(value: object) -> None:
    source: dict[str, Any] = {"field": value}
    checks: list[Callable[[], object]] = [
        lambda: validation.mapping(value, "field"),
        lambda: validation.text(source, "field"),
        lambda: validation.identifier(source, "field"),
        lambda: validation.url(source, "field"),
        lambda: str(validation.integer(source, "field", default=1, low=1, high=9)),
        lambda: validation.choice(source, "field", ("a", "b")),
    ]
    for check in checks:
        complaint = ""
        try:
            answer = check()
        except InvalidInputError as error:
            complaint = str(error)
        assert complaint.startswith("field") or answer == value or int(str(answer)) == int(str(value))


@pytest.mark.parametrize("value", ["a", "A.b_c:d@e+f=g-h", "0" * 128, "sv-001", "2026"])
def test_an_id(value: str) -> None:
    assert validation.identifier({"id": value}, "id") == value


@pytest.mark.parametrize("value", ["", "-a", ".", "a b", "a#b", "a/b", "a\n", "ánh", "0" * 129, None, 1, ["a"], b"a"])
def test_no_id(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^id "):
        validation.identifier({"id": value}, "id")


@pytest.mark.parametrize(
    "value",
    [
        "https://a/b",
        "http://a",
        "s3://bucket/key",
        "https://a/Bài tập 1.pdf",
        "https://a/@b",
        "https://a/" + "x" * 2038,
    ],
)
def test_a_url(value: str) -> None:
    assert validation.url({"url": value}, "url") == value


@pytest.mark.parametrize(
    "value",
    [
        *("a/b", "//a/b", "javascript:alert(1)", "file:///etc/passwd", "https:///x", "https://a/" + "x" * 2039, 5),
        *(
            "https://a/\r\nSet-Cookie:1",
            "https://a/\tb",
            "https://a/\0",
            "https://a/\u202etxt.exe",
            "https://a/\u2028b",
        ),
        *("https://user:word@a/b", "https://user@a/b"),
    ],
)
def test_no_url(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^url "):
        validation.url({"url": value}, "url")


@pytest.mark.parametrize(("given_", "expected"), [({}, 25), ({"n": "1"}, 1), ({"n": 100}, 100), ({"n": "007"}, 7)])
def test_a_whole_number(given_: dict[str, Any], expected: int) -> None:
    assert validation.integer(given_, "n", default=25, low=1, high=100) == expected


@pytest.mark.parametrize(
    "value", ["0", 101, "", "1.5", 1.5, True, None, [], "1" * 5000, "NaN", "1_0", " 10 ", "٣", "+3", "1e1"]
)
def test_no_whole_number(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^n must be a whole number from 1 to 100$"):
        validation.integer({"n": value}, "n", default=25, low=1, high=100)


def test_a_choice_lists_what_is_allowed() -> None:
    assert validation.choice({}, "locale", ("vi", "en"), default="vi") == "vi"
    with pytest.raises(InvalidInputError, match="locale must be one of vi, en"):
        validation.choice({"locale": "fr"}, "locale", ("vi", "en"), default="vi")
    with pytest.raises(InvalidInputError):
        validation.choice({}, "locale", ("vi", "en"))


@pytest.mark.parametrize("value", [None, "", " \t\n", 3, "x" * 257, "\udfff", "a\ufffe", "\uffffa"])
def test_no_text(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^t "):
        validation.text({"t": value}, "t")
