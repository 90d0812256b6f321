"""Many rows to and from DynamoDB: batches, a few threads, and whatever DynamoDB did not take is sent again."""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import ClientError, HTTPClientError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
R = TypeVar("R")
# An item as DynamoDB's low-level API writes it: {"name": {"S": "value"}}.
Wire = dict[str, Any]

# The emulator is one event loop: more threads would only queue. In AWS a few make some thousand rows a second.
THREADS = 4
BATCH = 100  # keys of a BatchGetItem; a BatchWriteItem or BatchExecuteStatement takes a quarter of it
_WRITES = 25
_ATTEMPTS = 10
_TRANSIENT = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
    }
)


class GaveUpError(RuntimeError):
    """DynamoDB left something over in every one of `_ATTEMPTS` attempts."""


def chunks(rows: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Lists of `size` rows, the last one shorter."""
    source = iter(rows)
    while some := list(islice(source, size)):
        yield some


def in_threads(work: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
    """The results of `work`, in order; only a few pieces are taken ahead, so that an endless source fits in memory."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(work, piece))
                if len(waiting) > 2 * THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


class Table:
    """A table with a key of strings, read and written in batches.

    Args:
        client: made with `total_max_attempts=1`, else botocore repeats a request with its old stamp.
        name: physical name.
        key: its key attributes.

    Attributes:
        was_empty: whether it had no row at all when this object was made.
    """

    def __init__(self, client: "DynamoDBClient", name: str, *key: str) -> None:
        self.client = client
        self.name = name
        self._key = key
        self.was_empty = not client.scan(TableName=name, Limit=1)["Items"]

    def key(self, row: Wire) -> tuple[str, ...]:
        """The values of a row's key."""
        return tuple(row[name]["S"] for name in self._key)

    def put(self, rows: Sequence[Wire], stamp: Callable[[Wire], Wire]) -> None:
        """Put rows of different keys; each attempt sends `stamp(row)`."""
        for some in chunks(rows, _WRITES):
            self._put(some, stamp)

    def create(self, rows: Sequence[Wire], attributes: Sequence[str] = ()) -> list[Wire | None]:
        """Create those of the rows whose keys are not taken; what is there stays as it is.

        Returns:
            For each row None where it was created, else the key and the named attributes of the row that was there.
        """
        # Asking first is cheap; INSERT still refuses what somebody else creates at this moment.
        there = {} if self.was_empty else self.rows(rows, attributes)
        new = [row for row in rows if self.key(row) not in there]
        for some in chunks(new, _WRITES):
            if refused := self._insert(some):
                there |= self.rows(refused, attributes)
        return [there.get(self.key(row)) for row in rows]

    def rows(self, keyed: Sequence[Wire], attributes: Sequence[str] = ()) -> dict[tuple[str, ...], Wire]:
        """Those rows that exist of the keys in `keyed`, with their key and the named attributes."""
        found: dict[tuple[str, ...], Wire] = {}
        names = {f"#{number}": name for number, name in enumerate((*self._key, *attributes))}
        for some in chunks(keyed):
            keys = [{name: row[name] for name in self._key} for row in some]
            found |= {self.key(row): row for row in self._get(keys, names)}
        return found

    def _put(self, rows: list[Wire], stamp: Callable[[Wire], Wire]) -> None:
        pending = rows

        def step() -> bool:
            nonlocal pending
            requests: list[Any] = [{"PutRequest": {"Item": stamp(row)}} for row in pending]
            left = self.client.batch_write_item(RequestItems={self.name: requests})["UnprocessedItems"]
            pending = [dict(request["PutRequest"]["Item"]) for request in left.get(self.name, [])]
            return not pending

        _patiently(step)

    def _insert(self, rows: list[Wire]) -> list[Wire]:
        """Conditional writes in a batch (PartiQL); answers the rows whose keys were taken."""
        refused: list[Wire] = []
        pending = rows

        def step() -> bool:
            nonlocal pending
            statements: list[Any] = [_insertion(self.name, row) for row in pending]
            answers = self.client.batch_execute_statement(Statements=statements)["Responses"]
            codes = [(row, dict(answer.get("Error", {}))) for row, answer in zip(pending, answers, strict=True)]
            for _, error in codes:
                if error and error["Code"] not in {"DuplicateItem", *_TRANSIENT}:
                    raise ClientError(cast("Any", {"Error": error}), "BatchExecuteStatement")
            refused.extend(row for row, error in codes if error.get("Code") == "DuplicateItem")
            pending = [row for row, error in codes if error.get("Code") in _TRANSIENT]
            return not pending

        _patiently(step)
        return refused

    def _get(self, keys: list[Wire], names: dict[str, str]) -> list[Wire]:
        found: list[Wire] = []
        pending: list[Any] = keys

        def step() -> bool:
            nonlocal pending
            request: Any = {
                "Keys": pending,
                "ConsistentRead": True,
                "ProjectionExpression": ",".join(names),
                "ExpressionAttributeNames": names,
            }
            answer = self.client.batch_get_item(RequestItems={self.name: request})
            found.extend(answer["Responses"].get(self.name, []))
            left = answer["UnprocessedKeys"]
            pending = list(left[self.name]["Keys"]) if self.name in left else []
            return not pending

        _patiently(step)
        return found


def _insertion(table: str, row: Wire) -> dict[str, Any]:
    shape = ", ".join(f"'{name}': ?" for name in row)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{shape}}}', "Parameters": list(row.values())}


def _patiently(step: Callable[[], bool]) -> None:
    """Repeat `step` until it is done (True), with growing random pauses; only what may pass by itself is waited for."""
    for attempt in range(_ATTEMPTS):
        try:
            if step():
                return
        except (ClientError, HTTPClientError) as error:
            if attempt == _ATTEMPTS - 1 or not _passes(error):
                raise
        # Nothing ever sets this event: waiting on it is a pause.
        threading.Event().wait(random.uniform(0, min(5.0, 0.05 * 2**attempt)))  # noqa: S311 - jitter
    raise GaveUpError(f"DynamoDB left rows over in {_ATTEMPTS} attempts")


def _passes(error: ClientError | HTTPClientError) -> bool:
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response.get("Error", {}).get("Code", "") in _TRANSIENT or status >= 500
