"""`bench`: the figures that the README quotes."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from local.bench.people import people
from local.commands.instance import Instance, given_directory, occupied, own_directory
from local.commands.loading import load_into
from local.commands.options import common_apart, emit
from local.commands.retraining import start as start_run
from local.commands.retraining import watch
from local.commands.up import TIME_SCALE, start
from local.load import Report

# Real interactions, where they lie beside the checkout; they are no part of it.
REAL_DATA = Path("../shared/data/oulad_events.csv.gz")
_TIMEOUT = 1800

_data: Callable[[Any], Any] = click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"CSV of interactions; default {REAL_DATA} where it exists, else a simulated school term.",
)


@click.group(invoke_without_command=True)
@common_apart
@click.pass_context
def bench(context: click.Context, state_dir: Path, as_json: bool) -> None:
    """Measure each part beside what one would write otherwise; without a subcommand, all of them in turn.

    What needs a local cloud starts one of its own.
    """
    if context.invoked_subcommand is None:
        for measured in (nightly, nights, export, mail, coldstart, ranking, requests, recommender, growth):
            context.invoke(measured, state_dir=state_dir, as_json=as_json)


@bench.command()
@_data
@common_apart
@click.pass_context
def load(context: click.Context, data: Path | None, state_dir: Path, as_json: bool) -> None:
    """Load a file into an empty stack."""
    with _interactions(data) as file, _stack(given_directory(context)) as instance:
        _print_load(file, load_into(instance, file), as_json=as_json)


@bench.command()
@_data
@click.option(
    "--rows", type=click.IntRange(min=1), multiple=True, help="Only so many rows; given several times, grows."
)
@common_apart
@click.pass_context
def nightly(
    context: click.Context, data: Path | None, state_dir: Path, as_json: bool, rows: tuple[int, ...] = ()
) -> None:
    """Load a file, or the beginning of it, into an empty stack and run the nightly retraining on it."""
    from local.bench.growing import beginning, growth_of

    if len(rows) > 1 and given_directory(context):
        raise click.UsageError("several --rows each take an empty stack, so --state-dir can name none")
    nights: list[dict[str, Any]] = []
    for size in sorted(rows) or (None,):
        with _interactions(data) as whole, beginning(whole, size) as file, _stack(given_directory(context)) as instance:
            _print_load(file, load_into(instance, file), as_json=as_json)
            execution = start_run(instance, {"trigger": "manual", "force": False})
            nights.append(watch(instance, execution, _TIMEOUT, display=not as_json))
        _print_nightly(nights[-1], as_json=as_json)
    if len(nights) > 1 and not as_json:
        click.echo("\n".join(growth_of(nights)))


@bench.command()
@_data
@common_apart
@click.pass_context
def nights(context: click.Context, data: Path | None, state_dir: Path, as_json: bool) -> None:
    """Run three nights on 60 % of a file by time, then 20 % more, then nothing more: what each decides, and why."""
    from local.bench.nights import portions, show

    with _interactions(data) as file, portions(file) as added, _stack(given_directory(context)) as instance:
        for number, portion in enumerate(added, start=1):
            if portion is not None:
                _print_load(portion, load_into(instance, portion), as_json=as_json)
            execution = start_run(instance, {"trigger": "schedule"})
            show(number, watch(instance, execution, _TIMEOUT, display=not as_json), as_json=as_json)


@bench.command()
@_data
@click.option("--items", type=click.Path(exists=True, path_type=Path), help="CSV of item metadata with ITEM_ID.")
@click.option("--users", type=click.Path(exists=True, path_type=Path), help="CSV of user metadata with USER_ID.")
@click.option("--split", default="calendar", show_default=True, help="last-out, calendar[=DATE|QUANTILE], personalize.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Repetitions; medians count.")
@common_apart
def recommender(
    data: Path | None,
    split: str,
    seeds: int,
    state_dir: Path,
    as_json: bool,
    items: Path | None = None,
    users: Path | None = None,
) -> None:
    """Compare the recommender with popularity and others on one split."""
    # Read when a BLAS is loaded; one thread makes CPU seconds compare, and `implicit` warns where it is not said.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from local.bench.recommender import main

    with _interactions(data) as file:
        main(file, split, seeds, as_json, items, users)


@bench.command()
@click.option("--events", type=click.IntRange(min=1), default=400, show_default=True, help="Mails at once.")
@click.option("--rate", type=click.FloatRange(min=1), multiple=True, help="Mails/s that SES grants; may be repeated.")
@common_apart
@click.pass_context
def mail(context: click.Context, events: int, rate: tuple[float, ...], state_dir: Path, as_json: bool) -> None:
    """Compare a burst of enrolments, and an announcement, with a queue and a loop, at rates of SES."""
    from local.bench.mail import RATES, measure
    from local.compat.mail.side_door import VARIABLE

    os.environ[VARIABLE] = "1"
    for granted in rate or RATES:
        with _stack(given_directory(context)) as instance, tempfile.TemporaryDirectory() as directory:
            load_into(instance, people(events, Path(directory)))
            found = measure(instance, events, granted, (lambda _: None) if as_json else click.echo)
        if as_json:
            emit({"benchmark": "mail", "measured": [vars(one) for one in found]})


@bench.command()
@click.option("--repeats", type=click.IntRange(min=1), default=200, show_default=True, help="Requests each way.")
@common_apart
@click.pass_context
def ranking(context: click.Context, repeats: int, state_dir: Path, as_json: bool) -> None:
    """Compare GET /ranking with the bare call to Personalize's runtime, on a simulated school term."""
    from local.bench.ranking import measure
    from local.term import simulate

    term = simulate()
    with _stack(given_directory(context)) as instance, tempfile.TemporaryDirectory() as directory:
        load_into(instance, term.write_interactions(Path(directory) / "simulated-term.csv"))
        watch(instance, start_run(instance, {"trigger": "manual", "force": True}), _TIMEOUT, display=not as_json)
        users = [student.student_id for student in term.students[:20]]
        found = measure(instance, users, repeats, (lambda _: None) if as_json else click.echo)
    if as_json:
        emit({"benchmark": "ranking", "measured": [vars(one) for one in found]})


