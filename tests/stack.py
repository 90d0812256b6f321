"""The running stack as tests see it: what `nightclass up` printed, and ways to talk to it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3

from tests import openapi

T = TypeVar("T")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is the parsed JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Stack:
    """A deployed stack on a local cloud of its own."""

    ready: Mapping[str, Any]
    state_dir: Path
    process: "subprocess.Popen[str]"
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """Base URL of every AWS service."""
        return str(self.ready["endpoint"])

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name="ap-southeast-1")

    def table(self, name: str) -> Any:
        """A boto3 Table by its name in `ready` (students, interactions, classActivity, operations)."""
        resource = boto3.resource("dynamodb", endpoint_url=self.endpoint, region_name="ap-southeast-1")
        return resource.Table(self.ready["tables"][name])

    def nightclass(
        self, *arguments: str, check: bool = True, timeout: float = 170
    ) -> "subprocess.CompletedProcess[str]":
        """Run a `nightclass` command on this stack's state directory."""
        command = [sys.executable, "-m", "local", *arguments, "--state-dir", str(self.state_dir)]
        done = subprocess.run(
            command, cwd=ROOT, env=bare_environment(), capture_output=True, text=True, timeout=timeout, check=False
        )
        assert not check or done.returncode == 0, f"{arguments} exited {done.returncode}: {done.stderr[-2000:]}"
        return done

    def token(self, user: str, role: str = "student") -> str:
        """An access token of `user` in `role`, kept for the session."""
        if (user, role) not in self._tokens:
            self._tokens[user, role] = self.nightclass("token", "--user", user, "--role", role).stdout.strip()
        return self._tokens[user, role]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request to the HTTP API, and hold the answer to docs/openapi.yaml."""
        request = urllib.request.Request(self.ready["apiUrl"].rstrip("/") + path, method=method)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=40) as response:
                answer = _answer(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            answer = _answer(error.code, error.read(), dict(error.headers))
        undeclared = openapi.findings(method, path, answer.status, answer.headers, answer.body)
        assert not undeclared, undeclared
        return answer

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Mails that the local SES accepted for `to`."""
        lines = self.nightclass("mailbox", "--to", to, "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]


def _answer(status: int, raw: bytes, headers: Mapping[str, str]) -> Answer:
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode(errors="replace")
    return Answer(status, body, {name.lower(): value for name, value in headers.items()})


def eventually(
    probe: Callable[[], T], until: Callable[[T], object] = bool, deadline: float = 60, pause: float = 0.1
) -> T:
    """Poll `probe` until its value satisfies `until`; the last value is in the failure."""
    end = time.monotonic() + deadline
    while True:
        value = probe()
        if until(value):
            return value
        assert time.monotonic() < end, f"not within {deadline} s; last seen: {value!r}"
        time.sleep(pause)


def bare_environment(**extra: str) -> dict[str, str]:
    """What a new user's shell has: a home, a path, and no AWS variable."""
    return {"HOME": os.environ.get("HOME", "/"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **extra}


@contextmanager
def running(state_dir: Path, *options: str, **environment: str) -> Iterator[Stack]:
    """`nightclass up` in a process of its own for as long as the block lasts."""
    command = [sys.executable, "-m", "local", "up", "--port", "0", "--state-dir", str(state_dir), *options]
    log = (state_dir.parent / f"{state_dir.name}.log").open("w+")
    with subprocess.Popen(
        command, cwd=ROOT, env=bare_environment(**environment), stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            log.seek(0)
            assert line, f"`nightclass up` ended without a ready line: {log.read()[-3000:]}"
            yield Stack(json.loads(line), state_dir, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(150)
            except subprocess.TimeoutExpired:
                process.kill()
            log.close()
