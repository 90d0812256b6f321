"""Recommenders side by side: quality, fit CPU, peak memory and latency on the same split, in one process."""

from __future__ import annotations

import contextlib
import json
import resource
import statistics
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from local.bench.interactions import read_interactions
from local.recommender import Dataset, History
from local.recommender.baselines import ImplicitAls, Ours, contestants
from local.recommender.protocols import judge, split
from local.recommender.sequences import Sequences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.recommender.baselines import Contestant

TIMED_USERS = 300
BESIDE = "implicit threadpoolctl"
"""What requirements/bench.txt adds to the laptop's packages."""
SHOWN = {
    "NDCG@10": "ndcg_at_10",
    "HR@10": "hit_rate_at_10",
    "Recall@20": "recall_at_20",
    "MRR@25": "mrr_at_25",
    "coverage": "coverage",
    "cold NDCG@10": "cold_ndcg_at_10",
    "fit CPU s": "fit_cpu_s",
    "peak MB": "peak_mb",
    "p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "req/s": "requests_per_s",
}
"""Column heading to the key of a result row."""


class NothingToJudgeError(ValueError):
    """The split leaves nothing to learn from, or nothing to ask for."""


def run(
    data: Path,
    split_name: str = "last-out",
    *,
    seeds: int = 3,
    items: Path | None = None,
    users: Path | None = None,
) -> list[dict[str, Any]]:
    """One row per recommender: medians over the seeds of every figure, and the figures themselves under `seeds`."""
    dataset = read_interactions(data, items=items, users=users, tell=_say)
    by_name: dict[str, list[dict[str, float]]] = {}
    with _one_thread():
        for seed in range(seeds):
            train, cases = split(dataset, split_name, seed)
            if not cases or not len(train):
                counts = f"{len(train)} events to learn from, {len(cases)} to ask for"
                raise NothingToJudgeError(f"{data.name} has no cases for {split_name}: {counts}")
            for contestant in contestants(len(dataset.item_ids)):
                _say(f"seed {seed}: {contestant.name}")
                row = {**_measured(contestant(), train, cases, seed), "cases": float(len(cases))}
                by_name.setdefault(contestant.name, []).append(row)
    return [
        {
            "model": name,
            "data": data.name,
            "split": split_name,
            **{key: statistics.median(row[key] for row in rows) for key in rows[0]},
            "seeds": rows,
        }
        for name, rows in by_name.items()
    ]


def _measured(contestant: Contestant, train: Dataset, cases: Sequence[Any], seed: int) -> dict[str, float]:
    with _peak_memory() as peak:
        started = time.process_time()
        contestant.fit(train, seed)
        fit_cpu = time.process_time() - started
    quality = judge(contestant.scores_many, cases, len(train.item_ids))
    for long, short in (("mean_reciprocal_rank", "mrr"), ("normalized_discounted_cumulative_gain", "ndcg")):
        quality = {name.replace(long, short): value for name, value in quality.items()}
    return {**quality, "fit_cpu_s": fit_cpu, "peak_mb": peak["mb"], **_latency(contestant, train, seed)}


