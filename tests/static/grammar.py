"""Grammars that no linter checks: schedules of EventBridge Scheduler, time zones, event patterns.

Each function answers a list of problems in words, empty where there is none.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import available_timezones

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = ("minutes", "hours", "day of month", "month", "day of week", "year")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
_NAMES: tuple[tuple[str, ...], ...] = ((), (), (), _MONTHS, _DAYS, ())

EVENT_FIELDS = frozenset(
    {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail", "replay-name"}
)
STREAM_FIELDS = frozenset({"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb"})
_OPERATORS = {
    "prefix": str | dict | list,
    "suffix": str | dict | list,
    "equals-ignore-case": str | list,
    "wildcard": str | list,
    "anything-but": str | int | float | list | dict,
    "numeric": list,
    "cidr": str | list,
    "exists": bool,
}


def schedule_problems(expression: str) -> list[str]:
    """What EventBridge Scheduler would refuse of `cron(…)`, `rate(…)` or `at(…)`.

    Source: "Schedule types in EventBridge Scheduler", EventBridge Scheduler user guide.
    """
    found = re.fullmatch(r"(cron|rate|at)\((.*)\)", expression)
    if not found:
        return [f"{expression!r} is neither cron(…), rate(…) nor at(…)"]
    kind, inside = found.groups()
    problems = {"cron": _cron_problems, "rate": _rate_problems, "at": _at_problems}[kind](inside)
    return [f"{expression}: {problem}" for problem in problems]


def _rate_problems(inside: str) -> list[str]:
    found = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", inside)
    if not found:
        return ["a rate is a whole number and minutes, hours or days"]
    return [] if (found[1] == "1") == (not found[3]) else ["1 takes the singular, every other number the plural"]


def _at_problems(inside: str) -> list[str]:
    try:
        datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the zone stands beside it in the schedule
    except ValueError:
        return ["a one-time schedule is yyyy-mm-ddThh:mm:ss"]
    return []


def _cron_problems(inside: str) -> list[str]:
    fields = inside.split(" ")
    if len(fields) != len(_FIELDS):
        return [f"a cron has six fields ({', '.join(_FIELDS)}), this one has {len(fields)}"]
    problems = []
    for position, field in enumerate(fields):
        if not all(_is_valid(part, position) for part in field.split(",")):
            problems.append(f"{field!r} is no {_FIELDS[position]}")
    if [fields[2], fields[4]].count("?") != 1:
        problems.append("exactly one of day of month and day of week must be ?")
    return problems


def _is_valid(part: str, position: int) -> bool:
    day_of_month, day_of_week = position == 2, position == 4
    if part == "*" or (part == "?" and (day_of_month or day_of_week)):
        return True
    if day_of_month and (part in ("L", "LW") or re.fullmatch(r"([1-9]|[12]\d|3[01])W", part)):
        return True
    if day_of_week and (part == "L" or re.fullmatch(r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])", part)):
        return True
    base, slash, step = part.partition("/")
    if slash and not re.fullmatch(r"[1-9]\d*", step):
        return False
    if base == "*":
        return bool(slash)
    low, dash, high = base.partition("-")
    first, last = _number(low, position), _number(high, position) if dash else None
    if first is None or (dash and last is None):
        return False
    return last is None or first <= last


def _number(text: str, position: int) -> int | None:
    if text in _NAMES[position]:
        return _NAMES[position].index(text) + 1
    low, high = _RANGES[position]
    return int(text) if re.fullmatch(r"\d+", text) and low <= int(text) <= high else None


def zone_problems(zone: str) -> list[str]:
    """Whether the IANA database has a zone of this name."""
    return [] if zone in available_timezones() else [f"{zone!r} is no time zone of the IANA database"]


def pattern_problems(pattern: object, fields: frozenset[str] = EVENT_FIELDS) -> list[str]:
    """What EventBridge would refuse, or silently never match, in an event pattern.

    Args:
        pattern: the parsed pattern.
        fields: keys an event can have at the top level.

    Source: "Event pattern syntax" and "Comparison operators", EventBridge user guide.
    """
    if not isinstance(pattern, Mapping) or not pattern:
        return ["a pattern is an object with at least one field"]
    unknown = [f"no event has a field {key!r}" for key in pattern if key not in fields and key != "$or"]
    return unknown + _object_problems(pattern, "")


def filter_problems(text: str) -> list[str]:
    """The same for the filter of a DynamoDB stream, which is JSON in a string."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        return [f"the filter is no JSON: {error}"]
    return pattern_problems(pattern, STREAM_FIELDS)


def _object_problems(pattern: Mapping[str, object], where: str) -> list[str]:
    problems = []
    for key, value in pattern.items():
        path = f"{where}.{key}" if where else key
        if key == "$or" and isinstance(value, list):
            for branch in value:
                problems += _object_problems(branch, where) if isinstance(branch, Mapping) else [f"{path}: no object"]
        elif isinstance(value, Mapping) and value:
            problems += _object_problems(value, path)
        elif isinstance(value, list) and value:
            problems += [f"{path}: {problem}" for entry in value for problem in _value_problems(entry)]
        else:
            problems.append(f"{path}: needs a list with at least one value, or an object with at least one field")
    return problems


def _value_problems(entry: object) -> list[str]:
    if entry is None or isinstance(entry, str | int | float):
        return []
    if not isinstance(entry, Mapping) or len(entry) != 1:
        return [f"{entry!r} is neither a value nor one comparison"]
    ((operator, operand),) = entry.items()
    if operator not in _OPERATORS:
        return [f"no comparison {operator!r}"]
    return [] if isinstance(operand, _OPERATORS[operator]) else [f"{operator} does not take {operand!r}"]
