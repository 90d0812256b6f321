"""Mailbox: every mail as its reader sees it, with its text, headers, ledger row and the event behind it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from local.console.guard import MAIL
from local.console.rendering import missing, render, sources_of
from local.console.sources import Page

_LIMIT: Final = 25
_DEAD_LINKS: Final = "<style>a { pointer-events: none }</style>"


def show(request: Request) -> Response:
    """`?mail=<messageId>&to=<address>&more=<page>`, or `?event=<id>`, what it caused; without a mail, the first."""
    sources, query = sources_of(request), request.query_params
    event = sources.events.one(query["event"]) if query.get("event") else None
    if query.get("event") and event is None:
        return missing(request)
    if event is not None:
        page = Page(sources.mails.caused_by(event))
    else:
        page = sources.mails.latest(_LIMIT, query.get("to"), query.get("more"))
    chosen = query.get("mail") or (page.rows[0]["messageId"] if page.rows else None)
    mail = sources.mails.one(chosen) if chosen else None
    if query.get("mail") and mail is None:
        return missing(request)
    return render(
        request,
        "mailbox.html",
        page=page,
        mail=mail,
        event=event,
        to=query.get("to", ""),
        more=query.get("more", ""),
    )


def body(request: Request) -> Response:
    """The HTML of a mail alone, for a frame that lets nothing in or out."""
    mail = sources_of(request).mails.one(request.path_params["message_id"])
    if mail is None or not mail["html"]:
        return missing(request)
    # A link can lead nowhere out of the frame, so a click is to do nothing, rather than to put an error in the mail's
    # place. What it is for stands beside the headers.
    return HTMLResponse(mail["html"] + _DEAD_LINKS, headers={"content-security-policy": MAIL})


ROUTES: Final = [Route("/mailbox", show), Route("/mailbox/{message_id:path}/body", body)]
