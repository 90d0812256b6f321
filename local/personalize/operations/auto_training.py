"""Automatic training: first within an hour after a solution is ACTIVE, then by its schedule, if data came in."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from local.personalize.errors import ServiceError
from local.personalize.operations.solution_versions import train
from local.personalize.operations.solutions import CREATION, UPDATE_SLOT, days_between_trainings
from local.personalize.store import SOLUTION, SOLUTION_VERSION

if TYPE_CHECKING:
    from local.personalize.account import Account
    from local.personalize.lifecycle import Procedure
    from local.personalize.store import Resource

FIRST_AFTER = 3_600.0
DAY = 86_400.0
LEAST_WAIT = 0.1
"""Real seconds: without them the timetable would do nothing else at a time scale of 0."""


def arrange(account: Account, solution: Resource, ended: Procedure) -> None:
    """Plan the first training of a solution that became ACTIVE or was told to train by itself, else the next."""
    if solution.kind is not SOLUTION:
        return
    told = solution.record.get(UPDATE_SLOT, {}).get("performAutoTraining")
    plan(account, solution, FIRST_AFTER if ended is CREATION or told else _left(account, solution))


def resume(account: Account) -> None:
    """After a restart, plan anew for every solution that trains by itself."""
    for solution in account.store.select(SOLUTION, status="ACTIVE"):
        plan(account, solution, _left(account, solution))


def _left(account: Account, solution: Resource) -> float:
    """Nominal seconds to the next training: by schedule after the last automatic one, without such an hour."""
    versions = account.store.select(SOLUTION_VERSION, solutionArn=solution.arn, trainingType="AUTOMATIC")
    if not versions or not solution.record.get("performAutoTraining"):
        return FIRST_AFTER
    scale = account.lifecycle.time_scale
    passed = (time.time() - versions[-1].record["creationDateTime"]) / scale if scale else math.inf
    return max(0.0, DAY * days_between_trainings(_schedule(solution)) - passed)


def plan(account: Account, solution: Resource, seconds: float) -> None:
    """Train after that many nominal seconds, unless a version was begun meanwhile; then plan the next time."""
    if not solution.record.get("performAutoTraining"):
        return
    number = solution.private["plan"] = solution.private.get("plan", 0) + 1
    began = time.time()

    def due() -> None:
        current = account.store.get(solution.arn) is solution and solution.private["plan"] == number
        if not current or solution.status != "ACTIVE" or not solution.record["performAutoTraining"]:
            return
        _train_if_new(account, solution, began)
        plan(account, solution, DAY * days_between_trainings(_schedule(solution)))

    account.timetable.after(max(LEAST_WAIT, seconds * account.lifecycle.time_scale), due)


def _train_if_new(account: Account, solution: Resource, since: float) -> None:
    versions = account.store.select(SOLUTION_VERSION, solutionArn=solution.arn)
    manual = any(version.record["creationDateTime"] >= since for version in versions)
    dataset = account.serving.dataset(solution.record["datasetGroupArn"], "INTERACTIONS")
    if manual or dataset is None or (versions and _changed(dataset) <= versions[-1].record["creationDateTime"]):
        return
    try:
        train(account, solution, {"solutionArn": solution.arn, "trainingMode": "AUTOTRAIN"}, "AUTOMATIC")
    except ServiceError:
        return  # Nothing to train on yet; the next time may find it.


def _changed(dataset: Resource) -> float:
    """When interactions last came in, by import or one by one."""
    return float(dataset.private.get("changed", 0.0))


def _schedule(solution: Resource) -> str:
    return str(solution.record["solutionConfig"]["autoTrainingConfig"]["schedulingExpression"])
