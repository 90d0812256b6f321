"""A stack that can erase: user pool, dead-letter queues, a versioned lake, and a Personalize that can forget."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.client import BaseClient

from campus.clients import client
from tests.unit.retraining.account import serving
from tests.unit.retraining.erasure.world import People, Personalize
from tests.unit.retraining.machine import ERASURE, Machine, definition


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Personalize]:
    """A user pool, dead-letter queues, a versioned lake, and a Personalize that can forget."""
    client("s3").put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    boto3.resource("s3").Bucket("lake").object_versions.delete()
    urls = [client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("MailDead", "InteractionDead")]
    monkeypatch.setenv("USER_POOL_ID", "pool")
    monkeypatch.setenv("DEAD_LETTER_URLS", ",".join(urls))
    people = People(getattr(BaseClient, "_make_api_call"))  # noqa: B009 - the stubs do not know it
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *arguments: people.call(*arguments))
    account = Personalize(people=people)
    with serving(account):
        yield account
    for url in urls:
        client("sqs").delete_queue(QueueUrl=url)
    client("s3").put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Suspended"})


@pytest.fixture
def machine(account: Personalize) -> Machine:
    return Machine(definition(ERASURE))
