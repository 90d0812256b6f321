"""What keeps other web sites out: of the pages (host), of the buttons (origin, token), and of what a page may load."""

import hmac
import secrets
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.console.rendering import language_of
from local.console.texts import translated

_LONGEST_FORM: Final = 65_536
_PAGE: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:"
)
# A mail brings its own styles and nothing else: no script, no picture from elsewhere, no form, no way out.
MAIL: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    # Not "no-referrer": that would make the Origin of our own forms "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware; a form that passes is in `scope["form"]`.

    Attributes:
        token: what every form of ours carries; new in each process.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        # A name that an attacker makes resolve to 127.0.0.1 is not among them (DNS rebinding).
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.token = secrets.token_urlsafe(24)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        refusal = None
        if host not in self._hosts:
            refusal = PlainTextResponse("unknown host\n", 421)
        elif scope["method"] not in {"GET", "HEAD", "POST"}:
            refusal = _refused(scope, 405, "method not allowed")
        elif scope["method"] == "POST":
            form = await _form(receive)
            if headers.get("origin") != f"http://{host}":
                refusal = _refused(scope, 403, "this form is not ours")
            elif form is None:
                refusal = _refused(scope, 403, "this is no form, or one of more than 64 kB")
            elif not hmac.compare_digest(form.get("token", "").encode(), self.token.encode()):
                refusal = _refused(scope, 403, "this page is out of date: load it again")
            scope["form"] = form
        scope["token"] = self.token

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer[name] = value
                answer.setdefault("content-security-policy", _PAGE)
            await send(message)

        await (refusal or self._app)(scope, receive, guarded)


def _refused(scope: Scope, status: int, why: str) -> PlainTextResponse:
    """One line in the reader's language."""
    return PlainTextResponse(f"{translated(language_of(Request(scope)), why)}\n", status)


async def _form(receive: Receive) -> dict[str, str] | None:
    """The fields of a form; None where it is too long or no form."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LONGEST_FORM:
            return None
        if not message.get("more_body"):
            break
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        return None
