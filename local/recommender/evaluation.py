"""Offline evaluation on Amazon Personalize's own split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from local.recommender import metrics
from local.recommender.dataset import History
from local.recommender.recipes import create_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from local.recommender.dataset import Dataset

TEST_SHARE, JUDGED_SHARE, LISTED = 10, 10, 25
BATCH_CELLS = 2**24
"""One in ten users is a test user, one in ten of its events (at least one) is judged, 25 items are listed."""


def evaluate(
    recipe: str, dataset: Dataset, *, hyper_parameters: Mapping[str, str] | None = None, seed: int = 0
) -> dict[str, float]:
    """Train on 90 % of the users, judge on the newest 10 % of the events of the others.

    Test users' older events are not trained on: they are the input of their recommendations, as at Personalize. Users
    of a single event are never test users. Without any test user all metrics are 0.

    Returns:
        Personalize's metrics: coverage, mean_reciprocal_rank_at_25 and, at 5, 10 and 25,
        normalized_discounted_cumulative_gain_at_K and precision_at_K.
    """
    train, histories, judged = split(dataset, seed)
    model = create_model(recipe, hyper_parameters).fit(train, seed=seed)
    listed = np.zeros(len(dataset.item_ids), bool)
    found: list[NDArray[np.float64]] = []
    batch = max(1, BATCH_CELLS // max(len(dataset.item_ids), 1) // 8)
    for start in range(0, len(histories), batch):
        scores = model.scores_many(histories[start : start + batch])
        listed[metrics.top(scores, LISTED)] = True
        found += [metrics.ranks(row, truth) for row, truth in zip(scores, judged[start:], strict=False)]
    return {"coverage": float(listed.mean()) if len(listed) else 0.0, **metrics.of_ranks(found)}


def split(dataset: Dataset, seed: int) -> tuple[Dataset, list[History], list[NDArray[np.int32]]]:
    """Personalize's split: the training part, and the histories and distinct judged items of the test users."""
    bounds = np.searchsorted(dataset.users, np.arange(len(dataset.user_ids) + 1))
    lengths = np.diff(bounds)
    eligible = np.flatnonzero(lengths >= 2)
    count = min(len(eligible), -(-len(eligible) // TEST_SHARE))
    chosen = np.sort(np.random.default_rng(seed).choice(eligible, count, replace=False))
    histories, judged = [], []
    for user in chosen.tolist():
        stop = int(bounds[user + 1])
        cut = stop - max(1, int(lengths[user]) // JUDGED_SHARE)
        histories.append(history_of(dataset, user, int(bounds[user]), cut))
        judged.append(np.unique(dataset.items[cut:stop]))
    test = np.zeros(len(dataset.user_ids), bool)
    test[chosen] = True
    return dataset.where(~test[dataset.users]), histories, judged


def history_of(dataset: Dataset, user: int, start: int, stop: int) -> History:
    """Events `start:stop` of the dataset, which are of that user, with the user's metadata."""
    names = dataset.event_type_names
    cells = {column: str(cells[user]) for column, cells in dataset.user_metadata.items() if cells[user] is not None}
    return History(
        items=dataset.items[start:stop],
        timestamps=dataset.timestamps[start:stop],
        event_types=[names[code] for code in dataset.event_types[start:stop]],
        user=cells,
    )
