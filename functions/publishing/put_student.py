"""Trigger: HTTP API, `PUT /students/{studentId} {email, displayName?, locale?}`, by admins; answers what is stored."""

from campus.http import Request, Response, route
from publishing import registry


@route
def handler(request: Request) -> Response:
    """`{"studentId", "email", "displayName", "locale", "status"}`."""
    return Response(200, registry.put_student(request))
