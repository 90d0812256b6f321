"""The console's addresses."""

import logging
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from local.commands.options import one_line
from local.console.guard import Guard
from local.console.pages import events, mailbox, model, overview, rankings, retraining
from local.console.rendering import missing, render
from local.console.sources import Sources

_STATIC = Path(__file__).parent / "static"
_PAGES = (overview, retraining, mailbox, events, rankings, model)


def make_app(sources: Sources, port: int) -> Guard:
    """The ASGI application.

    Args:
        sources: what the pages show.
        port: where it is served; requests to any other host or port are refused.
    """
    app = Starlette(
        routes=[
            *(route for page in _PAGES for route in page.ROUTES),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        exception_handlers={404: _missing, Exception: _failed},
    )
    app.state.sources = sources
    return Guard(app, port)


def _missing(request: Request, error: Exception) -> Response:
    del error
    return missing(request)


def _failed(request: Request, error: Exception) -> Response:
    """One line where AWS or the API did not answer as hoped; the log has the rest."""
    logging.getLogger(__name__).warning("%s failed", request.url.path, exc_info=error)
    return render(request, "message.html", status=502, title="That did not work", message=one_line(error))
