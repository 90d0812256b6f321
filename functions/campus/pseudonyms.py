"""The border to Personalize: a student's id leaves our tables only as a keyed hash.

The key is never rotated in place: a new key is a new population, so it comes with a new dataset group.
"""

import hashlib
import hmac

from campus.keys import key
from campus.settings import settings


def pseudonym(student_id: str) -> str:
    """Personalize's USER_ID of a student: 32 hex digits of HMAC-SHA-256."""
    said = f"personalize:{student_id}".encode()
    return hmac.new(key(settings.pseudonym_key_arn), said, hashlib.sha256).hexdigest()[:32]
