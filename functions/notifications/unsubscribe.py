"""Trigger: GET /unsubscribe and POST /unsubscribe, the link in announcements; its token is the only key."""

import base64
from collections.abc import Mapping
from typing import Any

from campus.observability import without_texts
from notifications import subscription_page

_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


@without_texts
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """An HTML page."""
    token = (event.get("queryStringParameters") or {}).get("token", "")
    status, page = subscription_page.answer(event["requestContext"]["http"]["method"], token, _form(event))
    return {"statusCode": status, "headers": _HEADERS, "body": page}


def _form(event: Mapping[str, Any]) -> str:
    body = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        return body
    return base64.b64decode(body).decode(errors="replace")
