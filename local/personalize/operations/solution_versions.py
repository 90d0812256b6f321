"""Solution versions: trained models and their metrics."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local.personalize.avro import REQUIRED, RESERVED
from local.personalize.errors import InvalidInput, LimitExceeded, ResourceAlreadyExists, ResourceInUse
from local.personalize.lifecycle import CREATE, UNFINISHED, procedure
from local.personalize.operations.datasets import schema_of
from local.personalize.operations.registry import operation
from local.personalize.operations.solutions import columns_of
from local.personalize.recipes import recipe_name
from local.personalize.store import SOLUTION, SOLUTION_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

IN_PROGRESS_AT_MOST = 20
INHERITED = ("performHPO", "performAutoML", "performIncrementalUpdate", "recipeArn", "eventType", "datasetGroupArn")


@operation("CreateSolutionVersion")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Start to train a solution on what its dataset group holds."""
    solution = account.active(SOLUTION, parameters["solutionArn"])
    return train(account, solution, parameters, "MANUAL").record


def train(account: Account, solution: Resource, parameters: dict[str, Any], training_type: str) -> Resource:
    """A new version of a solution, in training.

    Raises:
        InvalidInput: The mode does not suit the recipe, or there is nothing to train on.
        ResourceAlreadyExists: Another version of the solution has the name.
        LimitExceeded: Too many versions are in training.
    """
    mode = parameters.get("trainingMode", "FULL")
    others = account.store.select(SOLUTION_VERSION, solutionArn=solution.arn)
    if mode == "UPDATE":
        if recipe_name(solution.record["recipeArn"]) != "aws-user-personalization":
            raise InvalidInput("trainingMode UPDATE is supported only by the recipe aws-user-personalization.")
        if not any(other.status == "ACTIVE" and other.record["trainingMode"] == "FULL" for other in others):
            raise InvalidInput("trainingMode UPDATE needs an ACTIVE solution version trained in mode FULL.")
    if mode == "AUTOTRAIN" and training_type == "MANUAL":
        raise InvalidInput("trainingMode AUTOTRAIN is reserved to automatic training.")
    name = parameters.get("name")
    if name and any(other.record.get("name") == name for other in others):
        raise ResourceAlreadyExists(f"A version named {name} of {solution.arn} already exists.")
    dataset = account.serving.dataset(solution.record["datasetGroupArn"], "INTERACTIONS")
    if dataset is None or dataset.status != "ACTIVE":
        raise InvalidInput("The dataset group has no ACTIVE Interactions dataset.")
    if sum(other.status in UNFINISHED for other in account.store.select(SOLUTION_VERSION)) >= IN_PROGRESS_AT_MOST:
        raise LimitExceeded(f"More than {IN_PROGRESS_AT_MOST} resources with PENDING or IN_PROGRESS status.")
    record = {
        **{member: solution.record[member] for member in INHERITED if member in solution.record},
        **parameters,
        "solutionConfig": solution.record["solutionConfig"],
        "trainingMode": mode,
        "trainingType": training_type,
    }
    arn = account.arn(SOLUTION_VERSION, solution.record["name"], uuid.uuid4().hex[:8])
    version = account.add(SOLUTION_VERSION, arn, record, model=account.new_file(".npz"))
    account.lifecycle.begin(version, TRAINING)
    return version


@operation("StopSolutionVersionCreation")
def stop(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """End a training under way, one that is pending at once; it cannot be resumed."""
    version = account.store.find(SOLUTION_VERSION, parameters["solutionVersionArn"])
    with account.store.lock:
        status = version.status
        if status not in TRAINING.progression.unfinished:
            raise ResourceInUse(f"{version.arn} cannot be stopped; its status is {status}.")
        account.lifecycle.stop(version)
    return {}


@operation("GetSolutionMetrics")
def metrics(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """The offline metrics of a trained version."""
    version = account.active(SOLUTION_VERSION, parameters["solutionVersionArn"])
    return {"solutionVersionArn": version.arn, "metrics": version.private["metrics"]}


def _order(account: Account, version: Resource) -> Mapping[str, Any]:
    configuration = version.record["solutionConfig"]
    return {
        "task": "train",
        "recommender": account.recommender,
        "recipe": recipe_name(version.record["recipeArn"]),
        "hyper_parameters": {
            **configuration.get("algorithmHyperParameters", {}),
            **configuration.get("featureTransformationParameters", {}),
        },
        "selection": {
            "eventType": version.record.get("eventType"),
            "eventValueThreshold": configuration.get("eventValueThreshold"),
            "eventParameters": configuration.get("eventsConfig", {}).get("eventParametersList", []),
        },
        "database": str(account.store.path),
        "datasets": _datasets(account, account.store.find(SOLUTION, version.record["solutionArn"])),
        "target": str(account.directory / version.private["model"]),
    }


def _datasets(account: Account, solution: Resource) -> dict[str, Any]:
    """Where the training finds each dataset, and the columns it may use."""
    found = {}
    choice = solution.record["solutionConfig"].get("trainingDataConfig", {})
    for kind in REQUIRED:
        dataset = account.serving.dataset(solution.record["datasetGroupArn"], kind)
        if dataset is None:
            continue
        added: Mapping[str, float] = dataset.private.get("added", {})
        included = columns_of(choice, "includedDatasetColumns", kind)
        excluded = columns_of(choice, "excludedDatasetColumns", kind) or []
        snapshot = dataset.private.get("snapshot")
        found[kind] = {
            "arn": dataset.arn,
            "snapshot": str(account.directory / snapshot) if snapshot else None,
            "columns": [
                field.name
                for field in schema_of(account, dataset).fields
                if not field.textual
                and field.name not in {*REQUIRED[kind], *RESERVED[kind], *excluded}
                and (included is None or field.name in included)
                and added.get(field.name, 0) < solution.record["creationDateTime"]
            ],
        }
    return found


def _trained(account: Account, version: Resource, result: Mapping[str, Any]) -> None:
    version.private |= {"metrics": result["metrics"], "rows": result["rows"]}
    version.record |= {"trainingHours": result["trainingHours"], "tunedHPOParams": {}}
    account.store.save(version)


TRAINING = procedure("train", CREATE, 900, _order, _trained)
