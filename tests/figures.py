"""What tests measured, printed at the end of the session, whichever process ran them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

# The titles under which tests may keep something, by `record_property`: rows of a table, or lines.
TITLES = (
    "access",
    "outages",
    "faults",
    "personal data",
    "failed nights",
    "crashes of a night",
    "mutants of a state machine",
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each title's table or lines, whatever became of the tests."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    ended = [report for report in reports if isinstance(report, pytest.TestReport) and report.when == "teardown"]
    for title in TITLES:
        kept: list[Any] = [value for report in ended for name, value in report.user_properties if name == title]
        if kept:
            terminalreporter.section(title)
            for line in _table(kept) if isinstance(kept[0], Mapping) else kept:
                terminalreporter.write_line(str(line))


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    cells = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row.values()] for row in rows]
    head = list(rows[0])
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for first, *others in [head, *cells]:
        padded = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join([f"{first:<{widths[0]}}", *padded])
