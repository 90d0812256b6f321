"""ASGI servers on free ports, and a stand-in for S3 and STS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import urllib.parse
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

ASSUMED_KEY = b"ASSUMEDKEY"
ASSUMED = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMEDKEY</AccessKeyId><SecretAccessKey>s"
    b"</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    b"</AssumeRoleResult></AssumeRoleResponse>"
)
NOT_ASSUMED = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


class ObjectStore:
    """The S3 and STS calls the service makes, over path-style URLs.

    Only an assumed role may read; the role "Stranger" cannot be assumed; buckets named "denied-*" refuse everything.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more and scope["type"] == "http":
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = urllib.parse.unquote(scope["path"]).lstrip("/")
        bucket, _, key = path.partition("/")
        assumed = ASSUMED_KEY in dict(scope["headers"]).get(b"authorization", b"")
        status, content = 200, b""
        if b"Action=AssumeRole" in body:
            status = 403 if b"role%2FStranger" in body else 200
            content = NOT_ASSUMED if status == 403 else ASSUMED
        elif not assumed or bucket.startswith("denied-"):
            status, content = 403, b"<Error><Code>AccessDenied</Code></Error>"
        elif not any(name.startswith(f"{bucket}/") for name in self.objects) and scope["method"] == "GET":
            status, content = 404, b"<Error><Code>NoSuchBucket</Code></Error>"
        elif scope["method"] == "PUT":
            self.objects[path] = body
        elif not key:
            prefix = dict(urllib.parse.parse_qsl(scope["query_string"].decode())).get("prefix", "")
            names = sorted(n.partition("/")[2] for n in self.objects if n.startswith(f"{bucket}/{prefix}"))
            entries = "".join(f"<Contents><Key>{n}</Key><Size>1</Size></Contents>" for n in names)
            content = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
        else:
            status, content = (200, self.objects[path]) if path in self.objects else (404, b"<Error/>")
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/xml")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class Server:
    """ASGI applications on free ports of one event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def add(self, app: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.accesslog = config.errorlog = None
        asyncio.run_coroutine_threadsafe(serve(app, config, shutdown_trigger=self._stopped.wait), self.loop)
        return url

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._stopped.set)
        self.loop.call_soon_threadsafe(self.loop.call_later, 0.2, self.loop.stop)
        self._thread.join(5)


def processes() -> dict[int, int]:
    """Every living process of this machine, with its parent."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(path.parent.name)] = int(parent)
    return found
