"""A browser's place for tests: sends requests straight to an ASGI application, no socket."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

PORT = 8000
ORIGIN = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """Asks one application, as a browser on this machine would."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, address: str, **headers: str) -> Answer:
        return self.ask("GET", address, b"", headers)

    def post(self, address: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form, with our origin unless another is given."""
        return self.ask("POST", address, urlencode(fields).encode(), {"origin": ORIGIN, **headers})

    def token(self, address: str) -> str:
        """The token in the forms of a page."""
        found = re.search(r'name="token" value="([^"]+)"', self.get(address).text)
        assert found, f"{address} has no form"
        return found[1]

    def ask(self, method: str, address: str, body: bytes, headers: dict[str, str]) -> Answer:
        return asyncio.run(self._ask(method, address, body, {"host": urlsplit(ORIGIN).netloc, **headers}))

    async def _ask(self, method: str, address: str, body: bytes, headers: dict[str, str]) -> Answer:
        parts = urlsplit(address)
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "scheme": "http",
            "server": ("127.0.0.1", PORT),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "http_version": "1.1",
        }
        sent: list[dict[str, Any]] = []

        unread = [body]

        async def receive() -> dict[str, Any]:
            if not unread:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            await self._app(scope, receive, send)
        except Exception:
            # Starlette answers first and lets the server log the rest.
            if not sent:
                raise
        start = sent[0]
        text = b"".join(one.get("body", b"") for one in sent[1:]).decode()
        return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, text)
