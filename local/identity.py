"""People of the local user pool, and access tokens for them."""

import json
import secrets
import urllib.error
import urllib.request

from botocore.exceptions import ClientError

from local.cloud import client, loopback


class IdentityError(Exception):
    """The pool, client or group does not exist, or refused the user; one line."""


def issue_token(
    endpoint: str, user_pool_id: str, client_id: str, user: str, role: str | None = None, expires_in: int = 3600
) -> str:
    """An access token of `user`, who is created and put into the group `role` where needed.

    Args:
        endpoint: base URL of the local cloud.
        user_pool_id: the stack's pool.
        client_id: the stack's app client.
        user: username; a studentId or teacherId.
        role: a group of the pool; None leaves the memberships as they are.
        expires_in: lifetime in seconds; negative for a token that expired that long ago.

    Raises:
        IdentityError: nothing is issued.
    """
    cognito = client(endpoint, "cognito-idp")
    try:
        try:
            cognito.admin_create_user(UserPoolId=user_pool_id, Username=user, MessageAction="SUPPRESS")
            # A password makes the account CONFIRMED; nobody needs to know it.
            password = secrets.token_urlsafe(24) + "aA1!"
            cognito.admin_set_user_password(UserPoolId=user_pool_id, Username=user, Password=password, Permanent=True)
        except cognito.exceptions.UsernameExistsException:
            pass
        if role is not None:
            cognito.admin_add_user_to_group(UserPoolId=user_pool_id, Username=user, GroupName=role)
    except ClientError as error:
        raise IdentityError(f"no token for {user}: {error.response['Error']['Message']}") from error
    wanted = {"userPoolId": user_pool_id, "clientId": client_id, "username": user, "expiresIn": expires_in}
    request = urllib.request.Request(f"{endpoint}/_nightclass/tokens", json.dumps(wanted).encode())  # noqa: S310
    try:
        with loopback.open(request, timeout=30) as answer:
            return str(json.load(answer)["accessToken"])
    except urllib.error.HTTPError as error:
        raise IdentityError(f"no token for {user}: {json.load(error)['message']}") from error
