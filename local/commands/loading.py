"""`load`: interactions from a CSV file."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from local.commands.instance import Instance
from local.commands.options import CommandError, common, emit
from local.load import Report, Tables, load_file
from local.load.bulk import THREADS

if TYPE_CHECKING:
    from rich.progress import TaskID

    from local.load import Watch

_DEFAULT_HALF_LIFE_DAYS = 14.0


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--items",
    type=click.Path(path_type=Path),
    help="CSV of items: ITEM_ID,TYPE,CLASS_ID[,TITLE]; TYPE is course, document, quiz, assignment or exam.",
)
@common
def load(file: Path, items: Path | None, state_dir: Path, as_json: bool) -> None:
    """Load interactions from FILE, a CSV (.gz or not): USER_ID,ITEM_ID,TIMESTAMP[,EVENT_TYPE][,EVENT_VALUE].

    TIMESTAMP is epoch seconds. EVENT_TYPE is one of enroll, submitAssignment, view, download, quiz or your own; a row
    without one is a view. Students, items and classes that are missing are created, and `enroll` makes a member of the
    class. What is not in --items: an item somebody enrolled in is a course and its own class. Bad rows are left out
    and counted by reason. Loading a file again adds nothing.
    """
    report = load_into(Instance.of(state_dir), file, items)
    if as_json:
        emit(report.to_dict())
    else:
        click.echo(describe(report))
    if report.rejected and not report.interactions + report.known:
        raise CommandError(f"{file} has no row that can be used")


def load_into(instance: Instance, file: Path, items: Path | None = None) -> Report:
    """Load a file into the running stack, with a progress display on stderr.

    Raises:
        UnreadableFileError: no such CSV.
    """
    outputs = instance.outputs
    client = instance.client(
        "dynamodb",
        max_pool_connections=THREADS,
        parameter_validation=False,
        read_timeout=20,
        # The loader repeats what fails, and stamps each row with the time of the attempt.
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    tables = Tables(outputs["StudentsTable"], outputs["InteractionsTable"], outputs["ClassActivityTable"])
    with _Display() as display:
        return load_file(client, tables, file, items, half_life_days=_half_life_days(instance), watch=display.watch)


def describe(report: Report) -> str:
    """The report for people."""
    rate = report.interactions / max(report.seconds, 0.001)
    lines = [
        f"wrote {report.interactions:,} interactions in {report.seconds:.1f} s, {rate:,.0f} a second",
        f"created {report.students:,} students, {report.memberships:,} memberships",
        f"created {report.classes:,} classes, {report.items:,} items",
        f"left alone {report.known:,} that were there already",
    ]
    lines += [f"left out: {count:,} × {reason}" for reason, count in report.rejected.most_common()]
    return "\n".join(lines)


def _half_life_days(instance: Instance) -> float:
    """As the stack was deployed."""
    stack = instance.client("cloudformation").describe_stacks(StackName="nightclass")["Stacks"][0]
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    return float(parameters.get("HalfLifeDays", _DEFAULT_HALF_LIFE_DAYS))


class _Display:
    """A bar a phase where somebody watches, a line now and then where nobody does."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._interactive = sys.stderr.isatty()
        self._progress = Progress(
            TextColumn("{task.description:<26}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            disable=not self._interactive,
        )
        self._tasks: dict[str, TaskID] = {}
        self._next_line = time.monotonic() + 10
        self.watch: Watch = self._bar if self._interactive else self._line

    def __enter__(self) -> "_Display":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _bar(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total or None)
        self._progress.update(self._tasks[what], completed=done)

    def _line(self, what: str, done: int, total: int) -> None:
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + 10
            click.echo(f"{what}: {done:,} of {total:,}", err=True)
