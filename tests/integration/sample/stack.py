"""The sample stack as its tests see it."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3
from boto3.dynamodb.conditions import Key
from botocore.config import Config

from local.cloud import REGION, Cloud, loopback
from local.identity import issue_token

T = TypeVar("T")
TEMPLATE = Path(__file__).with_name("template.yaml")
PARAMETERS = {"PythonRuntime": f"python{sys.version_info.major}.{sys.version_info.minor}"}


@cache
def client(endpoint: str, service: str) -> Any:
    """A boto3 client that neither retries nor knows any other account."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


@cache
def _tables(endpoint: str) -> Any:
    return boto3.resource(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def eventually(probe: Callable[[], T], until: Callable[[T], object] = bool, deadline: float = 30) -> T:
    """Poll `probe` until its value satisfies `until`."""
    end = time.monotonic() + deadline
    while not until(value := probe()):
        assert time.monotonic() < end, f"not within {deadline} s; last seen: {value!r}"
        time.sleep(0.05)
    return value


def fetch(url: str, body: object = None, token: str | None = None, **headers: str) -> tuple[int, Any]:
    """One HTTP request; status and parsed body."""
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None)
    for name, value in {**({"authorization": f"Bearer {token}"} if token else {}), **headers}.items():
        request.add_header(name, value)
    try:
        with loopback.open(request, timeout=40) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@dataclass
class Sample:
    """The deployed sample stack."""

    cloud: Cloud
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        return client(self.cloud.endpoint, service)

    @property
    def table(self) -> Any:
        return _tables(self.cloud.endpoint).Table(self.outputs["SeenTable"])

    def seen(self, kind: str, **attributes: str) -> list[dict[str, Any]]:
        """What the function `kind` remembered."""
        items = self.table.query(KeyConditionExpression=Key("pk").eq(f"SEEN#{kind}"), ConsistentRead=True)["Items"]
        return [item for item in items if attributes.items() <= item.items()]

    def token(self, user: str, role: str | None = None, expires_in: int = 3600) -> str:
        return issue_token(
            self.cloud.endpoint, self.outputs["UserPoolId"], self.outputs["UserPoolClientId"], user, role, expires_in
        )

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Receive (and hide) up to ten messages of the queue with this output name."""
        answer = self.client("sqs").receive_message(
            QueueUrl=self.outputs[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        return list(answer.get("Messages", []))
