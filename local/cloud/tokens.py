"""Access tokens of a chosen lifetime: what Cognito's own sign-in cannot give (it knows five minutes to a day)."""

import base64
import json
from typing import Any

from local.cloud import ACCOUNT_ID, REGION


def token_answer(wanted: dict[str, Any]) -> dict[str, Any]:
    """{userPoolId, clientId, username, expiresIn} → {accessToken}; LookupError for an unknown pool, client or user."""
    token = access_token(wanted["userPoolId"], wanted["clientId"], wanted["username"], int(wanted["expiresIn"]))
    return {"accessToken": token}


def access_token(pool_id: str, client_id: str, username: str, expires_in: int) -> str:
    """A token as Cognito's sign-in issues it (RS256, the pool's access key), valid for `expires_in` seconds.

    A negative `expires_in` gives a token that expired that long ago.

    Raises:
        KeyError: the pool, client or user does not exist.
    """
    from ministack.core.responses import request_scope
    from ministack.services import cognito

    with request_scope(ACCOUNT_ID, REGION):
        pool = cognito._user_pools[pool_id]
        user, _client = pool["_users"][username], pool["_clients"][client_id]
        signed = cognito._fake_token(
            cognito._attr_list_to_dict(user["Attributes"])["sub"],
            pool_id,
            client_id,
            username=username,
            groups=list(user.get("_groups", [])),
        )
        payload = signed.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        claims["exp"] = claims["iat"] + expires_in
        if expires_in <= 0:
            claims["iat"] = claims["auth_time"] = claims["exp"] - 60
        return str(cognito._signed_jwt(claims, pool_id, "access"))
