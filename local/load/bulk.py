"""Many rows to and from DynamoDB: batches, a few threads, and whatever DynamoDB did not take is sent again."""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

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


def put(client: "DynamoDBClient", table: str, rows: Sequence[Wire], stamp: Callable[[Wire], Wire]) -> None:
    """Put rows of different keys; each attempt sends `stamp(row)`.

    Args:
        client: made with `total_max_attempts=1`, else botocore repeats a request with its old stamp.
        table: its name.
        rows: any number.
        stamp: adds what says when the row was written.
    """
    for some in chunks(rows, _WRITES):
        pending = some

        def step() -> bool:
            nonlocal pending
            requests: list[Any] = [{"PutRequest": {"Item": stamp(row)}} for row in pending]
            left = client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"].get(table, [])
            pending = [dict(request["PutRequest"]["Item"]) for request in left]
            return not pending

        _patiently(step)


def insert(client: "DynamoDBClient", table: str, rows: Sequence[Wire]) -> list[bool]:
    """Create rows where there is none of the key (PartiQL INSERT, a conditional write in batches).

    Returns:
        One flag a row: True where it was created, False where the row that was there stays as it is.

    Raises:
        botocore.exceptions.ClientError: DynamoDB refused a row for another reason.
    """
    created: dict[int, bool] = {}
    for numbers in chunks(range(len(rows)), _WRITES):
        pending = numbers

        def step() -> bool:
            nonlocal pending
            statements: list[Any] = [_insertion(table, rows[number]) for number in pending]
            answers = client.batch_execute_statement(Statements=statements)["Responses"]
            again = []
            for number, answer in zip(pending, answers, strict=True):
                code = answer.get("Error", {}).get("Code")
                if code in _TRANSIENT:
                    again.append(number)
                elif code in (None, "DuplicateItem"):
                    created[number] = code is None
                else:
                    raise ClientError({"Error": dict(answer["Error"])}, "BatchExecuteStatement")  # type: ignore[typeddict-item]
            pending = again
            return not pending

        _patiently(step)
    return [created[number] for number in range(len(rows))]


def existing(client: "DynamoDBClient", table: str, keys: Sequence[Wire], attributes: Sequence[str]) -> list[Wire]:
    """Those of the rows that exist, in no order, with the named attributes."""
    found: list[Wire] = []
    names = {f"#{number}": name for number, name in enumerate(attributes)}
    for some in chunks(keys):
        pending: list[Any] = list(some)

        def step() -> bool:
            nonlocal pending
            request: Any = {
                "Keys": pending,
                "ConsistentRead": True,
                "ProjectionExpression": ",".join(names),
                "ExpressionAttributeNames": names,
            }
            answer = client.batch_get_item(RequestItems={table: request})
            found.extend(answer["Responses"].get(table, []))
            left = answer["UnprocessedKeys"]
            pending = list(left[table]["Keys"]) if table in left else []
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