@bench.command()
@click.option("--seconds", type=click.FloatRange(min=1), default=60, show_default=True, help="Of each load.")
@common_apart
@click.pass_context
def requests(context: click.Context, seconds: float, state_dir: Path, as_json: bool) -> None:
    """Ask for rankings steadily, then five times as often: who is answered, and who is told to come later."""
    from local.bench.requests import BURST, CALLERS, PER_SECOND, measure

    limits = {"RequestsPerSecond": str(PER_SECOND), "RequestBurst": str(BURST)}
    with _stack(given_directory(context), **limits) as instance, tempfile.TemporaryDirectory() as directory:
        load_into(instance, people(CALLERS, Path(directory)))
        found = measure(instance, seconds, (lambda _: None) if as_json else click.echo)
    if as_json:
        emit({"benchmark": "requests", "measured": [vars(one) for one in found]})


@bench.command()
@click.argument("handlers", nargs=-1)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Interpreters a handler.")
@common_apart
@click.pass_context
def coldstart(context: click.Context, handlers: tuple[str, ...], repeats: int, state_dir: Path, as_json: bool) -> None:
    """Compare import and first call of HANDLERS (ranking.get_recommendation …; all) with a bare boto3 client."""
    from local.bench.coldstart import measure

    with _stack(given_directory(context)) as instance:
        found = measure(instance, handlers, repeats, (lambda _: None) if as_json else click.echo)
    if as_json:
        emit({"benchmark": "coldstart", "measured": [vars(one) for one in found]})


@bench.command()
@click.option("--rows", type=click.IntRange(min=1), multiple=True, help="Interactions; may be given several times.")
@common_apart
def export(rows: tuple[int, ...], state_dir: Path, as_json: bool) -> None:
    """Compare the export with a paginator and csv.writer, up to a million rows; no cloud needed."""
    from local.bench.export import SIZES, measure

    found = measure(rows or SIZES, (lambda _: None) if as_json else click.echo)
    if as_json:
        emit({"benchmark": "export", "measured": [vars(one) for one in found]})


@bench.command()
@click.option("--largest", type=click.IntRange(min=10_000), help="Leave out points of more interactions.")
@common_apart
def growth(largest: int | None, state_dir: Path, as_json: bool) -> None:
    """Train the recommender on made-up data of growing size, up to a million interactions."""
    from local.bench.recommender import GROWTH
    from local.bench.recommender import growth as grow

    grow(as_json, [size for size in GROWTH if size[0] <= (largest or size[0])])


@contextlib.contextmanager
def _interactions(data: Path | None) -> Iterator[Path]:
    if data is None and REAL_DATA.is_file():
        data = REAL_DATA
    if data is not None:
        yield data
        return
    from local.term import simulate

    with tempfile.TemporaryDirectory() as directory:
        yield simulate().write_interactions(Path(directory) / "simulated-term.csv")


@contextlib.contextmanager
def _stack(kept: Path | None, **parameters: str) -> Iterator[Instance]:
    with own_directory(kept) as directory, occupied(directory):
        cloud, instance = start(0, TIME_SCALE, directory, parameters)
        with cloud:
            yield instance


def _print_load(file: Path, report: Report, *, as_json: bool) -> None:
    rate = report.interactions / max(report.seconds, 0.001)
    if as_json:
        emit({"benchmark": "load", "data": file.name, "rowsPerSecond": round(rate), **report.to_dict()})
    else:
        click.echo(
            f"load      {report.interactions:>9,} rows  {report.seconds:7.1f} s  {rate:7,.0f} rows/s  {file.name}"
        )


def _print_nightly(record: dict[str, Any], *, as_json: bool) -> None:
    seconds = record["durations"]["total"]
    if as_json:
        emit({"benchmark": "nightly", "seconds": seconds, "record": record})
        return
    click.echo(
        f"nightly   {record['rows']['interactions']:>9,} rows  {seconds:7.1f} s  {record['status']}: {record['why']}"
    )
    stages = (f"{name} {took:.1f}" for name, took in record["durations"].items() if name != "total")
    click.echo(f"          {' · '.join(stages)}")
