"""The console as its users hold it: started, reachable at a URL, stopped."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_STOP_SECONDS = 10


class Console:
    """Web pages on 127.0.0.1, served from construction until `stop`.

    Attributes:
        url: where they are, e.g. `http://127.0.0.1:43121/`.

    Args:
        instance: the fields of the `Instance` it shows.
        log_path: where the process writes what goes wrong.
        port: 0 for any free one.

    Raises:
        OSError: the process ended before it answered; the message is one line.
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
            raise OSError(f"the console did not start; its last words are in {log_path}")
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
