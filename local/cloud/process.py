"""The local cloud as its users hold it: started, reachable at an endpoint, stopped."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 120
_STOP_SECONDS = 120

# What would steer the emulator, the SDK or the interpreter from the user's shell.
_FOREIGN_PREFIXES = ("AWS_", "PYTHON", "LOCALSTACK_", "MINISTACK_", "LAMBDA_", "SFN_", "S3_", "COGNITO_", "POWERTOOLS_")
_FOREIGN_NAMES = {
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("AUTH", "SERVICES", "USE_SSL", "SMTP_HOST", "EDGE_PORT", "CLOUDTRAIL_RECORDING"),
}

# Talks to loopback whatever proxy the user's environment names.
loopback = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CloudError(Exception):
    """The local cloud could not be started; the message is one line."""


class Cloud:
    """An emulated AWS account on 127.0.0.1, running from construction until `stop`.

    Attributes:
        endpoint: base URL of every service, e.g. `http://127.0.0.1:43121`.
        port: its port.

    Args:
        state_dir: everything the cloud keeps, made if absent; the same directory brings the same account back.
        port: 0 for any free one.
        time_scale: factor on waits, job durations and the visibility of failed messages.

    Raises:
        CloudError: the port is taken, or the process ended before it answered.
    """

    def __init__(self, state_dir: Path, port: int = 0, time_scale: float = 0.005) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self._log_path = state_dir / "cloud.log"
        command = [sys.executable, "-m", "local.cloud", "--state-dir", str(state_dir.resolve())]
        command += ["--port", str(port), "--time-scale", repr(time_scale)]
        with self._log_path.open("ab") as log:
            # Its own session: Ctrl-C reaches only this process, which then stops the cloud in order. The pipe to its
            # stdin closes when this process dies, however it dies, and the cloud ends itself.
            self._process = subprocess.Popen(
                command,
                cwd=Path(__file__).parents[2],
                env=_environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise CloudError(self._last_words())
        self.endpoint: str = json.loads(line)["endpoint"]
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Save the state and end the process with everything it started; harmless when already ended."""
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

    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self.is_running():
            try:
                with loopback.open(f"{self.endpoint}/_ministack/health", timeout=5):
                    return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise CloudError(f"the local cloud did not answer within {_START_SECONDS} s: {error}") from error
                time.sleep(0.02)
        raise CloudError(self._last_words())

    def _last_words(self) -> str:
        lines = self._log_path.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the local cloud ended with exit code {self._process.returncode}"


def _environment(outer: Mapping[str, str]) -> dict[str, str]:
    """The surroundings of the cloud and of every function: nobody's AWS account, proxy, mail server or Python path.

    `AWS_ENDPOINT_URL_<SERVICE>` passes through, so that single services can be replaced or faulted from outside.
    """
    return {
        name: value
        for name, value in outer.items()
        if name.startswith("AWS_ENDPOINT_URL_")
        or not (name.startswith(_FOREIGN_PREFIXES) or name.upper() in _FOREIGN_NAMES)
    }
