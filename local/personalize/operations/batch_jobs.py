"""Batch inference jobs: recommendations for a file of users, without a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput, LimitExceeded, NotImplementedHere
from local.personalize.influence import check_campaign
from local.personalize.lifecycle import BATCH, UNFINISHED, procedure
from local.personalize.operations.import_jobs import check_location
from local.personalize.operations.registry import operation
from local.personalize.recipes import TRENDING_NOW, recipe_name, recipe_type
from local.personalize.store import BATCH_JOB, FILTER, SOLUTION, SOLUTION_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.personalize.account import Account
    from local.personalize.store import Resource

IN_PROGRESS_AT_MOST = 5
DEFAULT_RESULTS, MAXIMUM_RESULTS = 25, 500


@operation("CreateBatchInferenceJob")
def create(account: Account, parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Start to answer the lines of JSON files in S3."""
    if parameters.get("batchInferenceJobMode", "BATCH_INFERENCE") != "BATCH_INFERENCE":
        raise NotImplementedHere("batchInferenceJobMode THEME_GENERATION is not implemented here.")
    version = account.active(SOLUTION_VERSION, parameters["solutionVersionArn"])
    account.active(SOLUTION, version.record["solutionArn"])
    check_campaign(recipe_name(version.record["recipeArn"]), parameters.get("batchInferenceJobConfig", {}))
    if recipe_type(version.record["recipeArn"]) == TRENDING_NOW:
        raise InvalidInput("Batch inference does not support recipes of type TRENDING_NOW.")
    if not 1 <= parameters.get("numResults", DEFAULT_RESULTS) <= MAXIMUM_RESULTS:
        raise InvalidInput(f"Value at 'numResults' failed to satisfy constraint: 1 to {MAXIMUM_RESULTS}")
    check_location(parameters["jobInput"]["s3DataSource"]["path"])
    check_location(parameters["jobOutput"]["s3DataDestination"]["path"])
    if "filterArn" in parameters:
        account.active(FILTER, parameters["filterArn"])
    if sum(job.status in UNFINISHED for job in account.store.select(BATCH_JOB)) >= IN_PROGRESS_AT_MOST:
        raise LimitExceeded(f"More than {IN_PROGRESS_AT_MOST} resources with PENDING or IN_PROGRESS status.")
    record = {"batchInferenceJobMode": "BATCH_INFERENCE", "numResults": DEFAULT_RESULTS, **parameters}
    job = account.add(BATCH_JOB, account.arn(BATCH_JOB, parameters["jobName"]), record)
    account.lifecycle.begin(job, INFERENCE)
    return job.record


def _order(account: Account, job: Resource) -> Mapping[str, Any]:
    return {
        "task": "infer",
        "endpoint": account.s3_endpoint_url(),
        "region": account.region,
        "role": job.record["roleArn"],
        "source": job.record["jobInput"]["s3DataSource"]["path"],
        "target": job.record["jobOutput"]["s3DataDestination"]["path"],
        "directory": str(account.directory),
        "database": str(account.store.path),
        "recommender": account.recommender,
        "version": job.record["solutionVersionArn"],
        "count": job.record["numResults"],
        "filter_arn": job.record.get("filterArn"),
        "configuration": job.record.get("batchInferenceJobConfig", {}),
    }


INFERENCE = procedure("infer", BATCH, 600, _order)
