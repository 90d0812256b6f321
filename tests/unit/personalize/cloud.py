"""A running service, its unmodified boto3 clients, and the data the tests feed it."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config

from local.personalize.constraints import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.personalize import PersonalizeService
    from tests.unit.personalize.servers import ObjectStore

ROLE = "arn:aws:iam::000000000000:role/Personalize"
NAMESPACE = "com.amazonaws.personalize.schema"
TOY = "tests.unit.personalize.toy_recommender"
DEADLINE = 30.0


def _check_answer(http_response: Any, model: Any, **_: Any) -> None:
    """Every answer of every test must satisfy the output shape of its operation, patterns and sizes included.

    Except the role of an import job: there the service model gives the pattern of Personalize's own ARNs by mistake.
    """
    if http_response.status_code == 200 and model.output_shape is not None:
        found = list(violations(model.output_shape, json.loads(http_response.content), model.name))
        assert not [sentence for sentence in found if "datasetImportJob.roleArn" not in sentence], found


@dataclass
class Cloud:
    """A running service with its clients."""

    service: PersonalizeService
    url: str
    store: ObjectStore
    clients: dict[str, Any] = field(default_factory=dict)
    patience: float = DEADLINE

    def client(self, name: str) -> Any:
        if name not in self.clients:
            self.clients[name] = boto3.client(
                cast("Any", name),
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
            self.clients[name].meta.events.register("after-call", _check_answer)
        return self.clients[name]

    @property
    def control(self) -> Any:
        return self.client("personalize")

    @property
    def runtime(self) -> Any:
        return self.client("personalize-runtime")

    @property
    def events(self) -> Any:
        return self.client("personalize-events")

    def upload(self, path: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        self.store.objects[path] = text.getvalue().encode()
        return f"s3://{path}"

    def wait(
        self, describe: Callable[..., Any], *, status: str = "ACTIVE", slot: str = "", **arn: str
    ) -> dict[str, Any]:
        """Poll a Describe until the status; a status that cannot lead there fails the test at once."""
        deadline = time.monotonic() + self.patience
        while True:
            record: dict[str, Any] = next(value for key, value in describe(**arn).items() if key != "ResponseMetadata")
            now = record[slot]["status"] if slot else record["status"]
            if now == status:
                return record
            assert time.monotonic() < deadline, (now, record)
            assert "FAILED" not in now, record.get("failureReason", record)
            assert now != "ACTIVE" or slot, record
            time.sleep(0.005)

    def schema(self, name: str, fields: Sequence[dict[str, Any]]) -> str:
        names = {entry["name"] for entry in fields}
        kind = "Interactions" if {"USER_ID", "ITEM_ID"} <= names else "Items" if "ITEM_ID" in names else "Users"
        text = json.dumps({"type": "record", "name": kind, "namespace": NAMESPACE, "fields": fields, "version": "1.0"})
        arn: str = self.control.create_schema(name=name, schema=text)["schemaArn"]
        return arn

    def group(self, name: str) -> str:
        arn: str = self.control.create_dataset_group(name=name)["datasetGroupArn"]
        self.wait(self.control.describe_dataset_group, datasetGroupArn=arn)
        return arn

    def dataset(self, group: str, kind: str, schema: str) -> str:
        arn: str = self.control.create_dataset(
            name=f"{kind}-data".lower(), datasetGroupArn=group, datasetType=kind, schemaArn=schema
        )["datasetArn"]
        self.wait(self.control.describe_dataset, datasetArn=arn)
        return arn

    def start_import(self, name: str, dataset: str, location: str, mode: str = "FULL") -> str:
        arn: str = self.control.create_dataset_import_job(
            jobName=name, datasetArn=dataset, dataSource={"dataLocation": location}, roleArn=ROLE, importMode=mode
        )["datasetImportJobArn"]
        return arn

    def run_import(self, name: str, dataset: str, location: str, mode: str = "FULL") -> dict[str, Any]:
        arn = self.start_import(name, dataset, location, mode)
        return self.wait(self.control.describe_dataset_import_job, datasetImportJobArn=arn)

    def failed_import(self, name: str, dataset: str, location: str, mode: str = "FULL") -> str:
        """The failureReason of an import that must fail."""
        arn = self.start_import(name, dataset, location, mode)
        job = self.wait(self.control.describe_dataset_import_job, status="CREATE FAILED", datasetImportJobArn=arn)
        return str(job["failureReason"])

    def filter(self, group: str, name: str, expression: str) -> str:
        arn: str = self.control.create_filter(name=name, datasetGroupArn=group, filterExpression=expression)[
            "filterArn"
        ]
        self.wait(self.control.describe_filter, filterArn=arn)
        return arn

    def solution(self, name: str, group: str, recipe: str, **more: Any) -> str:
        arn: str = self.control.create_solution(
            name=name,
            datasetGroupArn=group,
            recipeArn=f"arn:aws:personalize:::recipe/{recipe}",
            performAutoTraining=more.pop("performAutoTraining", False),
            **more,
        )["solutionArn"]
        self.wait(self.control.describe_solution, solutionArn=arn)
        return arn

    def train(self, solution: str, **more: Any) -> str:
        arn: str = self.control.create_solution_version(solutionArn=solution, **more)["solutionVersionArn"]
        self.wait(self.control.describe_solution_version, solutionVersionArn=arn)
        return arn

    def deploy(self, name: str, version: str, **more: Any) -> str:
        arn: str = self.control.create_campaign(name=name, solutionVersionArn=version, **more)["campaignArn"]
        self.wait(self.control.describe_campaign, campaignArn=arn)
        return arn


def ids(answer: dict[str, Any], member: str = "itemList") -> list[str]:
    """The item ids of an answer, in its order."""
    return [item["itemId"] for item in answer[member]]


@dataclass(frozen=True)
class School:
    """A dataset group with its three datasets filled."""

    group: str
    interactions: str
    items: str
    users: str


INTERACTION_FIELDS: list[dict[str, Any]] = [
    {"name": "USER_ID", "type": "string"},
    {"name": "ITEM_ID", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "EVENT_VALUE", "type": ["float", "null"]},
]
ITEM_FIELDS: list[dict[str, Any]] = [
    {"name": "ITEM_ID", "type": "string"},
    {"name": "TYPE", "type": "string", "categorical": True},
    {"name": "CLASS_ID", "type": ["null", "string"], "categorical": True},
    {"name": "PRICE", "type": ["null", "float"]},
    {"name": "SECRET", "type": ["null", "boolean"]},
    {"name": "CREATION_TIMESTAMP", "type": ["null", "long"]},
]
USER_FIELDS: list[dict[str, Any]] = [
    {"name": "USER_ID", "type": "string"},
    {"name": "LOCALE", "type": "string", "categorical": True},
    {"name": "AGE", "type": ["null", "int"]},
]
ITEMS = [f"item-{number}" for number in range(12)]
T0 = 1_700_000_000


def interaction_rows(users: int = 130, length: int = 8) -> list[list[Any]]:
    """Every user walks the ring of items from an item of their own: what comes next is certain."""
    return [
        [f"user-{user}", ITEMS[(user + step) % len(ITEMS)], T0 + 60 * step, "enroll" if step % 2 else "view", ""]
        for user in range(users)
        for step in range(length)
    ]


def gone(cloud: Cloud, describe: Callable[..., Any], **arn: str) -> None:
    """Wait until a Describe finds nothing."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            describe(**arn)
        except cloud.control.exceptions.ResourceNotFoundException:
            return
    raise AssertionError(f"still there: {arn}")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def filled(cloud: Cloud, name: str) -> str:
    """A group with enough interactions to train on."""
    group = cloud.group(name)
    dataset = cloud.dataset(group, "Interactions", cloud.schema(name, INTERACTION_FIELDS))
    cloud.run_import(
        name,
        dataset,
        cloud.upload(f"bucket/{name}.csv", [field["name"] for field in INTERACTION_FIELDS], interaction_rows()),
    )
    return group
