"""Who calls: Cognito access-token claims as API Gateway's JWT authorizer hands them over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLES = ("admin", "teacher", "student")


class UnauthorizedError(Exception):
    """No usable access token (401)."""


class ForbiddenError(Exception):
    """The caller may not do this (403); the answer never says whether the object exists."""


@dataclass(frozen=True)
class Caller:
    """The person behind a request; `user_id` is a studentId or teacherId, `role` the strongest of their groups."""

    user_id: str
    role: str

    @property
    def is_admin(self) -> bool:
        """Admins manage people and classes."""
        return self.role == "admin"


def caller(event: Mapping[str, Any]) -> Caller:
    """The caller of an HTTP API request (payload 2.0).

    API Gateway accepts ID tokens of the same pool, too, so `token_use` is checked here. Groups arrive as the string
    `[teacher admin]`.

    Raises:
        UnauthorizedError: claims absent or not those of an access token.
    """
    claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    if claims.get("token_use") != "access" or not claims.get("username"):
        raise UnauthorizedError("an access token is required")
    raw = claims.get("cognito:groups", "")
    groups = set(raw if isinstance(raw, list) else str(raw).strip("[]").replace(",", " ").split())
    role = next((role for role in ROLES if role in groups), "student")
    return Caller(str(claims["username"]), role)
