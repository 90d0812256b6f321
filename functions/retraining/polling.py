"""The one poller: how far an import, a training, a promotion or a deletion has come."""

from campus.clients import client
from retraining import campaigns
from retraining.progress import Progress, patient, progress


def check(kind: str, arn: str, version: str = "") -> Progress:
    """Ask once.

    Args:
        kind: import | training | campaign | deletion.
        arn: of the import job, the solution version, the campaign or the data deletion job.
        version: for a campaign, the solution version that it is to serve.

    Returns:
        ACTIVE, IN_PROGRESS or FAILED with Personalize's reason. An answer that did not come (throttling, network) is
        IN_PROGRESS with that reason: the deadline is counted in polls.
    """
    return patient(_check, otherwise="IN_PROGRESS")(kind, arn, version)


def _check(kind: str, arn: str, version: str) -> Progress:
    personalize = client("personalize")
    if kind == "import":
        return progress(personalize.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"])
    if kind == "training":
        return progress(personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"])
    if kind == "campaign":
        return campaigns.deployment(arn, version)
    if kind == "deletion":
        return progress(personalize.describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"])
    raise ValueError(f"nothing of kind {kind!r} can be polled")
