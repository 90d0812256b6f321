"""The one place AWS clients come from, with the timeouts and retries each service needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient, DynamoDBServiceResource
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_events import PersonalizeEventsClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

# SES has no idempotency token: an SDK retry after a lost answer is a second mail, so retries belong to the queue.
# Personalize's control plane: quotas and throttling are waited for in the state machine, not here.
# Serving answers a person: better the next rung of the ladder after a second than a late campaign.
_TIMING: dict[str, dict[str, Any]] = {
    "sesv2": {"connect_timeout": 2, "read_timeout": 10, "retries": {"total_max_attempts": 1}},
    "personalize": {
        "connect_timeout": 2,
        "read_timeout": 10,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    },
    "personalize-runtime": {"connect_timeout": 0.3, "read_timeout": 1.0, "retries": {"total_max_attempts": 1}},
    # Who asks has another way to go on.
    "stepfunctions": {"connect_timeout": 1, "read_timeout": 3, "retries": {"total_max_attempts": 2}},
    "personalize-events": {"connect_timeout": 1, "read_timeout": 3, "retries": {"total_max_attempts": 2}},
    # A batch of messages waits behind a key.
    "secretsmanager": {"connect_timeout": 1, "read_timeout": 3, "retries": {"total_max_attempts": 2}},
}
# Eight attempts: at 30 % throttling four would lose 0.8 % of the calls, so one page in an export of two hundred.
_DEFAULT: dict[str, Any] = {
    "connect_timeout": 2,
    "read_timeout": 20,
    "retries": {"mode": "standard", "total_max_attempts": 8},
}
# What a request needs: an answer, or none in time to say so. Legacy mode's first pauses are tens of milliseconds.
_HURRIED: dict[str, dict[str, Any]] = {
    "dynamodb": {"connect_timeout": 0.5, "read_timeout": 2, "retries": {"mode": "legacy", "total_max_attempts": 5}},
    "secretsmanager": {"connect_timeout": 0.3, "read_timeout": 1, "retries": {"total_max_attempts": 1}},
    "events": {"connect_timeout": 1, "read_timeout": 3, "retries": {"total_max_attempts": 2}},
}
# A first connection with TLS takes a small function some hundred milliseconds; a write, a few.
_IMPATIENT: dict[str, dict[str, Any]] = {
    "dynamodb": {"connect_timeout": 0.5, "read_timeout": 0.5, "retries": {"total_max_attempts": 1}}
}
Urgency = Literal["calm", "hurried", "impatient"]
_OWN: dict[Urgency, dict[str, dict[str, Any]]] = {"calm": {}, "hurried": _HURRIED, "impatient": _HURRIED | _IMPATIENT}
_urgency: ContextVar[Urgency] = ContextVar("urgency", default="calm")


@contextmanager
def hurried() -> Iterator[None]:
    """While somebody waits for an answer: clients give up in time to give one."""
    yield from _while("hurried")


@contextmanager
def impatient() -> Iterator[None]:
    """For what a request can do without: DynamoDB's client gives up after one short try."""
    yield from _while("impatient")


def _while(urgency: Urgency) -> Iterator[None]:
    before = _urgency.set(urgency)
    try:
        yield
    finally:
        _urgency.reset(before)


@overload
def client(service: Literal["sesv2"]) -> "SESV2Client": ...
@overload
def client(service: Literal["sqs"]) -> "SQSClient": ...
@overload
def client(service: Literal["dynamodb"]) -> "DynamoDBClient": ...
@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["events"]) -> "EventBridgeClient": ...
@overload
def client(service: Literal["personalize"]) -> "PersonalizeClient": ...
@overload
def client(service: Literal["personalize-events"]) -> "PersonalizeEventsClient": ...
@overload
def client(service: Literal["personalize-runtime"]) -> "PersonalizeRuntimeClient": ...
@overload
def client(service: Literal["stepfunctions"]) -> "SFNClient": ...
@overload
def client(service: Literal["secretsmanager", "cognito-idp"]) -> Any: ...  # noqa: ANN401 - no stubs for one call each
def client(service: str) -> Any:
    """A client of `service`, made once per process; AWS_ENDPOINT_URL[_<SERVICE>] steers where it goes."""
    return _client(service, _urgency.get())


def dynamodb() -> "DynamoDBServiceResource":
    """The DynamoDB resource: items are plain Python values, numbers are `Decimal`."""
    return _dynamodb(_urgency.get())


@cache
def _client(service: str, urgency: Urgency) -> Any:  # noqa: ANN401 - every service's; a key of the cache
    import boto3

    return boto3.client(service, config=_config(service, urgency))


@cache
def _dynamodb(urgency: Urgency) -> "DynamoDBServiceResource":
    import boto3

    resource: DynamoDBServiceResource = boto3.resource("dynamodb", config=_config("dynamodb", urgency))
    return resource


def _config(service: str, urgency: Urgency) -> "Config":
    from botocore.config import Config

    return Config(**(_OWN[urgency].get(service) or _TIMING.get(service) or _DEFAULT))


def forget() -> None:
    """Let clients be made anew, for another environment."""
    for maker in (_client, _dynamodb):
        maker.cache_clear()
