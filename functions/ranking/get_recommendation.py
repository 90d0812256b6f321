"""Trigger: HTTP API, `GET /ranking/{userId}?numResults&type=course|document|quiz`."""

from campus import validation
from campus.http import Request, Response, route
from ranking import access, ladder
from ranking.popularity import ITEM_TYPES


@route
def handler(request: Request) -> Response:
    """`{"userId", "recommendations": [{"itemId", "score"}], "source", "modelVersion"}`."""
    student_id = validation.identifier(request.path, "userId")
    query = validation.only(request.query, "numResults", "type")
    count = validation.integer(query, "numResults", default=25, low=1, high=100)
    item_type = validation.choice(query, "type", ITEM_TYPES) if "type" in query else None
    enrolled = access.authorize(request.caller, student_id)
    return Response(200, ladder.recommend(student_id, enrolled, count, item_type).body(student_id))
