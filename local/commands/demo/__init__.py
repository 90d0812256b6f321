"""`demo`: the main job end to end, as a new user would see it."""

from dataclasses import asdict, replace
from pathlib import Path

import click

from local.commands.demo.stage import Stage
from local.commands.demo.story import tell
from local.commands.instance import given_directory, occupied, own_directory
from local.commands.options import CommandError, common_apart
from local.commands.up import TIME_SCALE, StopRequested, start, stop_on_signals
from local.console import Console


@click.command()
@common_apart
@click.pass_context
def demo(context: click.Context, state_dir: Path, as_json: bool) -> None:
    """Play a school term through the whole stack: events, e-mails, ranking before and after a retraining.

    Everything lives in a directory of its own that is removed at the end, unless --state-dir names one to keep.
    """
    stage = Stage(as_json=as_json)
    kept = given_directory(context)
    stop_on_signals()
    try:
        with own_directory(kept) as directory, occupied(directory):
            stage.chapter("Starting", "an AWS account on 127.0.0.1, and template.yaml deployed onto it")
            cloud, instance = start(0, TIME_SCALE, directory)
            with cloud, Console(asdict(instance), directory / "console.log") as console:
                stage.say(f"the console shows all of it, as long as it lasts: {console.url}")
                tell(stage, replace(instance, console_url=console.url), directory)
            stage.ending(kept)
    except StopRequested:
        raise CommandError("stopped before the end") from None
