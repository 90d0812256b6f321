"""The work of a solution version: datasets to a model file and Personalize's metrics."""

from __future__ import annotations

import importlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from local.personalize.entities import Entities, put_entities
from local.personalize.errors import JobFailed
from local.personalize.events import event_rows
from local.personalize.interactions import Interactions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MINIMUM_INTERACTIONS = 1_000
MINIMUM_USERS = 25
MINIMUM_SHARE = 0.01
SEED = 0
HOURS_PER_ROW = 2.135 / 100_000
"""Training hours that Personalize billed for 100,000 interactions (its cheat sheet); an estimate, not a measurement."""


def train(
    *,
    recommender: str,
    recipe: str,
    hyper_parameters: Mapping[str, str],
    selection: Mapping[str, Any],
    database: str,
    datasets: Mapping[str, Mapping[str, Any]],
    target: str,
) -> dict[str, Any]:
    """Fit a model on everything the dataset group holds and evaluate its recipe.

    Args:
        recommender: Module with `Dataset`, `create_model` and `evaluate`.
        recipe: Name of the recipe.
        hyper_parameters: As in the solution's configuration.
        selection: `eventType`, `eventValueThreshold` and `eventParameters` of the solution.
        database: SQLite file with the individually recorded data.
        datasets: By type, `arn`, `snapshot` file or None, and the `columns` to use (None for all).
        target: Model file to write.

    Returns:
        `metrics`, `trainingHours`, `newest` (time of the newest interaction) and `rows`.

    Raises:
        JobFailed: Too little data, or the recipe cannot learn from it.
    """
    library: Any = importlib.import_module(recommender)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        entities = {
            kind: _entities(connection, datasets[kind]) if kind in datasets else {} for kind in ("USERS", "ITEMS")
        }
        dataset = datasets["INTERACTIONS"]
        interactions = Interactions.load(_path(dataset))
        individual = event_rows(connection, dataset["arn"])
    if individual.users:
        interactions = interactions.joined(individual)
    kept = selected(interactions, selection)
    check_minima(interactions.user[kept])
    rows = interactions.rows(kept)
    data = library.Dataset.from_columns(
        rows.users, rows.items, rows.times, rows.types, rows.values, items=entities["ITEMS"], users=entities["USERS"]
    )
    weights = event_weights(interactions.types, selection)
    if any(weight < 1 for weight in weights.values()):
        data = data.with_event_weights(weights)
    began = time.perf_counter()
    try:
        model = library.create_model(recipe, hyper_parameters).fit(data, seed=SEED)
        metrics = library.evaluate(recipe, data, hyper_parameters=hyper_parameters, seed=SEED)
    except ValueError as error:
        raise JobFailed(f"The recipe cannot be trained: {error}") from error
    model.save(Path(target))
    return {
        "metrics": {name: float(value) for name, value in metrics.items()},
        "trainingHours": round(max(0.01, len(rows.users) * HOURS_PER_ROW), 3),
        "rows": len(rows.users),
        "seconds": round(time.perf_counter() - began, 3),
    }


def selected(interactions: Interactions, selection: Mapping[str, Any]) -> NDArray[np.bool_]:
    """bool[rows]: the interactions a solution trains on, by event type and value."""
    kept = np.zeros(len(interactions), bool)
    for entry in _event_parameters(selection):
        rows = np.isin(
            interactions.type, [interactions.types.index(name) for name in _meant(entry, interactions.types)]
        )
        if entry.get("eventValueThreshold") is not None:
            rows &= interactions.value >= float(entry["eventValueThreshold"])
        if entry.get("weight") != 0:
            kept |= rows
    return kept


def event_weights(types: Sequence[str], selection: Mapping[str, Any]) -> dict[str, float]:
    """How much events count in training, by the names that the data have for their types."""
    return {name: entry.get("weight", 1.0) for entry in _event_parameters(selection) for name in _meant(entry, types)}


def _event_parameters(selection: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The members of eventsConfig; without, one for the solution's eventType, or for all types."""
    if selection.get("eventParameters") and not selection.get("eventType"):
        listed: Sequence[Mapping[str, Any]] = selection["eventParameters"]
        return listed
    return [{name: selection.get(name) for name in ("eventType", "eventValueThreshold")}]


def _meant(entry: Mapping[str, Any], types: Sequence[str]) -> list[str]:
    """The types an entry is for: Personalize ignores case when it matches event types."""
    wanted = entry["eventType"]
    return [name for name in types if not wanted or name.lower() == wanted.lower()]


def check_minima(users: NDArray[np.int32]) -> None:
    """Refuse to train on too little data.

    Args:
        users: User code of each interaction that would be trained on.

    Raises:
        JobFailed: Fewer than 1,000 interactions, or than 25 users (or 1 % of them) with two interactions or more.
    """
    if len(users) < MINIMUM_INTERACTIONS:
        raise JobFailed(
            f"There are fewer than {MINIMUM_INTERACTIONS} interactions ({len(users)}) after filtering by event type"
            " and event value threshold."
        )
    counts = np.unique(users, return_counts=True)[1]
    repeated = int((counts >= 2).sum())
    if repeated < MINIMUM_USERS:
        raise JobFailed(f"Dataset has fewer than {MINIMUM_USERS} users with at least 2 interactions each ({repeated}).")
    if repeated < MINIMUM_SHARE * len(counts):
        raise JobFailed(f"Fewer than 1% of the users have at least 2 interactions each ({repeated} of {len(counts)}).")


def _entities(connection: sqlite3.Connection, dataset: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    records = Entities.load(_path(dataset)).joined(put_entities(connection, dataset["arn"])).records
    columns = dataset.get("columns")
    if columns is None:
        return records
    return {key: {name: cell for name, cell in record.items() if name in columns} for key, record in records.items()}


def _path(dataset: Mapping[str, Any]) -> Path | None:
    return Path(dataset["snapshot"]) if dataset.get("snapshot") else None
