"""Cold starts: what each handler takes to import and to answer its first call, beside a bare boto3 client.

Every figure is from an interpreter of its own with the environment that the stack gives the function, against the
running local cloud; seconds are of the processor, which a busy machine stretches less than those of the clock.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from local.commands.instance import Instance

_ROOT = Path(__file__).parents[2]
BARE = "a bare boto3 client"
# Nothing is imported before the clock runs but what the clock needs.
_HANDLER = """
import time; begin = time.process_time()
import importlib, json, sys
module, event = sys.argv[1], json.load(open(sys.argv[2]))
class Context:
    aws_request_id = function_name = "bench"; memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:ap-southeast-1:000000000000:function:bench"
    def get_remaining_time_in_millis(self): return 15_000
handler = importlib.import_module(module).handler
imported = time.process_time()
def call():
    begin = time.process_time()
    try: handler(event, Context())
    except Exception: pass
    return time.process_time() - begin
first = call()
print(json.dumps({"imports": imported - begin, "first": first, "next": call()}), file=sys.stderr)
"""
_BARE = """
import time; begin = time.process_time()
import boto3, json, sys
imported = time.process_time()
client = boto3.client("dynamodb")
def call():
    begin = time.process_time()
    client.get_item(TableName=sys.argv[1], Key={"studentId": {"S": "nobody"}})
    return time.process_time() - begin
made = time.process_time() - imported
print(json.dumps({"imports": imported - begin, "first": made + call(), "next": call()}), file=sys.stderr)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of the processor: importing the handler, its first call with all clients it makes, the next call."""

    handler: str
    imports: float
    first: float
    next: float

    @property
    def cold(self) -> float:
        """What the first request waits for."""
        return self.imports + self.first


def measure(
    instance: Instance, handlers: Sequence[str] = (), repeats: int = 3, shown: Callable[[str], None] = click.echo
) -> list[Measured]:
    """Start functions of the stack, with their fixtures of `events/` as events; medians count.

    Args:
        instance: a running local cloud.
        handlers: such as `ranking.get_recommendation`; all where there is none.
        repeats: fresh interpreters a handler.
        shown: takes the table, line by line.
    """
    found = [_median(BARE, repeats, [_BARE, instance.outputs["StudentsTable"]], _environment(instance, {}))]
    shown(f"{'handler':<40} imports ms   first ms    next ms   of the bare client's cold start")
    functions = _functions(instance)
    for name in handlers or sorted(functions):
        event = _ROOT / "events" / f"{name.split('.')[1]}.json"
        arguments = [_HANDLER, name, str(event)]
        found.append(_median(name, repeats, arguments, _environment(instance, functions[name])))
    for one in found:
        times = "".join(f"{seconds * 1000:>11.0f}" for seconds in (one.imports, one.first, one.next))
        shown(f"{one.handler:<39} {times}   {one.cold / found[0].cold:>6.2f}")
    return found


def _functions(instance: Instance) -> dict[str, Mapping[str, str]]:
    """The environment of each handler's function, by `wing.handler`."""
    pages = instance.client("lambda").get_paginator("list_functions").paginate()
    return {
        one["Handler"].removesuffix(".handler"): one.get("Environment", {}).get("Variables", {})
        for page in pages
        for one in page["Functions"]
    }


def _environment(instance: Instance, variables: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT / "functions"),
        "AWS_ENDPOINT_URL": instance.endpoint,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "ap-southeast-1",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "POWERTOOLS_TRACE_DISABLED": "1",
        **variables,
    }


def _median(name: str, repeats: int, arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    runs = []
    for _ in range(repeats + 1):  # the first one may have to compile
        command = [sys.executable, "-c", *arguments]
        done = subprocess.run(command, env=environment, cwd=_ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        runs.append(json.loads(done.stderr.strip().splitlines()[-1]))
    return Measured(name, **{key: statistics.median(run[key] for run in runs[1:]) for key in runs[0]})
