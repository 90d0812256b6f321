"""Whether a student wants a kind of mail: signed links that end it, and what is noted when one is followed.

Only announcements can be ended. A receipt answers what the student just did, and is always sent.
"""

import base64
import hashlib
import hmac
import json

from botocore.exceptions import ClientError

from campus import tables
from campus.keys import key
from campus.settings import settings
from notifications.notice import Notice

TOPICS = ("announcement",)


def token(student_id: str, topic: str) -> str:
    """The right to end one topic for one student. It never expires, as the mail it stands in does not either."""
    said = json.dumps([student_id, topic], separators=(",", ":")).encode()
    signature = hmac.new(key(settings.unsubscribe_key_arn), b"unsubscribe:" + said, hashlib.sha256).digest()
    return f"{_encoded(said)}.{_encoded(signature)}"


def verified(given: str) -> tuple[str, str] | None:
    """Student and topic of a token that `token` made; None for anything else."""
    try:
        said = given.partition(".")[0]
        student_id, topic = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        # Made anew and compared as a whole: base64 has several spellings of the same bytes.
        genuine = hmac.compare_digest(token(student_id, topic).encode(), given.encode())
    except (ValueError, TypeError, RecursionError):
        return None
    return (student_id, topic) if genuine and topic in TOPICS else None


def link(student_id: str, topic: str) -> str:
    """The address that shows, or by POST does, the end of a topic."""
    return f"{settings.unsubscribe_url}?token={token(student_id, topic)}"


def headers(told: Notice) -> dict[str, str]:
    """RFC 8058's headers, by which a mail program offers to unsubscribe; none on a receipt."""
    if told.kind not in TOPICS:
        return {}
    return {
        "List-Unsubscribe": f"<{link(told.student_id, told.kind)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def locale(student_id: str) -> str | None:
    """The language of a student; None where nobody knows."""
    return tables.students().get_item(Key={"studentId": student_id}).get("Item", {}).get("locale")  # type: ignore[return-value]  # written as a string


def end(student_id: str, topic: str) -> str | None:
    """Write to this student about this topic no more. A student who is not there any more has nothing to end.

    Returns:
        The language of the student; None where nobody knows.
    """
    try:
        stored = tables.students().update_item(
            Key={"studentId": student_id},
            ConditionExpression="attribute_exists(studentId)",
            UpdateExpression="ADD unsubscribed :topic",
            ExpressionAttributeValues={":topic": {topic}},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except ClientError as error:
        if tables.is_conditional_failure(error):
            return None
        raise
    return stored.get("locale")  # type: ignore[return-value]  # written as a string


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
