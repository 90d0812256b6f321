"""`costs`: what a month in AWS uses."""

from pathlib import Path

import click

from local.commands.options import common, emit
from local.costs import School, month


@click.command()
@click.option("--interactions", type=click.IntRange(min=0), default=200_000, show_default=True, help="There already.")
@click.option(
    "--events", type=click.IntRange(min=0), default=2_000, show_default=True, help="Enrolled, handed in; a day."
)
@click.option("--rankings", type=click.IntRange(min=0), default=10_000, show_default=True, help="Asked for, a day.")
@click.option("--announced", type=click.IntRange(min=0), default=1_000, show_default=True, help="Mails of them, a day.")
@click.option("--retrain-after-days", type=click.FloatRange(min=1), default=7, show_default=True)
@click.option("--retrain-share", type=click.FloatRange(0, 1, min_open=True), default=0.1, show_default=True)
@click.option(
    "--parked-hours", type=click.FloatRange(0, 24), default=0, show_default=True, help="Without campaigns, a day."
)
@click.option("--reranking/--no-reranking", help="With EnableReranking: a second campaign, for POST /ranking.")
@common
def costs(
    interactions: int,
    events: int,
    rankings: int,
    announced: int,
    retrain_after_days: float,
    retrain_share: float,
    parked_hours: float,
    reranking: bool,
    state_dir: Path,
    as_json: bool,
) -> None:
    """Print what a month in AWS uses, in the units that are billed; no prices, no allowances taken off."""
    policy = (retrain_after_days, retrain_share, parked_hours, reranking)
    school = School(interactions, events, rankings, announced, *policy)
    for usage in month(school):
        if as_json:
            emit(vars(usage))
        else:
            amount = f"{usage.amount:,.1f}" if usage.amount < 100 else f"{usage.amount:,.0f}"
            click.echo(f"{usage.service:<15} {amount:>14}  {usage.unit:<24} {usage.why}")
