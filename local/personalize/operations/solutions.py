"""Solutions: a recipe and its configuration, not yet a model."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from local.personalize.avro import REQUIRED
from local.personalize.errors import InvalidInput, LimitExceeded, ResourceInUse
from local.personalize.lifecycle import CREATE, DELETE, UNFINISHED, procedure
from local.personalize.operations.datasets import schema_of
from local.personalize.operations.registry import operation
from local.personalize.recipes import recipe_name
from local.personalize.store import BATCH_JOB, CAMPAIGN, CAMPAIGN_UPDATE, DATASET_GROUP, SOLUTION, SOLUTION_VERSION
from local.personalize.tuning import check_tuning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

MAXIMUM = 10
DAYS_AT_MOST = 30
DEFAULT_SCHEDULE = "rate(7 days)"
UPDATE_SLOT = "latestSolutionUpdate"
CREATION = procedure("create solution", CREATE, 30)


@operation("CreateSolution")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Check a configuration against its recipe and keep it."""
    group = account.active(DATASET_GROUP, parameters["datasetGroupArn"])
    if parameters.get("performAutoML"):
        raise InvalidInput("performAutoML is no longer supported; name a recipeArn.")
    if "recipeArn" not in parameters:
        raise InvalidInput("Value null at 'recipeArn' failed to satisfy constraint: Member must not be null")
    if parameters.get("performIncrementalUpdate"):
        raise InvalidInput("performIncrementalUpdate is supported only by the semantic-similarity recipe.")
    recipe = recipe_name(parameters["recipeArn"])
    configuration = parameters.get("solutionConfig", {})
    _check_configuration(account, group.arn, recipe, configuration)
    if len(account.store.select(SOLUTION, datasetGroupArn=group.arn)) >= MAXIMUM:
        raise LimitExceeded(f"More than {MAXIMUM} solutions in the dataset group {group.arn}.")
    record = {
        "performHPO": False,
        "performAutoML": False,
        "performAutoTraining": True,
        "performIncrementalUpdate": False,
        **parameters,
        "solutionConfig": configuration,
    }
    if record["performAutoTraining"]:
        configuration.setdefault("autoTrainingConfig", {"schedulingExpression": DEFAULT_SCHEDULE})
    solution = account.add(SOLUTION, account.arn(SOLUTION, parameters["name"]), record)
    account.lifecycle.begin(solution, CREATION)
    return solution.record


