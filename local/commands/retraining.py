"""`nightly` and `resume`: the state machine from the terminal."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from local.commands.instance import Instance
from local.commands.options import CommandError, common, emit
from local.progress import RunFailedError, StillRunningError, follow, require_success

_TIMEOUT = 1800


@click.command()
@click.option("--force", is_flag=True, help="Train even where the policy would not.")
@click.option("--full", is_flag=True, help="Export and import everything, not only what is new.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=_TIMEOUT, show_default=True, metavar="S"
)
@common
def nightly(force: bool, full: bool, timeout: float, state_dir: Path, as_json: bool) -> None:
    """Start the nightly retraining, watch its states, and print the run record."""
    instance = Instance.of(state_dir)
    request = {"trigger": "manual", "force": force, "full": full}
    _show(watch(instance, start(instance, request), timeout), as_json=as_json)


@click.command()
@click.argument("run_id")
@common
def resume(run_id: str, state_dir: Path, as_json: bool) -> None:
    """Go on with the run RUN_ID where it stopped: every state adopts what is there already."""
    instance = Instance.of(state_dir)
    if not instance.operation(f"RUN#{run_id}", "RECORD"):
        # The state machine would begin a run of that name.
        raise CommandError(f"there is no run {run_id}: the console's page Retraining lists them")
    record = watch(instance, start(instance, {"trigger": "manual", "force": False, "runId": run_id}), _TIMEOUT)
    if record["status"] == "SKIPPED_LOCKED":
        raise CommandError(f"run {run_id} was not resumed: {record['why']}; try again when it has ended")
    _show(record, as_json=as_json)


def start(instance: Instance, request: Mapping[str, Any]) -> str:
    """Start the state machine; answers the execution's ARN."""
    states = instance.client("stepfunctions")
    machine = instance.outputs["StateMachineArn"]
    return str(states.start_execution(stateMachineArn=machine, input=json.dumps(request))["executionArn"])


def watch(instance: Instance, execution_arn: str, timeout: float, *, display: bool = True) -> dict[str, Any]:
    """Follow an execution on stderr and answer its run record.

    Raises:
        CommandError: it failed, or is not over in time.
    """
    try:
        run, execution = follow(instance.client("stepfunctions"), execution_arn, timeout, display=display)
        require_success(run, execution)
    except (RunFailedError, StillRunningError) as error:
        raise CommandError(str(error)) from None
    record: dict[str, Any] = json.loads(execution["output"])
    return record


def _show(record: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit(record)
    else:
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
