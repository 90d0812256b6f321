"""How the demo looks: calm chapters where somebody watches, plain text in a pipe, JSON lines for machines."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local.commands.options import emit

_WIDTH = 100


class Stage:
    """Where the demo is told.

    Args:
        as_json: facts only, one JSON line each.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._began = time.monotonic()
        self._number = 0
        width = None if sys.stdout.isatty() else _WIDTH
        self._console = Console(quiet=as_json, width=width, highlight=False)

    def chapter(self, title: str, what: str) -> None:
        """Begin a chapter."""
        self._number += 1
        self._console.print()
        at = f"{time.monotonic() - self._began:3.0f} s"
        heading = Text.assemble((at, "dim"), (f"  {self._number}  {title}", "bold cyan"), f"  {what}")
        self._console.print(heading, soft_wrap=True)

    def say(self, text: str) -> None:
        """A line of the story."""
        self._console.print(Text(f"   {text}"), soft_wrap=True)

    def quote(self, text: str) -> None:
        """A text that somebody else wrote, such as a mail."""
        for line in text.splitlines():
            self._console.print(Text(f"   │ {line}", "dim"), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A small table."""
        table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(Padding(table, (0, 0, 0, 3)))

    def fact(self, name: str, facts: Mapping[str, object]) -> None:
        """What a machine wants to know of a chapter."""
        if self._as_json:
            emit({"chapter": name, "seconds": round(time.monotonic() - self._began, 1), **facts})

    def ending(self, kept: Path | None) -> None:
        """Where to go from here."""
        self.chapter("Done", "everything has been stopped")
        if kept:
            self.say(f"nightclass up --state-dir {kept}   brings this very term back, and keeps it running")
        self.say("make up                 starts a local cloud and keeps it running (Ctrl-C stops it)")
        self.say("nightclass --help       load your own interactions, run the nightly, read mails and rankings")
        self.say("template.yaml           the stack, in the order of this story; `make sam` builds it for AWS")
        self.say("functions/              what runs in Lambda, one folder a chapter")
        self.say("statemachines/          the nightly retraining, state by state")
        self.say("docs/                   decisions, operations, what stands behind the recommender")
        self.fact("done", {"ok": True})
