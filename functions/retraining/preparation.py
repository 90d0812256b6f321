"""Describe-or-create of everything a first run finds missing: group, schemas, datasets, live tracker, filters."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from campus import clock, tables
from campus.clients import client
from retraining import names
from retraining.progress import Progress, code, failed, patient, progress, unless_exists
from retraining.rows import DATASETS
from retraining.schemas import fields, obstacles, schema

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

TRACKER = {"pk": "MODEL", "sk": "TRACKER"}

# Personalize's filters see a user's newest 100 interactions; the ranking wing removes the rest itself.
_NOT_ENROLLED = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("enroll")'
# What a request may ask for, by the end of the filter's name: everything, or one type.
FILTERS = {
    "not-enrolled": _NOT_ENROLLED,
    **{
        f"only-{kind}": f'INCLUDE ItemID WHERE Items.TYPE IN ("{kind}") | {_NOT_ENROLLED}'
        for kind in ("course", "document", "quiz")
    },
}


@patient
def prepare() -> Progress:
    """One step further towards a complete dataset group; to be called until it is ACTIVE.

    Returns:
        ACTIVE, IN_PROGRESS with what is waited for, BUSY or FAILED.
    """
    personalize = client("personalize")
    stages: tuple[Callable[[], list[Progress]], ...] = (
        lambda: [_group(personalize)],
        lambda: [_dataset(personalize, dataset) for dataset in DATASETS],
        lambda: [_tracker(personalize), *(_filter(personalize, suffix) for suffix in FILTERS)],
    )
    for stage in stages:
        found = stage()
        for wanted in ("FAILED", "IN_PROGRESS"):
            if matching := [step for step in found if step["outcome"] == wanted]:
                return {"outcome": wanted, "reason": "; ".join(f"{step['of']}: {_said(step)}" for step in matching)}
    return {"outcome": "ACTIVE"}


def _said(step: Progress) -> str:
    return str(step.get("reason") or step["status"])


def _settled(of: str, describe: Callable[[], Mapping[str, Any]], create: Callable[[], object]) -> Progress:
    """The progress of one resource; where there is none yet, of the one that `create` begins."""
    try:
        found = describe()
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        unless_exists(create)
        return {"outcome": "IN_PROGRESS", "status": "CREATE PENDING", "of": of}
    return progress(found, of=of)


def _group(personalize: "PersonalizeClient") -> Progress:
    arn = names.dataset_group_arn()
    return _settled(
        "dataset group",
        lambda: personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"],
        lambda: personalize.create_dataset_group(name=arn.rpartition("/")[2]),
    )


def _dataset(personalize: "PersonalizeClient", dataset: str) -> Progress:
    wanted = _schema(personalize, dataset)
    arn = names.dataset_arn(dataset)
    of = f"dataset {dataset}"
    found: dict[str, Any] = {}

    def describe() -> Mapping[str, Any]:
        found.update(personalize.describe_dataset(datasetArn=arn)["dataset"])
        return found

    step = _settled(
        of,
        describe,
        lambda: personalize.create_dataset(
            name=names.model_name(dataset),
            schemaArn=wanted,
            datasetGroupArn=names.dataset_group_arn(),
            datasetType=dataset.capitalize(),
        ),
    )
    if step["outcome"] != "ACTIVE" or found["schemaArn"] == wanted:
        return step
    return _moved(personalize, dataset, found, wanted, step)


def _moved(
    personalize: "PersonalizeClient", dataset: str, found: Mapping[str, Any], wanted: str, ready: Progress
) -> Progress:
    """The dataset on its way to the schema that this code declares; refused by name where no way leads there."""
    update = found.get("latestDatasetUpdate", {})
    if update.get("schemaArn") == wanted:
        step = progress(update, of=ready["of"])
        if step["outcome"] == "FAILED":
            return failed(f"cannot move from schema {found['schemaArn']} to {wanted}: {step['reason']}", of=ready["of"])
        return {**step, "outcome": "IN_PROGRESS"}
    text = personalize.describe_schema(schemaArn=found["schemaArn"])["schema"]["schema"]
    if fields(text) == fields(schema(dataset)):
        return ready
    if reasons := list(obstacles(dataset, text, schema(dataset))):
        return failed(
            f"cannot move from schema {found['schemaArn']} to {wanted}: {'; '.join(reasons)}. "
            "A new dataset group takes any schema (docs/operations.md)",
            of=ready["of"],
        )
    personalize.update_dataset(datasetArn=found["datasetArn"], schemaArn=wanted)
    return {"outcome": "IN_PROGRESS", "status": "CREATE PENDING", "of": ready["of"]}


def _schema(personalize: "PersonalizeClient", dataset: str) -> str:
    text = schema(dataset)
    name = names.schema_name(dataset, text)
    arn = names.arn(f"schema/{name}")
    try:
        personalize.describe_schema(schemaArn=arn)
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        unless_exists(lambda: personalize.create_schema(name=name, schema=text))
    return arn


def _tracker(personalize: "PersonalizeClient") -> Progress:
    """The group's one tracker (Personalize allows no second); its id is left where engagement finds it."""
    group = names.dataset_group_arn()
    existing = personalize.list_event_trackers(datasetGroupArn=group)["eventTrackers"]
    if not existing:
        unless_exists(lambda: personalize.create_event_tracker(name=names.tracker_name(), datasetGroupArn=group))
        return {"outcome": "IN_PROGRESS", "status": "CREATE PENDING", "of": "event tracker"}
    arn = existing[0]["eventTrackerArn"]
    found = personalize.describe_event_tracker(eventTrackerArn=arn)["eventTracker"]
    step = progress(found, of="event tracker")
    if step["outcome"] == "ACTIVE":
        known = tables.operations().get_item(Key=TRACKER).get("Item", {})
        if known.get("trackingId") != found["trackingId"]:
            tables.operations().put_item(
                Item={**TRACKER, "trackingId": found["trackingId"], "since": clock.now(), "eventTrackerArn": arn}
            )
    return step


def _filter(personalize: "PersonalizeClient", suffix: str) -> Progress:
    name = names.filter_name(suffix)
    arn = names.arn(f"filter/{name}")
    return _settled(
        f"filter {suffix}",
        lambda: personalize.describe_filter(filterArn=arn)["filter"],
        lambda: personalize.create_filter(
            name=name, datasetGroupArn=names.dataset_group_arn(), filterExpression=FILTERS[suffix]
        ),
    )
