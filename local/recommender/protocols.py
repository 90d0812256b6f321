"""Offline protocols of papers and of practice: what is trained on, what is asked, what came."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from local.recommender import evaluation, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset, Floats, History

MOST_CASES = 20_000
LISTED = 10
BATCH_CELLS = 2**22


class UnknownSplitError(ValueError):
    """There is no such protocol, or its argument is neither a date nor a share."""


@dataclass(frozen=True)
class Case:
    """One question of a protocol.

    Attributes:
        history: What the recommender is shown.
        came: int32, the distinct items that came; those already in the history are not judged.
    """

    history: History
    came: NDArray[np.int32]


def split(dataset: Dataset, protocol: str, seed: int) -> tuple[Dataset, list[Case]]:
    """The training part and the cases of a protocol.

    Args:
        dataset: All interactions.
        protocol: `last-out`: train without the last two events of each user, ask for the last (users of three events
            or more). `calendar`, `calendar=2014-09-01` (UTC) or `calendar=0.8` (quantile of time, the default): train
            on what was before, ask for every later event given all before it. `personalize`: Amazon Personalize's.
        seed: Draws users or, beyond 20,000, cases.

    Raises:
        UnknownSplitError: No such protocol.
    """
    name, _, argument = protocol.partition("=")
    if name == "last-out" and not argument:
        train, cases = _last_out(dataset)
    elif name == "calendar":
        train, cases = _calendar(dataset, argument or "0.8")
    elif name == "personalize" and not argument:
        train, histories, judged = evaluation.split(dataset, seed)
        return train, [Case(history, came) for history, came in zip(histories, judged, strict=True)]
    else:
        raise UnknownSplitError(f"no split {protocol!r}; there are last-out, calendar[=DATE|QUANTILE] and personalize")
    if len(cases) > MOST_CASES:
        cases = np.sort(np.random.default_rng(seed).choice(cases, MOST_CASES, replace=False))
    bounds = np.searchsorted(dataset.users, np.arange(len(dataset.user_ids) + 1))
    users = dataset.users[cases].tolist()
    return train, [
        Case(evaluation.history_of(dataset, user, int(bounds[user]), event), dataset.items[event : event + 1])
        for user, event in zip(users, cases.tolist(), strict=True)
    ]


def _last_out(dataset: Dataset) -> tuple[Dataset, NDArray[np.int64]]:
    ends = np.append(np.flatnonzero(np.diff(dataset.users)), len(dataset) - 1) if len(dataset) else np.zeros(0, int)
    lengths = np.diff(ends, prepend=-1)
    long = ends[lengths >= 3]
    keep = np.ones(len(dataset), bool)
    keep[long] = keep[long - 1] = False
    return dataset.where(keep), long


def _calendar(dataset: Dataset, argument: str) -> tuple[Dataset, NDArray[np.int64]]:
    try:
        cut = datetime.fromisoformat(argument).replace(tzinfo=UTC).timestamp()
    except ValueError:
        cut = np.quantile(dataset.timestamps, _share(argument), method="lower") if len(dataset) else 0.0
    later = dataset.timestamps >= cut
    return dataset.where(~later), np.flatnonzero(later)


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (share := float(text)) < 1:
            return share
    raise UnknownSplitError(f"calendar={text} is neither a date (2014-09-01) nor a quantile between 0 and 1")


def judge(scores_many: Callable[[Sequence[History]], Floats], cases: Sequence[Case], n_items: int) -> dict[str, float]:
    """Full-ranking metrics (no sampling): items of the history are not recommended and not judged.

    Returns:
        Personalize's metrics plus hit_rate_at_10, recall_at_20, coverage of the lists of ten, and for users without
        any history, who are left out of the others, cold_ndcg_at_10.
    """
    listed = np.zeros(n_items, bool)
    warm: list[NDArray[np.float64]] = []
    cold: list[NDArray[np.float64]] = []
    size = max(1, BATCH_CELLS // max(n_items, 1))
    for start in range(0, len(cases), size):
        batch = cases[start : start + size]
        for row, case in zip(scores_many([case.history for case in batch]), batch, strict=True):
            row[case.history.items] = -np.inf
            judged = np.setdiff1d(case.came, case.history.items)
            if len(judged):
                (warm if len(case.history.items) else cold).append(metrics.ranks(row, judged))
            listed[metrics.top(row[None], LISTED)] = True
    return {
        **metrics.of_ranks(warm),
        "hit_rate_at_10": float(np.mean([ranks.min() <= 10 for ranks in warm])) if warm else 0.0,
        "recall_at_20": float(np.mean([(ranks <= 20).mean() for ranks in warm])) if warm else 0.0,
        "coverage": float(listed.mean()),
        "cold_ndcg_at_10": metrics.of_ranks(cold)["normalized_discounted_cumulative_gain_at_10"],
    }
