"""Import jobs: one a dataset, named after the run, so that a retry finds it instead of starting a second.

A quiet night's few rows go without a job; see `puts`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus.clients import client
from campus.settings import settings
from retraining import lake, names, puts, runs, unfinished
from retraining.progress import Progress, busy, code, failed, patient, progress, unless_exists

if TYPE_CHECKING:
    from mypy_boto3_personalize.literals import ImportModeType

# A resumed run replaces a failed job; more tries than these are not bad luck.
MAX_ATTEMPTS = 9


def advance(run_id: str, job: Mapping[str, Any]) -> Progress:
    """Begin, adopt or go on with one job of `import_mode.choose`: `{dataset, mode, base, sent}`."""
    if job["mode"] in puts.MODES:
        return puts.put(run_id, job["dataset"], job["mode"], job["base"], int(job["sent"]))
    return start(run_id, job["dataset"], job["mode"])


@patient
def start(run_id: str, dataset: str, mode: "ImportModeType") -> Progress:
    """Start the job, or adopt the one this run started before.

    Returns:
        The job's progress with its `arn`; BUSY where Personalize's five import slots are taken, or a job of another run
        is not done: a FULL one that ends after ours would replace what ours has imported.
    """
    location = lake.location(dataset, run_id)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        name = names.of_run(dataset, run_id, attempt)
        found = _job(name)
        if found is None and (other := next(unfinished.imports(dataset), None)):
            return busy(f"waits for {other}")
        if found is None:
            return _create(name, dataset, mode, location)
        if found["dataSource"]["dataLocation"] != location:
            return failed(f"import job {name} exists and reads {found['dataSource']['dataLocation']}")
        step = progress(found, arn=found["datasetImportJobArn"])
        if step["outcome"] != "FAILED" and _rewritten(run_id, dataset):
            return failed(f"import job {name} has read other rows: start a new run")
        if step["outcome"] != "FAILED":
            return step
    return failed(f"{MAX_ATTEMPTS} import jobs of {dataset} failed in run {run_id}")


def _rewritten(run_id: str, dataset: str) -> bool:
    """Whether a resumed run's export had left the lake and was written anew from tables that have changed."""
    read = (runs.load(run_id) or {}).get("fingerprints", {}).get(dataset)
    return bool(read) and read != lake.existing_manifest(run_id)["datasets"][dataset]["total"]["fingerprint"]


def _create(name: str, dataset: str, mode: "ImportModeType", location: str) -> Progress:
    unless_exists(
        lambda: client("personalize").create_dataset_import_job(
            jobName=name,
            datasetArn=names.dataset_arn(dataset),
            dataSource={"dataLocation": location},
            roleArn=settings.personalize_role_arn,
            importMode=mode,
        )
    )
    return {"outcome": "IN_PROGRESS", "status": "CREATE PENDING", "arn": names.import_job_arn(name)}


def _job(name: str) -> dict[str, Any] | None:
    try:
        answer = client("personalize").describe_dataset_import_job(datasetImportJobArn=names.import_job_arn(name))
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    return dict(answer["datasetImportJob"])
