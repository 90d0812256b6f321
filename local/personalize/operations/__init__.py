"""The operations of the three clients, one module per noun; importing this package registers them all."""

from local.personalize.operations import (
    auto_training,
    batch_jobs,
    campaigns,
    catalogue,
    dataset_groups,
    datasets,
    deletion_jobs,
    event_trackers,
    filters,
    import_jobs,
    listing,
    recording,
    runtime,
    schemas,
    solution_versions,
    solutions,
    tags,
)
from local.personalize.operations.registry import OPERATIONS

__all__ = [
    "OPERATIONS",
    "auto_training",
    "batch_jobs",
    "campaigns",
    "catalogue",
    "dataset_groups",
    "datasets",
    "deletion_jobs",
    "event_trackers",
    "filters",
    "import_jobs",
    "listing",
    "recording",
    "runtime",
    "schemas",
    "solution_versions",
    "solutions",
    "tags",
]
