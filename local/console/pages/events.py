"""Events: the bus as a timeline, one event on its way, and the queues with their dead letters."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.commands.options import CommandError
from local.console.rendering import missing, refused, render, see, sources_of

_LIMIT: Final = 30


def show(request: Request) -> Response:
    """`?event=<id>` for one event, `?letters=<queue>` for dead letters, or `?correlation=<id>&more=<page>`."""
    sources, query = sources_of(request), request.query_params
    if event_id := query.get("event"):
        return _one(request, event_id)
    if queue := query.get("letters"):
        letters = sources.queues.letters(queue)
        return missing(request) if letters is None else render(request, "letters.html", queue=queue, letters=letters)
    return render(
        request,
        "events.html",
        page=sources.events.latest(_LIMIT, query.get("correlation"), query.get("more")),
        queues=sources.queues.all(),
        classes=sources.rankings.classes(),
        correlation=query.get("correlation", ""),
        more=query.get("more", ""),
        note=query.get("moved"),
    )


def _one(request: Request, event_id: str) -> Response:
    """One event from its publisher to rows and mails."""
    sources = sources_of(request)
    event = sources.events.one(event_id)
    if event is None:
        return missing(request)
    related = sources.events.latest(_LIMIT, event["correlationId"]).rows
    return render(
        request,
        "event.html",
        event=event,
        routes=sources.events.routes(event),
        rows=sources.events.rows(event),
        mails=sources.mails.caused_by(event),
        executions=sources.events.executions(event["eventId"]),
        related=[other for other in related if other["eventId"] != event["eventId"]],
    )


def enroll(request: Request) -> Response:
    """Enrol a student through the API, and follow the event."""
    form = request.scope["form"]
    class_id, student_id = form.get("class_id", "").strip(), form.get("student_id", "").strip()
    try:
        event_id = sources_of(request).events.enroll(class_id, student_id)
    except CommandError as error:
        return refused(request, error.format_message())
    return see("/events", event=event_id)


def redrive(request: Request) -> Response:
    """Send dead letters back to their queue."""
    try:
        moved = sources_of(request).queues.redrive(request.scope["form"].get("queue", ""))
    except LookupError as error:
        return refused(request, str(error))
    return see("/events", moved="" if moved is None else str(moved))


ROUTES: Final = [
    Route("/events", show),
    Route("/events/enroll", enroll, methods=["POST"]),
    Route("/events/redrive", redrive, methods=["POST"]),
]
