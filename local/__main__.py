"""`nightclass` (= `python -m local`): the whole stack on this machine, from the terminal."""

import click

from local.commands.benchmarks import bench
from local.commands.costs import costs
from local.commands.demo import demo
from local.commands.erasing import erase
from local.commands.loading import load
from local.commands.options import Commands
from local.commands.reading import mailbox, recommend
from local.commands.retraining import nightly, resume
from local.commands.serving import park, rollback, unpark
from local.commands.token import token
from local.commands.up import down, outputs, status, up


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nightclass")
def nightclass() -> None:
    """Student events, exactly-one e-mail and personalised ranking: the same stack as in AWS, on this machine."""


_MACHINE = (nightly, resume, rollback, park, unpark, erase)
for command in (up, down, status, outputs, token, load, *_MACHINE, mailbox, recommend, bench, costs, demo):
    nightclass.add_command(command)


def main() -> None:
    """Run a command and exit: 0 when it did what was asked, 1 with one line when not, 2 for wrong usage."""
    nightclass(prog_name="nightclass")


if __name__ == "__main__":
    main()
