"""A proxy between the functions and one AWS service: it refuses, delays, loses or cuts short calls at named points."""

import http.client
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.integration.faults.processes import peer_of

_BETWEEN_HOPS = {"host", "connection", "expect", "content-length", "transfer-encoding", "date", "server"}
_SECONDS = 60


class LostAnswer(Exception):
    """The caller gets no answer: its connection ends."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of the service."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass
class Call:
    """One call on its way to the service."""

    proxy: "Proxy"
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    caller: tuple[str, int]

    @cached_property
    def operation(self) -> str:
        """`UpdateItem`, `PutEvents`, `SendEmail`; method and path where the service names no operation."""
        target = self.headers.get("X-Amz-Target")
        if target:
            return target.rpartition(".")[2]
        return "SendEmail" if self.path.endswith("/outbound-emails") else f"{self.method} {self.path}"

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def forward(self, body: bytes | None = None) -> Answer:
        """The service's own answer, to this call or to one with another body."""
        upstream = http.client.HTTPConnection(self.proxy.upstream(), timeout=_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _BETWEEN_HOPS}
        try:
            upstream.request(self.method, self.path, self.body if body is None else body, headers)
            response = upstream.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            upstream.close()

    def kill_caller(self) -> None:
        """Kill -9 the function's process; its connection ends with it."""
        pid = peer_of(self.proxy.address, self.caller, self.proxy.ancestor())
        assert pid is not None, "no process of the local cloud made this call"
        os.kill(pid, signal.SIGKILL)


Fault = Callable[[Call], Answer]


class Proxy:
    """Serves on a free port of 127.0.0.1 until `close`.

    Attributes:
        url: what `AWS_ENDPOINT_URL_<SERVICE>` is to be.
        errors: what went wrong in here; a scenario in which anything did proves nothing.
    """

    def __init__(self) -> None:
        self._upstream: Future[str] = Future()
        self._ancestor: Future[int] = Future()
        self.errors: list[str] = []
        self._fault: Fault = Call.forward
        self._server = _Server(self)
        self.address: tuple[str, int] = self._server.server_address[:2]  # type: ignore[assignment]
        self.url = f"http://{self.address[0]}:{self.address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stand_before(self, endpoint: str, process: int | None = None) -> None:
        """Forward to the service's own endpoint; calls that came before this was known have waited.

        Args:
            endpoint: its URL.
            process: whose descendants may be killed.
        """
        self._upstream.set_result(urlsplit(endpoint).netloc)
        if process is not None:
            self._ancestor.set_result(process)

    def upstream(self) -> str:
        """Host and port of the service."""
        return self._upstream.result(_SECONDS)

    def ancestor(self) -> int:
        """The process whose descendants may be killed."""
        return self._ancestor.result(0)

    def answer(self, call: Call) -> Answer:
        return self._fault(call)

    @contextmanager
    def faulty(self, fault: Fault) -> Iterator[None]:
        """Have `fault` answer every call instead of the service, for as long as the block lasts."""
        self._fault = fault
        try:
            yield
        finally:
            self._fault = Call.forward

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep the error, unless the caller is gone: that is what some faults are for."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.proxy.errors.append("".join(traceback.format_exception(error)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    server: _Server

    def handle_expect_100(self) -> bool:
        """Let S3's clients send their bodies at once; they wait a second for that."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = Call(self.server.proxy, self.command, self.path, dict(self.headers), body, self.client_address)
        try:
            answer = self.server.proxy.answer(call)
        except LostAnswer:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _BETWEEN_HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing."""
