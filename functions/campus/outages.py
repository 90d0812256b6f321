"""Which errors of an AWS call come from the other side, so that the same call may succeed later."""

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from campus import tables

BUSY = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Codes of DynamoDB's answers and of the reasons of a cancelled transaction ("Error handling with DynamoDB")."""


def is_outage(error: BotoCoreError | ClientError) -> bool:
    """True where nobody answered or an answer came to no end, or the service failed or has too much to do."""
    if not isinstance(error, ClientError):
        return isinstance(error, NoConnectionError | HTTPClientError)
    code = error.response.get("Error", {}).get("Code")
    failed = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    return failed or code in BUSY or bool(BUSY & set(tables.refused(error)))