@operation("UpdateSolution")
def update(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Change automatic training or the events configuration, one update at a time."""
    solution = account.active(SOLUTION, parameters["solutionArn"])
    if solution.record.get(UPDATE_SLOT, {}).get("status") in UNFINISHED:
        raise ResourceInUse(f"An update of {solution.arn} is in progress.")
    if parameters.get("performIncrementalUpdate"):
        raise InvalidInput("performIncrementalUpdate is supported only by the semantic-similarity recipe.")
    configuration = parameters.get("solutionUpdateConfig", {})
    if "performAutoTraining" not in parameters and not configuration:
        raise InvalidInput("Give performAutoTraining or solutionUpdateConfig.")
    _check_schedule(configuration)
    _check_events(configuration)
    solution.record[UPDATE_SLOT] = {
        **{name: value for name, value in parameters.items() if name != "solutionArn"},
        "creationDateTime": time.time(),
    }
    account.lifecycle.begin(solution, CHANGE, UPDATE_SLOT)
    return solution.record


@operation("DeleteSolution")
def delete(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Refused while campaigns or jobs use it, or are about to, or a version is in training; its versions go with it."""
    solution = account.store.find(SOLUTION, parameters["solutionArn"])
    account.settled(solution)
    account.refuse_users(solution, account.store.select(CAMPAIGN, solutionArn=solution.arn))
    account.refuse_users(solution, _coming(account, solution))
    versions = account.store.select(SOLUTION_VERSION, solutionArn=solution.arn)
    account.refuse_users(solution, [version for version in versions if version.status in UNFINISHED])
    account.lifecycle.begin(solution, DELETION)
    return {}


def _coming(account: Account, solution: Resource) -> list[Resource]:
    """Campaigns being changed to a version of a solution, and batch jobs at work with one."""
    changes = [(campaign, campaign.record.get(CAMPAIGN_UPDATE, {})) for campaign in account.store.select(CAMPAIGN)]
    jobs = [(job, job.record) for job in account.store.select(BATCH_JOB)]
    return [
        resource
        for resource, entry in (*changes, *jobs)
        if entry.get("status") in UNFINISHED and entry["solutionVersionArn"].startswith(f"{solution.arn}/")
    ]


def columns_of(choice: Mapping[str, Any], member: str, kind: str) -> list[str] | None:
    """The columns that a trainingDataConfig includes or excludes of one dataset; None if it says nothing of it."""
    return next((columns for name, columns in choice.get(member, {}).items() if name.upper() == kind), None)


def _check_configuration(account: Account, group: str, recipe: str, configuration: Mapping[str, Any]) -> None:
    _check_schedule(configuration)
    _check_events(configuration)
    _check_columns(account, group, configuration.get("trainingDataConfig", {}))
    if "optimizationObjective" in configuration and recipe != "aws-user-personalization":
        raise InvalidInput(f"optimizationObjective is not supported by the recipe {recipe}.")
    library = account.serving.library()
    for member, check in (
        ("algorithmHyperParameters", library.create_model),
        ("featureTransformationParameters", library.check_features),
    ):
        try:
            check(recipe, configuration.get(member, {}))
        except ValueError as error:
            raise InvalidInput(f"{member}: {error}") from error
    check_tuning(library.check_range, recipe, configuration.get("hpoConfig", {}))


def _check_events(configuration: Mapping[str, Any]) -> None:
    try:
        threshold = float(configuration.get("eventValueThreshold", "0"))
    except ValueError:
        threshold = math.nan
    if math.isnan(threshold):
        raise InvalidInput("eventValueThreshold must be a number.")
    events = configuration.get("eventsConfig", {}).get("eventParametersList", [])
    names = [event.get("eventType") for event in events]
    if not all(names):
        raise InvalidInput("Every member of eventParametersList must name its eventType.")
    if len({name.lower() for name in names}) < len(names):
        raise InvalidInput("eventParametersList names an eventType twice.")


def _check_columns(account: Account, group: str, choice: Mapping[str, Any]) -> None:
    for member in ("includedDatasetColumns", "excludedDatasetColumns"):
        for name, columns in choice.get(member, {}).items():
            dataset = account.serving.dataset(group, name.upper())
            if dataset is None:
                raise InvalidInput(f"{member}: the dataset group has no dataset {name}.")
            schema = schema_of(account, dataset)
            unknown = [column for column in columns if column not in schema]
            if unknown:
                raise InvalidInput(f"{member}: the dataset {name} has no column {', '.join(unknown)}.")
            required = [column for column in columns if column in REQUIRED[name.upper()]]
            if required and member == "excludedDatasetColumns":
                raise InvalidInput(f"{member}: {', '.join(required)} of {name} cannot be excluded.")


def _check_schedule(configuration: Mapping[str, Any]) -> None:
    expression = configuration.get("autoTrainingConfig", {}).get("schedulingExpression")
    if expression and not 1 <= days_between_trainings(expression) <= DAYS_AT_MOST:
        raise InvalidInput(f"schedulingExpression must be rate(1 day) to rate({DAYS_AT_MOST} days).")


def days_between_trainings(expression: str) -> int:
    """The days of a `rate(N days)` expression."""
    return int(expression.removeprefix("rate(").split()[0])


def _changed(account: Account, solution: Resource, _: Mapping[str, Any]) -> None:
    change = solution.record[UPDATE_SLOT]
    if "performAutoTraining" in change:
        solution.record["performAutoTraining"] = change["performAutoTraining"]
    # A new object: the versions trained so far keep the configuration they were trained with.
    configuration = {**solution.record["solutionConfig"], **change.get("solutionUpdateConfig", {})}
    if solution.record["performAutoTraining"]:
        configuration.setdefault("autoTrainingConfig", {"schedulingExpression": DEFAULT_SCHEDULE})
    solution.record["solutionConfig"] = configuration
    account.store.save(solution)


def _deleted(account: Account, solution: Resource, _: Mapping[str, Any]) -> None:
    for version in account.store.select(SOLUTION_VERSION, solutionArn=solution.arn):
        account.discard_file(version.private.get("model"))
        account.serving.forget(version.arn)
        account.store.remove(version)


CHANGE = procedure("update solution", CREATE, 30, finish=_changed)
DELETION = procedure("delete solution", DELETE, 60, finish=_deleted)
