"""What Personalize is still at work on, whoever began it: the jobs of a run that ended red go on without it."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from campus.clients import client
from retraining import names
from retraining.progress import IN_PROGRESS, code


def imports(dataset: str) -> Iterator[str]:
    """ARNs of import jobs that will still change a dataset; none where there is no such dataset."""
    pages = (
        client("personalize").get_paginator("list_dataset_import_jobs").paginate(datasetArn=names.dataset_arn(dataset))
    )
    try:
        for page in pages:
            yield from (job["datasetImportJobArn"] for job in page["datasetImportJobs"] if job["status"] in IN_PROGRESS)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise


def trainings() -> Iterator[str]:
    """ARNs of solution versions of the dataset group that are being trained."""
    personalize = client("personalize")
    for solutions in personalize.get_paginator("list_solutions").paginate(datasetGroupArn=names.dataset_group_arn()):
        for solution in solutions["solutions"]:
            versions = personalize.get_paginator("list_solution_versions").paginate(solutionArn=solution["solutionArn"])
            for page in versions:
                yield from (
                    version["solutionVersionArn"]
                    for version in page["solutionVersions"]
                    if version["status"] in IN_PROGRESS
                )
