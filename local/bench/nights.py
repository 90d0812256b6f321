"""Three nights in a row: most of the data, some more, nothing more; what each decided, and why."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from local.commands.options import emit
from local.load.interactions_csv import opened

# How much of the data, by time, is there before each night.
SHARES = (0.6, 0.8, 0.8)

Night = dict[str, Any]


@contextlib.contextmanager
def portions(file: Path) -> Iterator[list[Path | None]]:
    """What each night adds, a CSV file each; None where nothing is added.

    Args:
        file: CSV of interactions with a TIMESTAMP, plain or gzipped, in any order.
    """
    with opened(file) as whole, tempfile.TemporaryDirectory() as directory:
        header, *rows = whole
        at = header.decode().strip().split(",").index("TIMESTAMP")
        rows.sort(key=lambda row: int(row.split(b",")[at]))
        added: list[Path | None] = []
        begin = 0
        for number, share in enumerate(SHARES, start=1):
            end = int(share * len(rows))
            part = Path(directory) / f"night-{number}.csv"
            part.write_bytes(header + b"".join(rows[begin:end]))
            added.append(part if end > begin else None)
            begin = end
        yield added


def decisions(record: Mapping[str, Any]) -> Night:
    """What a run record says that was decided, each with its reason."""
    training = record.get("training", {"decision": "-", "why": "not asked: nothing was imported"})
    return {
        "runId": record["runId"],
        "rows": record["rows"]["interactions"],
        "newRows": record["newRows"],
        "seconds": record["durations"]["total"],
        "export": {"mode": record["exportMode"], "why": record["exportWhy"]},
        "imports": [{name: job[name] for name in ("dataset", "mode", "why")} for job in record["imports"]],
        "training": {"decision": training["decision"], "why": training["why"]},
        "status": record["status"],
        "why": record["why"],
    }


def show(number: int, record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a night."""
    night = decisions(record)
    if as_json:
        emit({"benchmark": "nights", "night": number, **night})
    else:
        click.echo("\n".join(told(number, night)))


def told(number: int, night: Night) -> list[str]:
    """The decisions for people, a line each."""
    jobs = [(f"import {job['dataset']}", job["mode"], job["why"]) for job in night["imports"]]
    steps = [("export", *night["export"].values()), *jobs, ("training", *night["training"].values())]
    first = f"night {number}   {night['rows']:,} rows, {night['newRows']:,} of them new, {night['seconds']:.1f} s"
    return [
        first,
        *(f"  {step:<20} {decided:<12} {why}" for step, decided, why in steps),
        f"  {'end':<20} {night['status']}: {night['why']}",
    ]
