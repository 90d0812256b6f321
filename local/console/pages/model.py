"""Model: each run's metrics beside popularity on the same data, data volumes, import decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.console.rendering import render, sources_of
from local.console.sources import Row

METRICS: Final = {
    "normalized_discounted_cumulative_gain_at_25": "NDCG@25",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
    "normalized_discounted_cumulative_gain_at_5": "NDCG@5",
    "mean_reciprocal_rank_at_25": "MRR@25",
    "precision_at_5": "precision@5",
    "precision_at_10": "precision@10",
    "precision_at_25": "precision@25",
    "coverage": "coverage",
}
_RUNS: Final = 20
_HEIGHT: Final = 200.0
_GROUP: Final = 84.0
_BAR: Final = 26.0
_LEFT: Final = 40.0


@dataclass(frozen=True)
class Bar:
    """A bar of the chart; `y` grows downwards."""

    series: str
    value: float
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Groups of two bars, one group a run, oldest first."""

    width: float
    height: float
    bars: Sequence[Bar]
    names: Sequence[tuple[float, str]]
    lines: Sequence[tuple[float, str]]


def show(request: Request) -> Response:
    """`?metric=<Personalize's name>`."""
    metric = request.query_params.get("metric", "")
    metric = metric if metric in METRICS else next(iter(METRICS))
    records = sources_of(request).runs.records(_RUNS)
    return render(
        request,
        "model.html",
        records=records,
        judged=[record for record in records if record.get("metrics")],
        chart=chart_of(records, metric),
        metric=metric,
        metrics=METRICS,
    )


def chart_of(records: Sequence[Row], metric: str) -> Chart | None:
    """The model's metric beside popularity's, for the runs that measured both; None where none did."""
    pairs = [
        (str(record.get("runId", "–")), model, popularity)
        for record in reversed(records)
        if (model := _number(record, "metrics", "recommendation", metric)) is not None
        and (popularity := _number(record, "baselineMetrics", metric)) is not None
    ]
    if not pairs:
        return None
    top = _round_up(max(value for _, *values in pairs for value in values))
    bars, names = [], []
    for index, (run_id, model, popularity) in enumerate(pairs):
        left = _LEFT + 16 + index * _GROUP
        for place, (series, value) in enumerate((("model", model), ("popularity", popularity))):
            height = _HEIGHT * value / top
            bars.append(Bar(series, value, left + place * (_BAR + 3), 16 + _HEIGHT - height, height))
        names.append((left + _BAR, run_id[2:11] if len(run_id) > 13 else run_id))
    lines = [(16 + _HEIGHT * (1 - step / 4), f"{top * step / 4:.2f}") for step in range(5)]
    return Chart(_LEFT + 16 + max(len(pairs), 4) * _GROUP, _HEIGHT + 44, bars, names, lines)


def _number(value: object, *path: str) -> float | None:
    """What stands there, if it is a number."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, (int, float)) else None


def _round_up(value: float) -> float:
    return next((step for step in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if value <= step), max(value, 1.0))


ROUTES: Final = [Route("/model", show)]
