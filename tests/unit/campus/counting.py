"""What a request costs: the calls to AWS that are made for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore.client import BaseClient


@contextmanager
def aws_calls() -> Iterator[list[str]]:
    """The operations that any client is asked for in the block, in their order."""
    made: list[str] = []
    real: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(client: BaseClient, operation: str, arguments: Any) -> Any:
        made.append(operation)
        return real(client, operation, arguments)

    with mock.patch.object(BaseClient, "_make_api_call", counted):
        yield made
