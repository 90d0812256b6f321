"""Solutions and their versions. Nothing here trains by itself: the state machine does, when the policy says so."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus.clients import client
from retraining import names
from retraining.progress import Progress, busy, code, failed, patient, progress, unless_exists

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

MAX_ATTEMPTS = 9


@patient
def train(run_id: str, cut_off: int, model: Mapping[str, str]) -> Progress:
    """Start the training of one model, or adopt the one this run started before.

    Args:
        run_id: names the solution version.
        cut_off: epoch milliseconds; no version of this run is older.
        model: `{kind, name, recipe}` of `policy.plan`.

    Returns:
        The version's progress with its `arn`; BUSY while the solution itself is still being made.
    """
    personalize = client("personalize")
    solution = names.arn(f"solution/{model['name']}")
    step = _solution(personalize, solution, model)
    if step["outcome"] != "ACTIVE":
        return step
    taken = {found["name"]: found for found in _versions(personalize, solution, cut_off) if "name" in found}
    for attempt in range(1, MAX_ATTEMPTS + 1):
        name = names.of_run(model["kind"], run_id, attempt)
        if name not in taken:
            return _create(personalize, solution, name)
        step = progress(taken[name], arn=taken[name]["solutionVersionArn"])
        if step["outcome"] != "FAILED":
            return step
    return failed(f"{MAX_ATTEMPTS} trainings of {model['name']} failed in run {run_id}")


def _create(personalize: "PersonalizeClient", solution: str, name: str) -> Progress:
    try:
        answer = personalize.create_solution_version(solutionArn=solution, name=name, trainingMode="FULL")
    except ClientError as error:
        # The answer to the first try was lost; the next visit finds the version in the solution's list.
        if code(error) != "ResourceAlreadyExistsException":
            raise
        return busy(f"solution version {name} is being made")
    return {
        "outcome": "IN_PROGRESS",
        "status": "CREATE PENDING",
        "arn": answer["solutionVersionArn"],
    }


def _solution(personalize: "PersonalizeClient", arn: str, model: Mapping[str, str]) -> Progress:
    """The solution, made where missing, that never trains by itself and has the wanted recipe."""
    waiting = {"outcome": "BUSY", "reason": f"solution {model['name']} is being made"}
    recipe = names.recipe_arn(model["recipe"])
    try:
        found = personalize.describe_solution(solutionArn=arn)["solution"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        _create_solution(personalize, model["name"], recipe)
        return waiting
    if found["recipeArn"] != recipe:
        return failed(f"solution {model['name']} has recipe {found['recipeArn']}, not {recipe}: delete it first")
    step = progress(found)
    if step["outcome"] == "IN_PROGRESS":
        return waiting
    if step["outcome"] == "ACTIVE" and found.get("performAutoTraining"):
        # A weekly training that nobody asked for, billed until somebody notices.
        personalize.update_solution(solutionArn=arn, performAutoTraining=False)
    return step


def _create_solution(personalize: "PersonalizeClient", name: str, recipe: str) -> None:
    unless_exists(
        lambda: personalize.create_solution(
            name=name, datasetGroupArn=names.dataset_group_arn(), recipeArn=recipe, performAutoTraining=False
        )
    )


def _versions(personalize: "PersonalizeClient", solution: str, cut_off: int) -> Iterator[Mapping[str, Any]]:
    """The solution's versions begun since the run began; a day's allowance for clocks."""
    for page in personalize.get_paginator("list_solution_versions").paginate(solutionArn=solution):
        for summary in page["solutionVersions"]:
            if summary["creationDateTime"].timestamp() >= cut_off / 1000 - 86_400:
                arn = summary["solutionVersionArn"]
                yield personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
