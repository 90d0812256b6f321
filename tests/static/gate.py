"""One line a tool, and what it found below it."""

import shutil
import sys
import time
from collections.abc import Callable, Iterable
from typing import TextIO

Gate = tuple[str, Callable[[], list[str]]]

SHOWN = 12


def report(gates: Iterable[Gate], out: TextIO = sys.stdout) -> int:
    """Run every gate; the number of those that found something.

    Args:
        gates: pairs of name and function; the function's lines are its findings, [] where it is content.
        out: where the report goes.
    """
    width = min(shutil.get_terminal_size((160, 24)).columns, 160)
    failed = 0
    for name, gate in gates:
        start = time.monotonic()
        findings = gate()
        failed += bool(findings)
        verdict = f"{len(findings)} lines" if findings else "ok"
        print(f"{name:<24} {verdict:<10} {time.monotonic() - start:5.1f} s", file=out, flush=True)
        for finding in findings[:SHOWN]:
            print(f"  {finding[: width - 2]}", file=out)
        if len(findings) > SHOWN:
            print(f"  … and {len(findings) - SHOWN} more", file=out)
    return failed
