"""Trigger: HTTP API, `PUT /classes/{classId} {title, teachers?, materials?}`, by admins; answers what is stored."""

from campus.http import Request, Response, route
from publishing import registry


@route
def handler(request: Request) -> Response:
    """`{"classId", "title", "teachers": [id], "materials": [{"itemId", "type", "title"}]}`."""
    return Response(200, registry.put_class(request))
