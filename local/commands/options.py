"""What every command has: `--state-dir`, `--json`, `--help`, and one line where it fails."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from local.load.interactions_csv import ID

F = TypeVar("F", bound=Callable[..., Any])


class CommandError(click.ClickException):
    """The command did not do what was asked; its message is one line on stderr, and the exit code 1."""

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's signature
        """Print `nightclass: message`."""
        click.echo(f"nightclass: {self.format_message()}", file=file, err=True)


class Commands(click.Group):
    """The group of all commands: whatever goes wrong ends in one line and exit code 1 (2 for wrong usage)."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command; NIGHTCLASS_DEBUG=1 shows where an error came from."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("NIGHTCLASS_DEBUG"):
                raise
            raise CommandError(one_line(error)) from error


def one_line(error: BaseException) -> str:
    """An error's text without line breaks; the type stands before it unless it is one of ours."""
    text = " ".join(str(error).split())
    ours = type(error).__module__.partition(".")[0] in {"local", "botocore"}
    return text if ours and text else f"{type(error).__name__}: {text}"


def common(command: F) -> F:
    """The options of every command, as parameters `state_dir` and `as_json`."""
    return _options(command, shown_default=True)


def common_apart(command: F) -> F:
    """The same for a command that works in a directory of its own unless one is given; see `given_directory`."""
    return _options(command, shown_default="one of its own, removed afterwards")


def _options(command: F, *, shown_default: bool | str) -> F:
    state_dir = click.option(
        "--state-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=".nightclass",
        show_default=shown_default,
        help="Where the local cloud keeps everything.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout, nothing else.")
    return state_dir(as_json(command))


def identifier(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - click's signature
    """Let a parameter's one or several ids pass; a click callback."""
    for one in value if isinstance(value, tuple) else (value,):
        if not ID.fullmatch(one):
            raise click.BadParameter(f"{one!r} is no id: a letter or digit, then up to 127 more or any of _.:@+=-")
    return value


def emit(document: object) -> None:
    """One JSON line on stdout."""
    click.echo(json.dumps(document, ensure_ascii=False))
