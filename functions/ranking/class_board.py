"""A class's students by engagement, as its teachers and as one of its students see it."""

from dataclasses import dataclass
from typing import Any

from campus import clock, tables
from campus.http import NotFoundError
from campus.identity import Caller, ForbiddenError
from campus.settings import settings
from ranking import access

NEIGHBOURS = 2
_DAY = 86_400


@dataclass(frozen=True)
class Place:
    """A student's place: 1 plus the number of students with a higher score, so equals share one."""

    student_id: str
    place: int
    score: float


def view(caller: Caller, class_id: str, count: int) -> dict[str, Any]:
    """The ranking of a class as the caller may see it.

    Args:
        caller: staff see the `count` most engaged students by id; a student of the class sees their own place and
            nameless neighbours.
        class_id: the class.
        count: how many places staff get.

    Returns:
        `{"classId", "students": how many, "ranking": [{"place", "score"[, "studentId"]}]}`; the score is the sum of
        the activities' weights as they count today, halved every HALF_LIFE_DAYS.

    Raises:
        ForbiddenError: the caller has nothing to do with the class, or there is no such class.
        NotFoundError: there is no such class, which only an admin is told.
    """
    if access.is_staff(caller, class_id):
        if caller.is_admin and not access.class_exists(class_id):
            raise NotFoundError(f"class {class_id} does not exist")
        places = _places(class_id)
        shown = [_wire(place) | {"studentId": place.student_id} for place in places[:count]]
    elif access.is_enrolled(caller.user_id, class_id):
        places = _places(class_id)
        own = next((n for n, place in enumerate(places) if place.student_id == caller.user_id), None)
        # An enrolment takes a moment to reach the index.
        around = places[max(0, own - NEIGHBOURS) : own + NEIGHBOURS + 1] if own is not None else []
        shown = [
            _wire(place) | ({"studentId": caller.user_id} if place.student_id == caller.user_id else {})
            for place in around
        ]
    else:
        raise ForbiddenError
    return {"classId": class_id, "students": len(places), "ranking": shown}


def _places(class_id: str) -> list[Place]:
    """All enrolled students, most engaged first."""
    pages = tables.pages(
        tables.class_activity(),
        "query",
        IndexName="byScore",
        KeyConditionExpression="board = :board",
        FilterExpression="attribute_exists(enrolledAt)",
        ProjectionExpression="studentId, score",
        ExpressionAttributeValues={":board": f"{class_id}#students"},
        ScanIndexForward=False,
    )
    places: list[Place] = []
    stored: float | None = None
    for row in (row for page in pages for row in page):
        score = float(row["score"])
        place = places[-1].place if places and score == stored else len(places) + 1
        places.append(Place(str(row["studentId"]), place, _today(score)))
        stored = score
    return places


def _today(stored: float) -> float:
    """What a time-invariant score (log2 of the sum of weight * 2^(days/half-life)) is worth now."""
    exponent = stored - clock.now() / _DAY / settings.half_life_days
    # An event from a broken clock, centuries ahead, must not overflow the page.
    return float(2.0 ** min(exponent, 1023.0))


def _wire(place: Place) -> dict[str, Any]:
    return {"place": place.place, "score": round(place.score, 6)}
