"""`demo`: the main job end to end, as a new user would see it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.core import ParameterSource

from local.commands.demo.stage import Stage
from local.commands.demo.story import tell
from local.commands.instance import occupied
from local.commands.options import CommandError, common
from local.commands.up import TIME_SCALE, StopRequested, start, stop_on_signals


@click.command()
@common
@click.pass_context
def demo(context: click.Context, state_dir: Path, as_json: bool) -> None:
    """Play a school term through the whole stack: events, e-mails, ranking before and after a retraining.

    Everything lives in a directory of its own that is removed at the end, unless --state-dir names one to keep.
    """
    given = context.get_parameter_source("state_dir") is ParameterSource.COMMANDLINE
    stop_on_signals()
    try:
        with _directory(state_dir if given else None) as directory, occupied(directory):
            stage = Stage(as_json=as_json)
            stage.chapter("Starting", "an AWS account on 127.0.0.1, and template.yaml deployed onto it")
            cloud, instance = start(0, TIME_SCALE, directory)
            with cloud:
                tell(stage, instance, directory)
            stage.ending(state_dir if given else None)
    except StopRequested:
        raise CommandError("stopped before the end") from None


@contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="nightclass-demo-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