def _latency(contestant: Contestant, train: Dataset, seed: int) -> dict[str, float]:
    """Milliseconds of one recommendation for one user, the same users for everybody."""
    sequences = Sequences.from_dataset(train)
    known = np.flatnonzero(sequences.lengths)
    if not len(known):
        return {"p50_ms": 0.0, "p99_ms": 0.0, "requests_per_s": 0.0}
    took = []
    for user in np.random.default_rng(seed).choice(known, TIMED_USERS + 20).tolist():
        past = slice(int(sequences.indptr[user]), int(sequences.indptr[user + 1]))
        history = History(train.items[past], train.timestamps[past])
        started = time.perf_counter()
        contestant.recommend(user, history)
        took.append(1e3 * (time.perf_counter() - started))
    p50, p99 = np.percentile(took[20:], [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "requests_per_s": 1e3 / float(np.mean(took[20:]))}


@contextlib.contextmanager
def _peak_memory() -> Iterator[dict[str, float]]:
    """Fills in "mb": the highest resident memory within the block, above that at its start where Linux can tell."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    found: dict[str, float] = {}
    with contextlib.suppress(OSError):
        reset.write_text("5")

    def resident(field: str) -> float:
        return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith(field))

    before = resident("VmRSS") if status.exists() else 0.0
    yield found
    unit = 1 if sys.platform == "darwin" else 1024
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    found["mb"] = resident("VmHWM") - before if status.exists() else whole


def _one_thread() -> contextlib.AbstractContextManager[Any]:
    """One BLAS thread for all, so that CPU seconds compare; needs threadpoolctl (make bench)."""
    import scipy.linalg  # noqa: F401 (brings a BLAS of its own, which must be there to be limited)

    if find_spec("threadpoolctl") is None:
        return contextlib.nullcontext()
    limits: contextlib.AbstractContextManager[Any] = import_module("threadpoolctl").threadpool_limits(1)
    return limits


def main(
    data: Path, split: str, seeds: int, as_json: bool, items: Path | None = None, users: Path | None = None
) -> None:
    """Run and print a table, or with `as_json` one JSON object per recommender."""
    if not ImplicitAls.available():
        _say(f"implicit ALS is left out; to have it: {sys.executable} -m pip install {BESIDE}")
    rows = run(data, split, seeds=seeds, items=items, users=users)
    print_rows(rows, SHOWN, f"{data.name}, {split}, medians of {seeds} seeds", as_json=as_json)
    if not as_json:
        sys.stdout.write(lead(rows) + "\n")


def lead(rows: Sequence[Mapping[str, Any]]) -> str:
    """How ours compares with the best of the others, in words."""
    ours = next(row for row in rows if row["model"] == Ours.name)
    best = max((row for row in rows if row is not ours), key=lambda row: float(row["ndcg_at_10"]))
    figures = f"NDCG@10 {ours['ndcg_at_10']:.4f}, the best peer {best['ndcg_at_10']:.4f} ({best['model']})"
    return figures + (f": {ours['ndcg_at_10'] / best['ndcg_at_10']:.2f} times" if best["ndcg_at_10"] else "")


GROWTH = ((10_000, 500, 1_000), (100_000, 2_000, 10_000), (300_000, 5_000, 30_000), (1_000_000, 20_000, 100_000))
"""Events, items and users of the growth curve."""


def growth(as_json: bool, sizes: Sequence[tuple[int, int, int]] = GROWTH) -> None:
    """Print what training and serving cost as made-up data grow: half of the steps follow a chain, half popularity."""
    import scipy.sparse.linalg  # noqa: F401 (its loading is no part of a fit)

    rows: list[dict[str, Any]] = []
    for events, items, users in sizes:
        columns = _made_up(events, items, users)
        started = time.perf_counter()
        dataset = Dataset.from_columns(*columns)
        imported = time.perf_counter() - started
        started = time.perf_counter()
        with _peak_memory() as peak:
            cpu = time.process_time()
            contestant = Ours()
            contestant.fit(dataset, 0)
            cpu = time.process_time() - cpu
        wall = time.perf_counter() - started
        cost = {"import_s": imported, "fit_cpu_s": cpu, "fit_wall_s": wall, "peak_mb": peak["mb"]}
        size = {"events": events, "items": len(dataset.item_ids), "users": len(dataset.user_ids)}
        with _one_thread():
            latency = _latency(contestant, dataset, 0)
        rows.append({**size, **cost, **latency})
        _say(f"{events} events: {wall:.1f} s")
    shown = {"events": "events", "items": "items", "users": "users", "import s": "import_s", "fit s": "fit_wall_s"}
    costs = {heading: SHOWN[heading] for heading in ("fit CPU s", "peak MB", "p50 ms", "p99 ms", "req/s")}
    print_rows(rows, {**shown, **costs}, "growth", as_json=as_json)


def _made_up(events: int, items: int, users: int) -> tuple[list[str], list[str], list[int]]:
    """Columns in which every item and every user occurs; sorted by user."""
    random = np.random.default_rng(0)
    who = np.sort(np.concatenate([np.arange(users), random.integers(0, users, events - users)]))
    what = (random.pareto(1.1, events) * items / 200).astype(np.int64) % items
    successor = random.permutation(items)
    led = np.flatnonzero((np.diff(who, prepend=-1) == 0) & (random.random(events) < 0.5))
    for event in led.tolist():  # one by one, since what leads may itself have been led
        what[event] = successor[what[event - 1]]
    what[random.choice(events, items, replace=False)] = np.arange(items)
    return [f"u{code}" for code in who.tolist()], [f"i{code}" for code in what.tolist()], list(range(events))


def print_rows(rows: Sequence[Mapping[str, Any]], shown: Mapping[str, str], title: str, *, as_json: bool) -> None:
    """Print result rows for machines or for people."""
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    if "model" in rows[0]:
        table.add_column("model")
    for heading in shown:
        table.add_column(heading, justify="right")
    for row in rows:
        cells = [row[key] for key in shown.values()]
        written = [f"{cell:,}" if isinstance(cell, int) else f"{cell:,.{4 if cell < 1 else 1}f}" for cell in cells]
        table.add_row(*([row["model"]] if "model" in row else []), *written)
    # A pipe has no width of its own; a table cut off is no use in an issue.
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
