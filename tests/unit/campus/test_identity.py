"""Who calls, from the claims as API Gateway hands them over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campus.identity import Caller, UnauthorizedError, caller


def event(**claims: object) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


def access(groups: object = "[student]") -> dict[str, Any]:
    return event(**{"token_use": "access", "username": "an", "cognito:groups": groups})


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("[student]", "student"),
        ("[teacher admin]", "admin"),
        ("[student teacher]", "teacher"),
        ("teacher", "teacher"),
        ("[student,teacher]", "teacher"),
        (["student", "admin"], "admin"),
        ("", "student"),
        ("[]", "student"),
        ("[administrator teachers]", "student"),
        ("[Admin]", "student"),
    ],
)
def test_the_role_is_the_strongest_group(groups: object, role: str) -> None:
    assert caller(access(groups)) == Caller("an", role)


def test_without_groups_one_is_a_student() -> None:
    assert caller(event(token_use="access", username="an")) == Caller("an", "student")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"token_use": "id", "username": "an", "cognito:groups": "[admin]"},
        {"username": "an"},
        {"token_use": "access"},
        {"token_use": "access", "username": ""},
        {"token_use": "access", "cognito:username": "an", "sub": "an"},
    ],
)
def test_only_an_access_token_identifies(claims: dict[str, object]) -> None:
    with pytest.raises(UnauthorizedError):
        caller(event(**claims))


@given(st.text())
def test_no_string_of_groups_is_more_than_its_words(groups: str) -> None:
    role = caller(access(groups)).role

    assert role == "student" or role in groups
