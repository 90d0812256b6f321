"""The one place AWS clients come from, with the timeouts and retries each service needs."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient, DynamoDBServiceResource
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_events import PersonalizeEventsClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

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
    # Asked once a process, by requests, too: a person waits behind it.
    "secretsmanager": {
        "connect_timeout": 1,
        "read_timeout": 2,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    },
    "personalize-events": {"connect_timeout": 1, "read_timeout": 3, "retries": {"total_max_attempts": 2}},
}
# Eight attempts: at 30 % throttling four would lose 0.8 % of the calls, so one page in an export of two hundred.
_DEFAULT: dict[str, Any] = {
    "connect_timeout": 2,
    "read_timeout": 20,
    "retries": {"mode": "standard", "total_max_attempts": 8},
}
# A first connection with TLS takes a small function some hundred milliseconds; a write, a few.
_IMPATIENT: dict[str, Any] = {"connect_timeout": 0.5, "read_timeout": 0.5, "retries": {"total_max_attempts": 1}}


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
def client(service: Literal["secretsmanager", "cognito-idp"]) -> Any: ...  # noqa: ANN401 - no stubs for one call each
@cache
def client(service: str) -> Any:
    """A client of `service`, made once per process; AWS_ENDPOINT_URL[_<SERVICE>] steers where it goes."""
    import boto3
    from botocore.config import Config

    return boto3.client(service, config=Config(**(_TIMING.get(service) or _DEFAULT)))


@cache
def dynamodb() -> "DynamoDBServiceResource":
    """The DynamoDB resource: items are plain Python values, numbers are `Decimal`."""
    import boto3
    from botocore.config import Config

    resource: DynamoDBServiceResource = boto3.resource("dynamodb", config=Config(**_DEFAULT))
    return resource


@cache
def impatient_dynamodb() -> "DynamoDBClient":
    """A DynamoDB client for what a request can do without: it gives up after one short try."""
    import boto3
    from botocore.config import Config

    made: DynamoDBClient = boto3.client("dynamodb", config=Config(**_IMPATIENT))
    return made
