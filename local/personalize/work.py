"""The worker process: takes one JSON order a line, answers one JSON line, ends when its input does."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.personalize.errors import JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.personalize.json_value import Json

PARENT_CHECK_SECONDS = 1.0
NICENESS = 2
"""Jobs give way to the server that answers requests."""


def main() -> None:
    """Serve orders from standard input."""
    # Whatever a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # Millions of small objects and hardly a cycle: collecting as they arise would double the time of an import.
    gc.disable()
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        gc.collect()


def _end_with(parent: int) -> None:
    """A killed server must not leave a training behind."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    try:
        return TASKS[order.pop("task")](**order)
    except JobFailed as error:
        return {"failure": str(error)}
    except OSError as error:
        traceback.print_exc()
        _discard(order.get("target"))
        return {"failure": f"The job could not read or write its files: {error.strerror or error}."}
    except Exception as error:
        traceback.print_exc()
        return {"failure": f"An internal error occurred: {type(error).__name__}: {error}"}


def _discard(target: str | None) -> None:
    """Half a file is of no use, and on a full disk it is in the way."""
    if target and Path(target).is_file():
        Path(target).unlink()


def _import(**order: Json) -> dict[str, Any]:
    from local.personalize.importing import import_data

    return import_data(**order)


def _train(**order: Json) -> dict[str, Any]:
    from local.personalize.training import train

    return train(**order)


def _erase(**order: Json) -> dict[str, Any]:
    from local.personalize.erasing import erase

    return erase(**order)


def _infer(**order: Json) -> dict[str, Any]:
    from local.personalize.inference import infer

    return infer(**order)


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "import": _import,
    "train": _train,
    "erase": _erase,
    "infer": _infer,
}

if __name__ == "__main__":
    main()
