"""Other processes for the heavy work, so that neither the interpreter lock nor BLAS ever stalls the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from local.personalize.errors import JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMMAND = (sys.executable, "-m", "local.personalize.work")
NO_INSTANCE = {"AWS_EC2_METADATA_DISABLED": "true"}
"""Without it boto3 asks an instance metadata service that a laptop does not have, and waits."""
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerPool:
    """At most `size` worker processes, started when first needed and kept for the next job."""

    def __init__(self, size: int) -> None:
        self._places = threading.BoundedSemaphore(size)
        self._threads_each = str(max(1, (os.cpu_count() or 1) // size))
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._busy: dict[str, subprocess.Popen[bytes]] = {}
        self._cancelled: set[str] = set()
        self._orders: dict[Future[Mapping[str, Any]], Mapping[str, Any]] = {}
        self._open = True

    def submit(self, job: str, order: Mapping[str, Any]) -> Future[Mapping[str, Any]]:
        """Hand an order to a worker; the future fails with `JobFailed` if the work does, or the worker dies."""
        future: Future[Mapping[str, Any]] = Future()
        with self._lock:
            self._cancelled.discard(job)
            self._orders[future] = order
        future.add_done_callback(self._ended)
        threading.Thread(target=self._work, args=(job, order, future), name="personalize-job", daemon=True).start()
        return future

    def _ended(self, future: Future[Mapping[str, Any]]) -> None:
        with self._lock:
            del self._orders[future]

    def after_readers(self, name: str, call: Callable[[], object]) -> None:
        """Call a function once the jobs that may read a file have ended: now, if there are none."""
        with self._lock:
            # Inference looks its files up itself; the orders of the other tasks name them.
            readers = [
                future for future, order in self._orders.items() if order["task"] == "infer" or name in str(order)
            ]
        _after(readers, call)

    def cancel(self, job: str) -> None:
        """End the work on a job, whether it waits or runs."""
        with self._lock:
            self._cancelled.add(job)
            process = self._busy.get(job)
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            self._open = False
            processes = [*self._idle, *self._busy.values()]
            self._idle.clear()
        for process in processes:
            process.kill()
            process.wait()

    def _work(self, job: str, order: Mapping[str, Any], future: Future[Mapping[str, Any]]) -> None:
        with self._places:
            try:
                future.set_result(self._answer(job, order))
            except JobFailed as error:
                future.set_exception(error)
            except OSError as error:
                future.set_exception(JobFailed(f"The job's process ended unexpectedly: {error}"))

    def _answer(self, job: str, order: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            if not self._open or job in self._cancelled:
                raise JobFailed("The job was stopped.")
            # One may have been killed while it had nothing to do (by the system, short of memory).
            self._idle = [idle for idle in self._idle if idle.poll() is None]
            process = self._idle.pop() if self._idle else self._spawn()
            self._busy[job] = process
        line = b""
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        finally:
            with self._lock:
                del self._busy[job]
                if line and self._open:
                    self._idle.append(process)
        if not line:
            raise JobFailed(f"The job's process ended unexpectedly (exit code {process.wait()}).")
        answer: dict[str, Any] = json.loads(line)
        if "failure" in answer:
            raise JobFailed(answer["failure"])
        return answer

    def _spawn(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        threads = dict.fromkeys(BLAS_THREADS, self._threads_each)
        environment = {**threads, **NO_INSTANCE, **os.environ, "PYTHONPATH": path}
        return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _after(futures: Sequence[Future[Mapping[str, Any]]], call: Callable[[], object]) -> None:
    """Call a function when all of some futures are done."""
    if futures:
        futures[0].add_done_callback(lambda _: _after(futures[1:], call))
    else:
        call()
