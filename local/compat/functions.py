"""Lambda: how function errors look, and how many functions run at once."""

import hashlib
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# Enough for the queues' consumers and the API side by side; each is a Python process on the user's machine.
CONCURRENCY = max(4, os.cpu_count() or 1)

_REPORT_ERROR = (
    """_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")"""
)
_RETURN_ERROR = """
            sys.stderr.write(traceback.format_exc())
            _real_stdout.write(json.dumps({"status": "ok", "result": {"__function_error__": {
                "errorMessage": str(e),
                "errorType": type(e).__name__,
                "stackTrace": traceback.format_tb(e.__traceback__)[1:],
            }}}) + "\\n")"""

# The worker's last words of a call; a line of the function's own may stand before them without an end.
_END_OF_LOG = "\x1e"
_ANSWERED = "        _real_stdout.flush()\n\nrun()"
_LOGGED = """        sys.stderr.write("\\x1e\\n")
        sys.stderr.flush()
"""
_LONGEST_DRAIN = 5.0


def report_errors_by_name() -> None:
    """An exception of a handler is reported by its class and leaves the environment running.

    AWS: the error payload carries errorType (the class), errorMessage, requestId and stackTrace; Step Functions
    matches the class in ErrorEquals; the process serves the next event.
    Emulator: every exception is a `Runtime.HandlerError` without stackTrace, and the process is killed.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert _REPORT_ERROR in script
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_REPORT_ERROR, _RETURN_ERROR.lstrip())
    execute = lambda_svc._execute_function_warm

    def execute_function(func: dict[str, Any], event: object, request_id: str) -> dict[str, Any]:
        outcome: dict[str, Any] = execute(func, event, request_id)
        body = outcome.get("body")
        if isinstance(body, dict) and "__function_error__" in body:
            error = {**body["__function_error__"], "requestId": request_id}
            return {"body": error, "error": True, "log": outcome.get("log", "")}
        return outcome

    lambda_svc._execute_function_warm = execute_function


def end_logs_with_the_call() -> None:
    """What a function logs is in its log once it has answered, and the answer waits for nothing else.

    AWS: does not hold an answer back for logs, and loses none.
    Emulator: guesses when the last line has come, by waiting up to a quarter of a second after every call; on a busy
    machine lines come with the next call, or never.
    """
    from ministack.core import lambda_runtime

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert script.count(_ANSWERED) == 1
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_ANSWERED, _LOGGED + _ANSWERED)

    def drain(worker: Any, *_: float, **__: float) -> str:  # noqa: ANN401 - the emulator's worker
        lines: list[str] = []
        end = time.monotonic() + _LONGEST_DRAIN
        while time.monotonic() < end:
            try:
                line = str(worker._stderr_queue.get(timeout=0.05))
            except queue.Empty:
                # It died, and will write no end.
                if not worker._stderr_thread.is_alive() and worker._stderr_queue.empty():
                    break
                continue
            last = line.endswith(_END_OF_LOG)
            if text := line.removesuffix(_END_OF_LOG):
                lines.append(text)
            if last:
                break
        return "\n".join(lines)

    lambda_runtime.Worker._drain_stderr_bounded = drain


def bound_concurrency() -> None:
    """At most `CONCURRENCY` functions run at once; the others wait.

    AWS: a thousand environments on machines of their own.
    Emulator: as many processes on this machine as there are events, until nothing moves; it throttles only by memory.
    A function called by a function does not wait, since its caller holds the place it would wait for.
    """
    from ministack.services import lambda_svc

    places = threading.BoundedSemaphore(CONCURRENCY)
    dispatch = lambda_svc._execute_function_dispatch

    def execute(*arguments: Any) -> Any:  # noqa: ANN401 - the emulator's own signature, passed through
        if lambda_svc._invoke_depth.get() > 1:
            return dispatch(*arguments)
        with places:
            return dispatch(*arguments)

    lambda_svc._execute_function_dispatch = execute
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = 1000


def start_quickly(start: Callable[[str, str, Mapping[str, str]], Any] | None) -> None:
    """Function processes share the unpacked code, and are started by `start(script, cwd, env)` where that is given.

    AWS: a cold start takes some hundred milliseconds, on machines of its own.
    Emulator: unpacks the code for each process, which then compiles it anew, and imports boto3 anew.
    """
    from ministack.core import lambda_runtime

    def popen(command: list[str], **options: Any) -> Any:  # noqa: ANN401 - Popen's own options
        _share_code(Path(options["cwd"]))
        if start is not None and command[0] == sys.executable:
            return start(command[1], options["cwd"], options["env"])
        return subprocess.Popen(command, **options)

    lambda_runtime.subprocess = types.SimpleNamespace(**{**vars(subprocess), "Popen": popen})


def _share_code(folder: Path) -> None:
    """Have `folder` lead to the one copy of its package, beside which Python then keeps what it compiled."""
    package = folder.with_name("code.zip").read_bytes()
    shared = folder.parents[1] / f"code-{hashlib.sha256(package).hexdigest()}"
    try:
        folder.rename(shared)
    except OSError:
        shutil.rmtree(folder)
    folder.symlink_to(shared, target_is_directory=True)
