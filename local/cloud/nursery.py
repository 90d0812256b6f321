"""Where function processes are born: forked from one that has already imported what they all import.

A fresh interpreter spends most of a second of two cores on importing boto3 and Powertools, and fifty megabytes on
keeping them; a fork spends neither. `Nursery` runs in the process of the cloud, `main` is the process that forks.
"""

import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

_PRELOADED: Final = (
    "boto3.dynamodb.conditions",
    "boto3.dynamodb.transform",
    "boto3.session",
    "botocore.httpsession",
    "botocore.signers",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.event_handler",
)
_MODELS: Final = (
    "dynamodb",
    "events",
    "lambda",
    "personalize",
    "personalize-events",
    "personalize-runtime",
    "s3",
    "secretsmanager",
    "sesv2",
    "sqs",
)
_LONGEST_REQUEST = 1 << 20


class Nursery:
    """Starts Python scripts as forks of one prepared process (Linux)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far_end:
            command = [sys.executable, "-m", "local.cloud.nursery", str(far_end.fileno())]
            self._process = subprocess.Popen(
                command, cwd=Path(__file__).parents[2], pass_fds=[far_end.fileno()], stdin=subprocess.DEVNULL
            )

    def start(self, script: str, cwd: str, env: Mapping[str, str]) -> "Fork":
        """Run `script` as `python script` would, with pipes for its standard streams.

        Raises:
            OSError: the preparing process is gone.
        """
        ours, theirs = zip(*(os.pipe() if number else os.pipe()[::-1] for number in range(3)), strict=True)
        request = json.dumps({"script": script, "cwd": cwd, "env": dict(env)}).encode()
        try:
            with self._lock:
                socket.send_fds(self._line, [request], theirs)
                answer = self._line.recv(64)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        if not answer:
            raise OSError("the process that forks functions is gone")
        return Fork(int(answer), *ours)

    def close(self) -> None:
        """End the preparing process; forks go on."""
        self._line.close()
        self._process.wait()


class Fork:
    """A forked process, with what the emulator uses of `subprocess.Popen`."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[str] = os.fdopen(stdin, "w", buffering=1, encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(stdout, encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(stderr, encoding="utf-8", errors="replace")

    def poll(self) -> int | None:
        """None while it runs. How it ended is not known, so its end is always told as -1."""
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.returncode = -1
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.005)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                self.returncode = -1


def main() -> None:
    """Import, then fork on request until the other end of the line is closed."""
    line = socket.socket(fileno=int(sys.argv[1]))
    for name in _PRELOADED:
        importlib.import_module(name)
    _remember_service_models()
    # What exists by now is never collected, so that no fork copies its pages.
    gc.collect()
    gc.freeze()
    # Whoever ends is buried at once: `Fork.poll` sees by its absence that it ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(line, _LONGEST_REQUEST, 3)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            line.close()
            _become(json.loads(request), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        line.send(str(pid).encode())


def _remember_service_models() -> None:
    """Read the service models once for all forks; botocore reads and parses them for every new session."""
    from botocore.loaders import JSONFileLoader
    from botocore.session import Session

    read = JSONFileLoader().load_file
    JSONFileLoader.load_file = lambda _self, path: _model(read, path)  # type: ignore[method-assign,assignment]
    loader = Session().get_component("data_loader")
    for service in _MODELS:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)


@functools.cache
def _model(read: Callable[[str], Any], path: str) -> Any:  # noqa: ANN401 - parsed JSON
    return read(path)


def _become(request: Mapping[str, Any], descriptors: list[int]) -> None:
    """Turn the fork into `python script`; never returns."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        script = request["script"]
        sys.argv, sys.path[0] = [script], str(Path(script).parent)
        sys.stdin = os.fdopen(0, encoding="utf-8")
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        source = Path(script).read_bytes()
        exec(compile(source, script, "exec"), {"__name__": "__main__", "__file__": script})  # noqa: S102 - the script
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
