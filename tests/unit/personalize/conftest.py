"""The service behind a real port, an S3 stand-in beside it, and unmodified boto3 clients."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config as BotoConfig
from hypercorn.asyncio import serve
from hypercorn.config import Config

from local.personalize import PersonalizeService
from local.personalize.__main__ import application
from local.personalize.constraints import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ROLE = "arn:aws:iam::000000000000:role/Personalize"
NAMESPACE = "com.amazonaws.personalize.schema"
TOY = "tests.unit.personalize.toy_recommender"
DEADLINE = 30.0


ASSUMED_KEY = b"ASSUMEDKEY"
ASSUMED = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMEDKEY</AccessKeyId><SecretAccessKey>s"
    b"</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    b"</AssumeRoleResult></AssumeRoleResponse>"
)
NOT_ASSUMED = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


class ObjectStore:
    """The S3 and STS calls the service makes, over path-style URLs.

    Only an assumed role may read; the role "Stranger" cannot be assumed; buckets named "denied-*" refuse everything.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more and scope["type"] == "http":
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = urllib.parse.unquote(scope["path"]).lstrip("/")
        bucket, _, key = path.partition("/")
        assumed = ASSUMED_KEY in dict(scope["headers"]).get(b"authorization", b"")
        status, content = 200, b""
        if b"Action=AssumeRole" in body:
            status = 403 if b"role%2FStranger" in body else 200
            content = NOT_ASSUMED if status == 403 else ASSUMED
        elif not assumed or bucket.startswith("denied-"):
            status, content = 403, b"<Error><Code>AccessDenied</Code></Error>"
        elif not any(name.startswith(f"{bucket}/") for name in self.objects) and scope["method"] == "GET":
            status, content = 404, b"<Error><Code>NoSuchBucket</Code></Error>"
        elif scope["method"] == "PUT":
            self.objects[path] = body
        elif not key:
            prefix = dict(urllib.parse.parse_qsl(scope["query_string"].decode())).get("prefix", "")
            names = sorted(n.partition("/")[2] for n in self.objects if n.startswith(f"{bucket}/{prefix}"))
            entries = "".join(f"<Contents><Key>{n}</Key><Size>1</Size></Contents>" for n in names)
            content = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
        else:
            status, content = (200, self.objects[path]) if path in self.objects else (404, b"<Error/>")
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/xml")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class Server:
    """ASGI applications on free ports of one event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def add(self, app: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.accesslog = config.errorlog = None
        asyncio.run_coroutine_threadsafe(serve(app, config, shutdown_trigger=self._stopped.wait), self.loop)
        return url

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._stopped.set)
        self.loop.call_soon_threadsafe(self.loop.call_later, 0.2, self.loop.stop)
        self._thread.join(5)


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

    def client(self, name: str) -> Any:
        if name not in self.clients:
            self.clients[name] = boto3.client(
                cast("Any", name),
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=BotoConfig(retries={"total_max_attempts": 1}),
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
        deadline = time.monotonic() + DEADLINE
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
        text = json.dumps({"type": "record", "name": name, "namespace": NAMESPACE, "fields": fields, "version": "1.0"})
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


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def store(server: Server) -> tuple[ObjectStore, str]:
    objects = ObjectStore()
    return objects, server.add(objects)


@pytest.fixture(scope="session")
def launch(server: Server, store: tuple[ObjectStore, str]) -> Iterator[Callable[..., Cloud]]:
    """Start a service on a state directory."""
    running: list[PersonalizeService] = []

    def start(state_dir: Path, *, time_scale: float = 0.0001, recommender: str = TOY, **more: Any) -> Cloud:
        service = PersonalizeService(
            state_dir, time_scale=time_scale, s3_endpoint_url=lambda: store[1], recommender=recommender, **more
        )
        service.start()
        running.append(service)
        return Cloud(service, server.add(application(service)), store[0])

    yield start
    for service in running:
        service.close()


@pytest.fixture(scope="session")
def cloud(launch: Callable[..., Cloud], tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """One service for all tests that need no state of their own."""
    return launch(tmp_path_factory.mktemp("personalize"), allow_faults=True)


@dataclass(frozen=True)
class School:
    """A dataset group with its three datasets filled."""

    group: str
    interactions: str
    items: str
    users: str


@pytest.fixture(scope="session")
def school(cloud: Cloud) -> School:
    schemas = [
        cloud.schema("Interactions", INTERACTION_FIELDS),
        cloud.schema("Items", ITEM_FIELDS),
        cloud.schema("Users", USER_FIELDS),
    ]
    group = cloud.group("school")
    made = School(
        group,
        *(
            cloud.dataset(group, kind, arn)
            for kind, arn in zip(("Interactions", "Items", "Users"), schemas, strict=True)
        ),
    )
    header = [field["name"] for field in INTERACTION_FIELDS]
    cloud.upload("bucket/interactions/part-0.csv", header, interaction_rows()[:600])
    location = cloud.upload("bucket/interactions/part-1.csv", header, interaction_rows()[600:]).rpartition("/")[0]
    cloud.run_import("interactions", made.interactions, location)
    items = [
        [item, "course" if at % 3 else "quiz", f"class-{at % 2}|all", 10.0 * at, "true", T0]
        for at, item in enumerate(ITEMS)
    ]
    cloud.run_import("items", made.items, cloud.upload("bucket/items.csv", [f["name"] for f in ITEM_FIELDS], items))
    users = [[f"user-{user}", "vi" if user % 2 else "en", 20 + user % 5] for user in range(130)]
    cloud.run_import("users", made.users, cloud.upload("bucket/users.csv", [f["name"] for f in USER_FIELDS], users))
    return made


@pytest.fixture(scope="session")
def campaign(cloud: Cloud, school: School) -> str:
    """A deployed user-personalization model."""
    solution = cloud.solution("personal", school.group, "aws-user-personalization-v2")
    return cloud.deploy("personal", cloud.train(solution), campaignConfig={"enableMetadataWithRecommendations": True})
