"""Trigger: HTTP API, `POST /ranking/updates {trigger}`; answers 202 with the event id."""

from campus.http import Request, Response, route
from publishing import commands


@route
def handler(request: Request) -> Response:
    """`{"eventId": …}`."""
    return Response(202, {"eventId": commands.request_ranking_update(request)})
