"""Names and ARNs of this stack's Personalize resources; what belongs to one run is named after it."""

import hashlib

from campus.settings import settings

# Personalize takes names of 63 characters: 36 for the dataset group, the rest for what follows it here.
_CODES = {
    "interactions": "int",
    "items": "itm",
    "users": "usr",
    "recommendation": "rec",
    "ranking": "rnk",
    "popularity": "pop",
}


def of_run(kind: str, run_id: str, attempt: int = 1) -> str:
    """Name of an import job or solution version: `student-ranking-int-261122-020000-3f9a[-2]`.

    Args:
        kind: a dataset (interactions | items | users) or a model (recommendation | ranking | popularity).
        run_id: the run it belongs to, so that a retry finds what the first try made.
        attempt: 2 and more where a resumed run replaces one that failed.
    """
    return f"{settings.dataset_group}-{_CODES[kind]}-{run_id}" + (f"-{attempt}" if attempt > 1 else "")


def arn(resource: str) -> str:
    """ARN of `dataset-group/x`, `campaign/y`, … in this account and region."""
    return settings.personalize_prefix + resource


def dataset_group_arn() -> str:
    """The one dataset group."""
    return arn(f"dataset-group/{settings.dataset_group}")


def dataset_arn(dataset: str) -> str:
    """A dataset of the group: `interactions`, `items` or `users`."""
    return arn(f"dataset/{settings.dataset_group}/{dataset.upper()}")


def import_job_arn(name: str) -> str:
    """A dataset import job by name."""
    return arn(f"dataset-import-job/{name}")


def deletion_job(ticket: str, fencing_token: int) -> str:
    """Name of the data deletion job of one holding of the lease by an erasure."""
    return f"{settings.dataset_group}-del-{ticket}-{fencing_token}"


def schema_name(dataset: str, text: str) -> str:
    """A schema never changes, so its name carries its text's hash."""
    return f"{settings.dataset_group}-{dataset}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def filter_name(suffix: str) -> str:
    """A filter of the recommendations: `not-enrolled`, `only-course`."""
    return f"{settings.dataset_group}-{suffix}"


def tracker_name() -> str:
    """The event tracker that live events go to."""
    return f"{settings.dataset_group}-live"


def model_name(kind: str) -> str:
    """Name of the solution and of the campaign of a model kind."""
    return f"{settings.dataset_group}-{kind}"


def recipe_arn(recipe: str) -> str:
    """ARN of `aws-user-personalization-v2` and its like, in the partition of this stack."""
    partition = settings.personalize_prefix.split(":")[1]
    return f"arn:{partition}:personalize:::recipe/{recipe}"
