"""The border to Personalize: a student's id leaves our tables only as a keyed hash.

The key is never rotated in place: a new key is a new population, so it comes with a new dataset group.
"""

import hashlib
import hmac
from functools import cache

from campus.clients import client
from campus.settings import settings


@cache
def _key() -> bytes:
    secret: str = client("secretsmanager").get_secret_value(SecretId=settings.pseudonym_key_arn)["SecretString"]
    return secret.encode()


def pseudonym(student_id: str) -> str:
    """Personalize's USER_ID of a student: 32 hex digits of HMAC-SHA-256."""
    return hmac.new(_key(), f"personalize:{student_id}".encode(), hashlib.sha256).hexdigest()[:32]
