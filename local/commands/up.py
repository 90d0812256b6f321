"""`up`, `down`, `status`, `outputs`: the local cloud as a process."""

import os
import platform
import signal
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from local.cloud import Cloud
from local.commands.instance import Instance, is_locked, occupied
from local.commands.options import CommandError, common, emit
from local.commands.serving import serving
from local.console import Console, listener
from local.deploy import deploy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_PORT = 4566
TIME_SCALE = 0.005
TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_STOP_SECONDS = 150
# As the template has it; in real seconds at least; and as much as the template takes.
_MARGIN_SECONDS, _LEAST_MARGIN, _MOST_MARGIN_SECONDS = 120, 2, 1500
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port on 127.0.0.1; 0 for any free one.",
)
@click.option(
    "--console-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the console on 127.0.0.1; any free one without it.",
)
@click.option(
    "--time-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=TIME_SCALE,
    show_default=True,
    help="Factor on every wait and job duration; 1 for real time.",
)
@click.option(
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda _context, _option, values: parameters_of(values),
    help="A parameter of template.yaml, e.g. MailGraceSeconds=30; may be repeated.",
)
@common
def up(
    port: int, console_port: int, time_scale: float, given: "Mapping[str, str]", state_dir: Path, as_json: bool
) -> None:
    """Start the local cloud, deploy the stack, and serve until SIGTERM or Ctrl-C.

    Prints one line of JSON when everything answers. The state survives a restart with the same --state-dir.
    """
    del as_json  # the one line is JSON in any case
    with occupied(state_dir):
        stop_on_signals()
        try:
            _serve(port, console_port, time_scale, state_dir, given)
        except StopRequested:
            click.echo("stopped", err=True)


@click.command()
@common
def down(state_dir: Path, as_json: bool) -> None:
    """Stop the running instance; its state stays."""
    instance = Instance.of(state_dir)
    os.kill(instance.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while is_locked(state_dir):
        if time.monotonic() > deadline:
            raise CommandError(f"process {instance.pid} did not stop within {_STOP_SECONDS} s")
    if as_json:
        emit({"stopped": True, "pid": instance.pid})
    else:
        click.echo(f"stopped process {instance.pid}; its state stays in {state_dir}")


@click.command()
@common
def outputs(state_dir: Path, as_json: bool) -> None:
    """Show the outputs of the deployed stack."""
    instance = Instance.of(state_dir)
    if as_json:
        emit(dict(instance.outputs))
    else:
        _table(instance.outputs)


@click.command()
@common
def status(state_dir: Path, as_json: bool) -> None:
    """Show what runs, and what it holds."""
    instance = Instance.of(state_dir)
    dynamodb = instance.client("dynamodb")
    rows = {
        name: dynamodb.describe_table(TableName=table)["Table"]["ItemCount"]
        for name, table in instance.ready()["tables"].items()
    }
    executions = instance.client("stepfunctions").list_executions(
        stateMachineArn=instance.outputs["StateMachineArn"], maxResults=1
    )["executions"]
    document = {
        "running": True,
        "pid": instance.pid,
        "endpoint": instance.endpoint,
        "apiUrl": instance.outputs["ApiUrl"],
        "consoleUrl": instance.console_url,
        "stateDir": str(state_dir.resolve()),
        "timeScale": instance.time_scale,
        "uptimeSeconds": int(time.time()) - instance.started_at,
        "rows": rows,
        "latestExecution": executions[0]["status"] if executions else None,
        **serving(instance),
    }
    if as_json:
        emit(document)
    else:
        _table({**document, "rows": ", ".join(f"{name} {count}" for name, count in rows.items())})


def start(
    port: int, time_scale: float, state_dir: Path, given: "Mapping[str, str] | None" = None
) -> tuple[Cloud, Instance]:
    """Start the cloud and deploy the stack; the caller stops the cloud.

    Args:
        port: 0 for any free one.
        time_scale: factor on every wait and job duration.
        state_dir: what the cloud keeps.
        given: template parameters; they win over what a laptop needs anyway.

    Raises:
        CloudError: the port is taken, or the cloud did not start.
        DeployError: the stack could not be created or updated.
    """
    cloud = Cloud(state_dir, port, time_scale)
    try:
        stack = deploy(cloud.endpoint, template=_template(), parameters={**_parameters(time_scale), **(given or {})})
    except BaseException:
        cloud.stop()
        raise
    instance = Instance(os.getpid(), cloud.port, cloud.endpoint, time_scale, int(time.time()), stack)
    return cloud, instance


def stop_on_signals() -> None:
    """Have SIGTERM, SIGINT and SIGHUP raise StopRequested, once: what comes during the clean-up is ignored."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def parameters_of(values: "Iterable[str]") -> dict[str, str]:
    """`NAME=VALUE` pairs by name.

    Raises:
        click.BadParameter: a text without name or `=`.
    """
    pairs = [value.partition("=") for value in values]
    if wrong := [name + sign + value for name, sign, value in pairs if not (name and sign)]:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _serve(port: int, console_port: int, time_scale: float, state_dir: Path, given: "Mapping[str, str]") -> None:
    # A taken port is told now, not after a whole deployment.
    listener(console_port).close()
    click.echo("starting the local cloud and deploying the stack …", err=True)
    cloud, instance = start(port, time_scale, state_dir, given)
    with cloud, Console(asdict(instance), state_dir / "console.log", console_port) as console:
        instance = replace(instance, console_url=console.url)
        instance.write(state_dir)
        emit(instance.ready())
        sys.stdout.flush()
        click.echo(f"the console is at {console.url}", err=True)
        while cloud.is_running():
            threading.Event().wait(0.5)
    raise CommandError(f"the local cloud ended by itself; its last words are in {state_dir / 'cloud.log'}")


def _stop(number: int, frame: FrameType | None) -> None:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise StopRequested


def _template() -> Path:
    if not TEMPLATE.is_file():
        raise CommandError(f"{TEMPLATE} is missing: run from a checkout of the project (pip install -e .)")
    return TEMPLATE


def _parameters(time_scale: float) -> dict[str, str]:
    """A second campaign costs nothing here, nor does a training; one caller may fill a school.

    Functions run on this very interpreter, and a busy laptop's writers take their time, however time is scaled.
    """
    margin = min(max(_MARGIN_SECONDS, _LEAST_MARGIN / time_scale), _MOST_MARGIN_SECONDS)
    return {
        "EnableReranking": "true",
        "ExportMarginSeconds": f"{margin:.0f}",
        "RequestSpacingHours": "0",
        "RequestBurst": "400",
        "PythonRuntime": f"python3.{min(max(sys.version_info.minor, 11), 14)}",
        "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
    }


def _table(pairs: "Mapping[str, object]") -> None:
    width = max(map(len, pairs))
    for name, value in pairs.items():
        click.echo(f"{name:<{width}}  {value}")
