"""Trigger: HTTP API, `GET /classes/{classId}/ranking?numResults`."""

from campus import validation
from campus.http import Request, Response, route
from ranking import class_board


@route
def handler(request: Request) -> Response:
    """`{"classId", "students", "ranking": [{"place", "score"[, "studentId"]}]}`."""
    class_id = validation.identifier(request.path, "classId")
    query = validation.only(request.query, "numResults")
    count = validation.integer(query, "numResults", default=100, low=1, high=1000)
    return Response(200, class_board.view(request.caller, class_id, count))
