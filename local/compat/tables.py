"""DynamoDB tables: the same answers, sooner.

A term's two hundred thousand interactions are loaded and read in minutes only when a write does not validate and
measure every item four times, and a page of a scan does not sort the whole table.
"""

import bisect
import functools
import hashlib
import types
from collections.abc import Callable
from typing import Any

_REMEMBERED = 65_536
_PAGE_BYTES = 1_048_576

Item = dict[str, dict[str, Any]]


def remember_pure_answers() -> None:
    """What depends on a text alone is worked out once a text.

    AWS: not our concern.
    Emulator: parses an expression again for every item it is applied to, and a number each time it is looked at.
    """
    from ministack.services import dynamodb

    for name in ("_number_error", "_ddb_canonicalize_number", "_number_size_bytes"):
        setattr(dynamodb, name, _once_a_text(getattr(dynamodb, name)))
    dynamodb._condition_syntax_error = functools.lru_cache(_REMEMBERED)(dynamodb._condition_syntax_error)
    tokens = functools.lru_cache(_REMEMBERED)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokens(expression))


def measure_items_quickly() -> None:
    """The size of an item of strings and numbers, which is nearly every item, takes no call per attribute.

    AWS: not our concern.
    Emulator: the same sum by several function calls an attribute.
    """
    from ministack.services import dynamodb

    measure_value, measure_number = dynamodb._attribute_value_size, dynamodb._number_size_bytes

    def item_size(item: object) -> int:
        if not isinstance(item, dict):
            return 0
        total = 0
        for name, value in item.items():
            total += len(name) if name.isascii() else len(name.encode())
            text = value.get("S") if len(value) == 1 else None
            if text is not None:
                total += len(text) if text.isascii() else len(text.encode())
            else:
                total += measure_number(value["N"]) if "N" in value else measure_value(value)
        return total

    dynamodb._item_size_bytes = item_size


def write_batches_once() -> None:
    """BatchWriteItem validates each item once, and adds up capacity only for callers that ask for it.

    AWS: not our concern.
    Emulator: validates every item twice and works out the units of each index for an answer without them.
    """
    from ministack.services import dynamodb

    write, validate, account = (
        dynamodb._batch_write_item,
        dynamodb._validate_item,
        dynamodb._accumulate_write_capacity,
    )
    valid: set[int] = set()
    asked = False

    def validate_item(item: Item, *rest: Any) -> Any:  # noqa: ANN401 - an HTTP answer or None
        if id(item) in valid:
            return None
        problem = validate(item, *rest)
        if batch_is_open and problem is None:
            valid.add(id(item))
        return problem

    def add_up(*arguments: Any) -> None:  # noqa: ANN401
        if asked:
            account(*arguments)

    batch_is_open = False

    def batch_write_item(data: dict[str, Any]) -> Any:  # noqa: ANN401
        nonlocal asked, batch_is_open
        # The request holds the items, so that no id is used twice before the set is emptied.
        asked, batch_is_open = data.get("ReturnConsumedCapacity", "NONE") != "NONE", True
        try:
            return write(data)
        finally:
            batch_is_open = False
            valid.clear()

    dynamodb._batch_write_item = batch_write_item
    dynamodb._validate_item = validate_item
    dynamodb._accumulate_write_capacity = add_up


def scan_page_by_page() -> None:
    """A page of a scan looks at the partitions of that page.

    AWS: a scan reads on from its start key.
    Emulator: sorts and filters the whole table for every page, so that a scan takes the square of the table's size.
    Here the emulator's own scan is given a table that holds no more than the partitions the page can reach.
    """
    from ministack.services import dynamodb

    views: dict[str, Any] = {}
    scan_view: Callable[[dict[str, Any]], Any] = types.FunctionType(
        dynamodb._scan.__code__, {**vars(dynamodb), "_tables": views}
    )
    scan = dynamodb._scan

    def scan_table(data: dict[str, Any]) -> Any:  # noqa: ANN401
        name = dynamodb._normalize_table_name(data.get("TableName"))
        table = dynamodb._tables.get(name)
        if not table or data.get("IndexName"):
            return scan(data)
        views[name] = {**table, "items": _within_reach(data, table, dynamodb._item_size_bytes)}
        try:
            return scan_view(data)
        finally:
            del views[name]

    dynamodb._scan = scan_table


def _within_reach(data: dict[str, Any], table: dict[str, Any], size: Callable[[Item], int]) -> dict[str, Any]:
    """The partitions from the start key on, of the asked segment, until they hold more than a page can."""
    from ministack.services import dynamodb

    start = data.get("ExclusiveStartKey") or {}
    first = dynamodb._extract_key_val(start.get(table["pk_name"]))
    after = dynamodb._extract_key_val(start.get(table.get("sk_name")))
    segment, segments = int(data.get("Segment") or 0), int(data.get("TotalSegments") or 1)
    limit = int(data.get("Limit") or 0)
    keys = sorted(table["items"])
    reach: dict[str, Any] = {}
    weight, count = 0, 0
    for key in keys[bisect.bisect_left(keys, first) :] if start else keys:
        if segments > 1 and _hash(str(key)) % segments != segment:
            continue
        partition = reach[key] = table["items"][key]
        for sort_key, item in partition.items():
            # What lies up to the start key was on an earlier page; a partition without sort key was there whole.
            if not start or key != first or (table.get("sk_name") and sort_key > after):
                weight += size(item)
                count += 1
        if weight > _PAGE_BYTES or 0 < limit < count:
            break
    return reach


@functools.lru_cache(_REMEMBERED)
def _hash(key: str) -> int:
    """The emulator's own choice of a segment."""
    return int.from_bytes(hashlib.sha1(key.encode(), usedforsecurity=False).digest()[:4], "big")


def _once_a_text(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    remembered = functools.lru_cache(_REMEMBERED)(function)
    return functools.wraps(function)(lambda value: remembered(value) if isinstance(value, str) else function(value))
