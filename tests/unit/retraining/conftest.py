"""A school's tables, lake and Personalize account in memory around every test of the wing."""

from collections.abc import Iterator
from unittest import mock

import boto3
import pytest
from hypothesis import HealthCheck, Phase, settings

from retraining import data_check
from tests.unit.campus import school
from tests.unit.retraining.account import Account, serving
from tests.unit.retraining.machine import Machine

# Properties of tables: an example takes tenths of a second, so to shrink one would take minutes.
SLOW = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ENVIRONMENT = {
    "LAKE_BUCKET": "lake",
    "PERSONALIZE_ROLE_ARN": "arn:aws:iam::000000000000:role/personalize",
    "RECOMMENDATION_RECIPE": "aws-user-personalization-v2",
    "RANKING_RECIPE": "aws-personalized-ranking-v2",
    "ENABLE_RERANKING": "false",
    "LEASE_SECONDS": "1800",
    "FULL_EXPORT_DAYS": "30",
    "RETRAIN_AFTER_DAYS": "7",
    "RETRAIN_SHARE": "0.1",
    "REQUEST_SPACING_HOURS": "20",
    # Not an AWS address, so that only `account` answers.
    "AWS_ENDPOINT_URL_PERSONALIZE": "http://personalize.invalid",
    "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": "http://personalize-events.invalid",
    "AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME": "http://personalize-runtime.invalid",
}


@pytest.fixture(scope="module")
def _cloud() -> Iterator[None]:
    with school.in_memory(), mock.patch.dict("os.environ", ENVIRONMENT):
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"}
        )
        yield


@pytest.fixture(autouse=True)
def _school(_cloud: None) -> None:
    dynamodb = boto3.client("dynamodb")
    for name in school.TABLES:  # quicker than to delete row by row
        properties = school.template()["Resources"][name]["Properties"]
        dynamodb.delete_table(TableName=name)
        dynamodb.create_table(
            TableName=name, **{key: properties[key] for key in school.CREATE_TABLE if key in properties}
        )
    bucket = boto3.resource("s3").Bucket("lake")
    bucket.objects.all().delete()


@pytest.fixture
def small_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 100 interactions be enough, so that a term is quickly written."""
    monkeypatch.setattr(data_check, "MIN_INTERACTIONS", 100)


@pytest.fixture
def reranking(monkeypatch: pytest.MonkeyPatch) -> None:
    """As deployed with EnableReranking."""
    monkeypatch.setenv("ENABLE_RERANKING", "true")


@pytest.fixture
def account() -> Iterator[Account]:
    """A Personalize account without anything in it."""
    with serving(Account()) as served:
        yield served


@pytest.fixture
def machine(account: Account, small_minimum: None) -> Machine:
    """The state machine on that account, content with 100 interactions."""
    return Machine()


@pytest.fixture
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own pauses between its tries take no time."""
    monkeypatch.setattr("time.sleep", lambda _: None)
