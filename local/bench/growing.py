"""The same night on more and more data."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.load.interactions_csv import opened


@contextlib.contextmanager
def beginning(file: Path, rows: int | None) -> Iterator[Path]:
    """A file of the first rows of a CSV file, plain or gzipped; None: the file itself."""
    if rows is None:
        yield file
        return
    with tempfile.TemporaryDirectory() as directory, opened(file) as whole:
        short = Path(directory) / file.name.removesuffix(".gz")
        with short.open("wb") as out:
            out.writelines(itertools.islice(whole, rows + 1))
        yield short


def growth_of(nights: Sequence[Mapping[str, Any]]) -> list[str]:
    """Seconds of each part of the run by rows, and how many times as long the last took as the first.

    Args:
        nights: run records, the smallest first.
    """
    sizes = [night["rows"]["interactions"] for night in nights]
    lines = [f"{'rows':<16}" + "".join(f"{size:>10,}" for size in sizes) + f"{sizes[-1] / sizes[0]:>9.1f}×"]
    for part in nights[-1]["durations"]:
        took = [float(night["durations"].get(part, 0)) for night in nights]
        times = f"{took[-1] / took[0]:>9.1f}×" if took[0] else ""
        lines.append(f"{part:<16}" + "".join(f"{seconds:>10.1f}" for seconds in took) + times)
    return lines
