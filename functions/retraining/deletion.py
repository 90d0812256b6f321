"""Personalize's data deletion job: it takes a list of users out of the datasets and the models of the group.

While it runs nothing may be imported or trained, or it guarantees nothing ("Deleting users and their data with a data
deletion job"); so it belongs to one holding of the lease, and a resumed erasure, before which another run may have held
it, starts one of its own. The lease does not say that Personalize is idle: what a red night began goes on, and is
waited for.
"""

import itertools

from botocore.exceptions import ClientError

from campus.clients import client
from campus.pseudonyms import pseudonym
from campus.settings import settings
from retraining import erasing_lake, names, unfinished
from retraining.lease import Lease
from retraining.progress import Progress, busy, code, patient, progress, unless_exists
from retraining.rows import DATASETS
from retraining.tickets import Ticket


@patient
def start(ticket: Ticket, held: Lease) -> Progress:
    """Start the job, or adopt the one this holding of the lease started before.

    Returns:
        The job's progress with its `arn`; BUSY where too many are pending, or an import or a training is not done;
        ACTIVE where there is no dataset group yet.
    """
    name = names.deletion_job(ticket.id, held.fencing_token)
    arn = names.arn(f"data-deletion-job/{name}")
    personalize = client("personalize")
    try:
        job = personalize.describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
    else:
        return progress(job, arn=arn)
    try:
        personalize.describe_dataset_group(datasetGroupArn=names.dataset_group_arn())
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return {"outcome": "ACTIVE", "status": "NOTHING TO DELETE FROM"}
    at_work = itertools.chain(*map(unfinished.imports, DATASETS), unfinished.trainings())
    if (other := next(at_work, None)) is not None:
        return busy(f"waits for {other}")
    location = _put_list(ticket)
    unless_exists(
        lambda: personalize.create_data_deletion_job(
            jobName=name,
            datasetGroupArn=names.dataset_group_arn(),
            dataSource={"dataLocation": location},
            roleArn=settings.personalize_role_arn,
        )
    )
    return {"outcome": "IN_PROGRESS", "status": "PENDING", "arn": arn}


def remove_list(ticket: str) -> None:
    """Delete the list of users with all its versions."""
    erasing_lake.erase_folder(_folder(ticket))


def _put_list(ticket: Ticket) -> str:
    key = f"{_folder(ticket.id)}users.csv"
    body = f"USER_ID\n{pseudonym(ticket.student_id)}\n".encode()
    client("s3").put_object(Bucket=settings.lake_bucket, Key=key, Body=body)
    return f"s3://{settings.lake_bucket}/{key}"


def _folder(ticket: str) -> str:
    return f"erasure/{ticket}/"
