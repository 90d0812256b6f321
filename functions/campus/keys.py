"""Secret keys, read once a process; after a read that found nobody, none is tried for a while.

A cold worker with a batch of messages would else wait for every one of them, and have time for few.
"""

from functools import cache

from botocore.exceptions import BotoCoreError, ClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from campus.breaker import breaker
from campus.clients import client
from campus.outages import is_absence


class KeyAwayError(NoConnectionError):
    """Secrets Manager did not answer a moment ago."""

    fmt = "the key could not be read a moment ago"


def key(arn: str) -> bytes:
    """The secret of this ARN.

    Raises:
        KeyAwayError: see above.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: Secrets Manager refused or did not answer.
    """
    circuit = breaker(arn, after=1)
    if circuit.is_open:
        raise KeyAwayError
    try:
        return _read(arn)
    except (ClientError, BotoCoreError) as error:
        if is_absence(error):
            circuit.failed()
        raise


def forget() -> None:
    """Read them anew, for another environment."""
    _read.cache_clear()


@cache
def _read(arn: str) -> bytes:
    secret: str = client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return secret.encode()
