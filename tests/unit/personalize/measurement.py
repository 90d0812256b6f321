"""What the service costs: `python -m tests.unit.personalize.measurement [--rows N] [--requests N]`.

Starts `python -m local.personalize` on a state directory of its own, beside the tests' stand-in for S3, and prints CPU
seconds and peak memory of each import (of the worker process that does it), and the latency of single requests.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from tests.unit.personalize.cloud import INTERACTION_FIELDS, T0, Cloud
from tests.unit.personalize.servers import ObjectStore, Server, processes

SECONDS_PER_TICK = 0.01
PATIENCE = 300.0
HEADER = [field["name"] for field in INTERACTION_FIELDS]


def main() -> None:
    """Measure and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="interactions to import (%(default)s)")
    parser.add_argument("--requests", type=int, default=1_000, help="GetRecommendations to time (%(default)s)")
    given = parser.parse_args()
    objects, server = ObjectStore(), Server()
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "local.personalize", "--state-dir", directory, "--time-scale", "0.0001"]
        command += ["--s3-endpoint", server.add(objects)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            try:
                cloud = Cloud(cast("Any", None), ready["endpoint"], objects, patience=PATIENCE)
                measure(cloud, process.pid, given.rows, given.requests)
            finally:
                process.terminate()
    server.close()


def measure(cloud: Cloud, service: int, rows: int, requests: int) -> None:
    """Import, train on a share of the items, and ask."""
    group = cloud.group("measured")
    dataset = cloud.dataset(group, "Interactions", cloud.schema("measured", INTERACTION_FIELDS))
    for mode, seed in (("FULL", 1), ("INCREMENTAL", 2)):
        location = cloud.upload(f"bucket/{mode}.csv", HEADER, visits(rows, seed))
        before, began = cpu_seconds(workers(service)), time.perf_counter()
        cloud.run_import(mode.lower(), dataset, location, mode)
        say(f"import of {rows:,} rows, {mode}", cpu_seconds(workers(service)) - before, time.perf_counter() - began)
        print(f"  peak memory of the worker: {peak_memory(service):.2f} GB")  # noqa: T201
    small = cloud.group("served")
    dataset = cloud.dataset(small, "Interactions", cloud.schema("served", INTERACTION_FIELDS))
    cloud.run_import("served", dataset, cloud.upload("bucket/served.csv", HEADER, visits(100_000, 3, 5_000, 3_400)))
    campaign = cloud.deploy("served", cloud.train(cloud.solution("served", small, "aws-user-personalization-v2")))
    users = random.Random(4)
    times = []
    itself = [Path(f"/proc/{service}")]
    before = cpu_seconds(itself)
    for _ in range(requests):
        began = time.perf_counter()
        cloud.runtime.get_recommendations(campaignArn=campaign, userId=f"user-{users.randrange(5_000)}")
        times.append(time.perf_counter() - began)
    cuts = statistics.quantiles(times, n=100)
    say(f"{requests} GetRecommendations at 3,400 items", cpu_seconds(itself) - before, sum(times))
    print(f"  p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms as boto3 sees it")  # noqa: T201


def visits(rows: int, seed: int, users: int = 100_000, items: int = 20_000) -> list[list[Any]]:
    """Users who walk the items from an item of their own, with strays."""
    draw = random.Random(seed)
    return [
        [f"user-{n % users}", f"item-{(n % users + n // users + draw.randrange(3)) % items}", T0 + n, "view", ""]
        for n in range(rows)
    ]


def say(what: str, cpu: float, wall: float) -> None:
    """One figure."""
    print(f"{what}: {cpu:.1f} s CPU, {wall:.1f} s wall", flush=True)  # noqa: T201


def workers(service: int) -> list[Path]:
    """The /proc directories of the service's worker processes."""
    return [Path(f"/proc/{worker}") for worker, parent in processes().items() if parent == service]


def cpu_seconds(processes: list[Path]) -> float:
    """CPU seconds of some processes since they began."""
    fields = [(path / "stat").read_text().rpartition(")")[2].split() for path in processes]
    return sum(int(entry[11]) + int(entry[12]) for entry in fields) * SECONDS_PER_TICK


def peak_memory(service: int) -> float:
    """Most memory, in GB, that any worker ever held."""
    texts = [(path / "status").read_text() for path in workers(service)]
    return max(int(text.partition("VmHWM:")[2].split()[0]) for text in texts) / 1e6


if __name__ == "__main__":
    main()
