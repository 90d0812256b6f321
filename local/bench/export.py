"""The export beside what one would write first: a paginator, csv.writer, one put_object.

Both read the same rows from the same process and put them into the same bucket (`memory_cloud`), each from a fresh
interpreter, so seconds and memory are the exporter's own and not DynamoDB's.
"""

import csv
import importlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from local.bench import memory_cloud

SIZES = (10_000, 100_000, 1_000_000)
_FUNCTIONS = Path(__file__).parents[2] / "functions"
_RUN = "260101-000000-0000"
_MB = 1024


@dataclass(frozen=True)
class Measured:
    """One exporter at one size."""

    exporter: str
    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    """Of the whole process, the interpreter and boto3 included."""
    idle_mb: float
    """The same before the first row."""


def measure(sizes: Sequence[int] = SIZES, shown: Callable[[str], None] = click.echo) -> list[Measured]:
    """Export so many rows each way.

    Args:
        sizes: numbers of rows.
        shown: takes the table, line by line.

    Raises:
        RuntimeError: an exporter did not write every row.
    """
    shown("export       rows   exporter        rows/s   CPU s   peak MB  of it rows")
    found = []
    for rows in sizes:
        pair = [run(exporter, rows) for exporter in EXPORTERS]
        for one in pair:
            shown(
                f"      {one.rows:>10,}   {one.exporter:<12} {one.rows / one.seconds:>9,.0f} {one.cpu_seconds:>7.1f}"
                f" {one.peak_mb:>9.0f} {one.peak_mb - one.idle_mb:>11.0f}"
            )
        ours, theirs = pair
        faster, smaller = theirs.seconds / ours.seconds, ours.peak_mb / theirs.peak_mb
        shown(f"      {'':>10}   {faster:.2f} times as fast, {smaller:.2f} of the memory")
        found += pair
    return found


def run(exporter: str, rows: int) -> Measured:
    """Run one exporter in an interpreter of its own."""
    with memory_cloud.serving(rows) as endpoint:
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "ap-southeast-1",
            "PYTHONPATH": str(_FUNCTIONS),
            "STUDENTS_TABLE": "students",
            "INTERACTIONS_TABLE": memory_cloud.TABLE,
            "CLASS_ACTIVITY_TABLE": "activity",
            "LAKE_BUCKET": "lake",
            "PSEUDONYM_KEY_ARN": "key",
            "POWERTOOLS_SERVICE_NAME": "bench",
        }
        command = [sys.executable, "-m", "local.bench.export", exporter, str(rows)]
        done = subprocess.run(command, env=environment, cwd=_FUNCTIONS.parent, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{exporter}: {done.stderr.strip().splitlines()[-1]}")
        written = memory_cloud.put(endpoint).lines
    if written != rows:
        raise RuntimeError(f"{exporter}: wrote {written} of {rows} rows")
    return Measured(exporter, rows, **json.loads(done.stdout))


def _nightclass(rows: int) -> None:
    scope = importlib.import_module("retraining.scope").Scope("FULL", "measured", {})
    importlib.import_module("retraining.export").export(_RUN, (memory_cloud.BEGIN + rows) * 1000, scope)


def _paginator(_rows: int) -> None:
    import boto3

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP"))
    for found in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=memory_cloud.TABLE):
        for item in found["Items"]:
            row: list[Any] = [item[name]["S"] for name in ("userId", "itemId", "eventType")]
            writer.writerow([*row, item["occurredAt"]["N"]])
    boto3.client("s3").put_object(Bucket="lake", Key="interactions.csv", Body=out.getvalue().encode())


EXPORTERS: dict[str, Callable[[int], None]] = {"nightclass": _nightclass, "paginator": _paginator}


def main(exporter: str, rows: str) -> None:
    """Export, and print the figures of this process as JSON."""
    import boto3

    for service in ("dynamodb", "s3"):
        boto3.client(service)  # what it weighs is not the export's
    idle, cpu, begin = _peak(), time.process_time(), time.perf_counter()
    EXPORTERS[exporter](int(rows))
    took, used = time.perf_counter() - begin, time.process_time() - cpu
    click.echo(json.dumps({"seconds": took, "cpu_seconds": used, "peak_mb": _peak(), "idle_mb": idle}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB


if __name__ == "__main__":
    main(*sys.argv[1:])
