"""Overview: how much there is, what serves, the last run, the queues, the latest events and mails."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.console.rendering import render, sources_of


def show(request: Request) -> Response:
    """Everything at a glance; each part leads to its page."""
    sources = sources_of(request)
    records = sources.runs.records(1)
    return render(
        request,
        "overview.html",
        counts=sources.overview.counts(),
        serving=sources.overview.serving(),
        record=records[0] if records else None,
        recent=sources.runs.recent("retraining")[:1],
        queues=sources.queues.all(),
        events=sources.events.latest(6).rows,
        mails=sources.mails.latest(6).rows,
    )


ROUTES: Final = [Route("/", show)]
