"""The console as its users hold it: started, reachable at a URL, stopped."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_STOP_SECONDS = 10


class ConsoleError(OSError):
    """The console did not start; its text is one line."""


def listener(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1, 0 for any free port.

    Raises:
        ConsoleError: the port is taken.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
        made.listen(64)
    except (OSError, OverflowError) as error:
        made.close()
        why = getattr(error, "strerror", None) or error
        raise ConsoleError(f"the console cannot listen on 127.0.0.1:{port}: {why}") from error
    return made


class Console:
    """Web pages on 127.0.0.1, served from construction until `stop`.

    Attributes:
        url: where they are, e.g. `http://127.0.0.1:43121/`.

    Args:
        instance: the fields of the `Instance` it shows.
        log_path: where the process writes what goes wrong.
        port: 0 for any free one.

    Raises:
        ConsoleError: the process ended before it answered.
    """

    def __init__(self, instance: Mapping[str, Any], log_path: Path, port: int = 0) -> None:
        command = [sys.executable, "-m", "local.console", "--port", str(port)]
        with log_path.open("ab") as log:
            # The pipe to its stdin closes when this process dies, however it dies, and the console ends itself.
            self._process = subprocess.Popen(
                command,
                cwd=Path(__file__).parents[2],
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(dict(instance)).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            words = log_path.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise ConsoleError(f"the console did not start: {words[-1]}")
        self.url: str = json.loads(line)["url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process; harmless when it has ended already."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
