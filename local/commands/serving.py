"""What serves, and `rollback`, `park` and `unpark` to change it, through the state machine and under its lease."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from local.commands.instance import Instance
from local.commands.options import CommandError, common, emit
from local.commands.retraining import start, watch

_TIMEOUT = 1800


@click.command()
@click.option("--to", metavar="VERSION", help="ARN of a solution version; without it the one that served before.")
@common
def rollback(to: str | None, state_dir: Path, as_json: bool) -> None:
    """Let the previous model version serve again; no night promotes the one that is taken back."""
    _by_hand(Instance.of(state_dir), {"trigger": "rollback"} | ({"to": to} if to else {}), as_json=as_json)


@click.command()
@common
def park(state_dir: Path, as_json: bool) -> None:
    """Delete the campaigns, which bill day and night; rankings answer from popularity, nights go on."""
    _by_hand(Instance.of(state_dir), {"trigger": "park"}, as_json=as_json)


@click.command()
@common
def unpark(state_dir: Path, as_json: bool) -> None:
    """Make the campaigns anew, with the latest version that passed the gate."""
    _by_hand(Instance.of(state_dir), {"trigger": "unpark"}, as_json=as_json)


def serving(instance: Instance) -> dict[str, str]:
    """What answers rankings, for `status`: `campaigns` (serving | parked | none), `rankings`, and what to do `next`."""
    version = instance.operation("MODEL", instance.outputs["CampaignName"]).get("modelVersion", {}).get("S", "")
    if instance.operation("MODEL", "CAMPAIGNS").get("parked", {}).get("BOOL"):
        return {
            "campaigns": "parked",
            "rankings": "popular items, and the last good answers of a day",
            "next": f"`nightclass unpark` makes the campaigns anew, with version {version}",
        }
    if not version:
        return {"campaigns": "none", "rankings": "popular items", "next": "`nightclass nightly` trains the first model"}
    return {"campaigns": "serving", "rankings": f"version {version}"}


def _by_hand(instance: Instance, request: Mapping[str, Any], *, as_json: bool) -> None:
    record = watch(instance, start(instance, request), _TIMEOUT)
    if record["status"] == "SKIPPED_LOCKED":
        raise CommandError(f"nothing was changed: {record['why']}; try again when it has ended")
    if as_json:
        emit(record)
    else:
        click.echo(f"{record['status']}: {record['why']}")
