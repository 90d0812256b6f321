"""Trigger: HTTP API, `POST /ranking/{userId} {itemIds: [...]}`, which puts 1 to 500 given items in order."""

from collections.abc import Mapping
from typing import Any

from campus import validation
from campus.http import Request, Response, route
from campus.validation import InvalidInputError
from ranking import access, ladder
from ranking.campaign import MAX_RESULTS


@route
def handler(request: Request) -> Response:
    """`{"userId", "recommendations": [{"itemId", "score"}], "source", "modelVersion"}`."""
    student_id = validation.identifier(request.path, "userId")
    item_ids = _item_ids(request.body)
    access.authorize(request.caller, student_id)
    return Response(200, ladder.rank(student_id, item_ids).body(student_id))


def _item_ids(body: Mapping[str, Any]) -> list[str]:
    """The ids, each once, in the order given."""
    given = body.get("itemIds")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_RESULTS:
        raise InvalidInputError(f"itemIds must be a list of 1 to {MAX_RESULTS} ids")
    ids = (validation.identifier({f"itemIds[{n}]": value}, f"itemIds[{n}]") for n, value in enumerate(given))
    return list(dict.fromkeys(ids))
