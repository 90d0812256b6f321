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


def is_absence(error: BotoCoreError | ClientError) -> bool:
    """True where nobody answered, an answer came to no end, or the service failed: whoever asks next waits as long."""
    if not isinstance(error, ClientError):
        return isinstance(error, NoConnectionError | HTTPClientError)
    return bool(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500)


def is_outage(error: BotoCoreError | ClientError) -> bool:
    """True for an absence, and where the service has too much to do, which it says at once."""
    codes = {error.response.get("Error", {}).get("Code")} if isinstance(error, ClientError) else set()
    return is_absence(error) or bool(BUSY & {*codes, *tables.refused(error)})
