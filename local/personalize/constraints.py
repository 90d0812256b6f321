"""What a botocore shape says about a value: required, type, enum, pattern, length, range, list and map sizes.

boto3 checks presence, type and minimum on the client, but neither patterns nor maxima nor enums; the service must.
Messages have the form of AWS's own ("Value 'x' at 'name' failed to satisfy constraint: Member must …").
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from botocore.model import ListShape, MapShape, StringShape, StructureShape

from local.personalize.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

    from local.personalize.json_value import Json

SPACE_SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Unicode category Z, which Python's `re` cannot name; letters and numbers (L, N) are its `\\w`."""
LEAST_INTEGER, GREATEST_INTEGER = -(2**31), 2**31 - 1
"""What an integer of the model can hold; a long has twice as many bits."""
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999 in epoch seconds, what timestamps can be written as; milliseconds are beyond."""
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A model pattern as Python's: Java's Unicode classes are written out."""
    translated = pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\w").replace(r"\p{Z}", SPACE_SEPARATORS)
    return re.compile(translated.replace(r"\p{ASCII}", r"[\x00-\x7f]"))


def validate(shape: Shape, value: Json) -> None:
    """Refuse a request that breaks any constraint of its shape.

    Raises:
        InvalidInput: Names every violated constraint and the path of its field.
    """
    found = list(violations(shape, value, ""))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise InvalidInput(count + "; ".join(found))


def violations(shape: Shape, value: Json, path: str) -> Iterator[str]:
    """Each violated constraint of a shape, as a sentence naming the field by its path."""
    if value is None:
        return
    if not _has_type(shape.type_name, value):
        yield _sentence(value, path, f"have type {shape.type_name}")
        return
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if value.get(name) is None:
                yield _sentence(None, _below(path, name), "not be null")
        for name, member in shape.members.items():
            yield from violations(member, value.get(name), _below(path, name))
    elif isinstance(shape, ListShape):
        yield from _size(shape, value, len(value), path)
        for position, element in enumerate(value, 1):
            if element is None:
                yield _sentence(None, f"{path}.{position}.member", "not be null")
            yield from violations(shape.member, element, f"{path}.{position}.member")
    elif isinstance(shape, MapShape):
        yield from _size(shape, value, len(value), path)
        for key, element in value.items():
            yield from violations(shape.key, key, f"{path}.key")
            yield from violations(shape.value, element, _below(path, key))
    elif isinstance(shape, StringShape):
        if not is_text(value):
            yield _sentence(ascii(value), path, "be valid Unicode, without half a surrogate pair")
            return
        yield from _size(shape, value, len(value), path)
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            yield _sentence(value, path, f"satisfy regular expression pattern: {pattern}")
        if shape.enum and value not in shape.enum:
            yield _sentence(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
    else:
        yield from _range(shape, value, path)


def _has_type(type_name: str, value: Json) -> bool:
    if isinstance(value, bool) and type_name != "boolean":
        return False
    if type_name in {"integer", "long"} and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, PYTHON_TYPES[type_name])


def is_text(value: str) -> bool:
    """Whether a string can be encoded: JSON's escapes can write half a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _size(shape: Shape, value: Json, size: int, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _sentence(value, path, f"have length greater than or equal to {low}")
    if high is not None and size > high:
        yield _sentence(value, path, f"have length less than or equal to {high}")


def _range(shape: Shape, value: Json, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "timestamp":
        if isinstance(value, str):
            return
        low, high = EARLIEST, LATEST
    if shape.type_name == "integer":
        low = LEAST_INTEGER if low is None else low
        high = GREATEST_INTEGER if high is None else high
    if low is not None and value < low:
        yield _sentence(value, path, f"have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _sentence(value, path, f"have value less than or equal to {high}")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _sentence(value: Json, path: str, must: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:80]}'"
    return f"Value {shown} at '{path or 'request'}' failed to satisfy constraint: Member must {must}"
