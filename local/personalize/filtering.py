"""Which items of a catalogue pass a filter, for one request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from local.personalize.errors import InvalidInput
from local.personalize.filter_expression import ANY_EVENT, CurrentItem, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from local.personalize.filter_expression import Clause, Condition, FilterExpression
    from local.personalize.json_value import Json

    Mask = NDArray[np.bool_]

VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?))\s*(?:,|$)')


@dataclass
class Catalogue:
    """The items a campaign can recommend: those of its model, then those that came later.

    Attributes:
        ids: Item ids; the first `known` are the model's.
        known: How many of them the model knows.
        records: Metadata by item id.
    """

    ids: list[str]
    known: int
    records: Mapping[str, Mapping[str, Any]]
    index: dict[str, int] = field(init=False)
    _words: dict[str, dict[str, NDArray[np.intp]]] = field(default_factory=dict)
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.index = {identity: position for position, identity in enumerate(self.ids)}

    @classmethod
    def of(cls, model_ids: list[str], records: Mapping[str, Mapping[str, Any]]) -> Catalogue:
        """The catalogue of a model's items and the items of a dataset."""
        known = set(model_ids)
        return cls([*model_ids, *(identity for identity in records if identity not in known)], len(model_ids), records)

    def cell(self, position: int, column: str) -> Json:
        """One item's value of a column, or None."""
        identity = self.ids[position]
        return identity if column == "ITEM_ID" else self.records.get(identity, {}).get(column)

    def having(self, column: str, word: str) -> NDArray[np.intp]:
        """Positions of the items with that word among the values ("|" parts them) of a text column."""
        if column not in self._words:
            positions: dict[str, list[int]] = {}
            for position in range(len(self.ids)):
                for part in _words(self.cell(position, column)):
                    positions.setdefault(part, []).append(position)
            self._words[column] = {part: np.array(found, np.intp) for part, found in positions.items()}
        return self._words[column].get(word, np.empty(0, np.intp))

    def numbers(self, column: str) -> NDArray[np.float64]:
        """float64[items] of a numeric column, nan where an item has none."""
        if column not in self._numbers:
            self._numbers[column] = np.array([_number(self.cell(at, column)) for at in range(len(self.ids))])
        return self._numbers[column]


@dataclass(frozen=True)
class Asker:
    """What a filter may know of a request: user metadata, recent events (item, type), the item named; both with ids."""

    user: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, str]] = ()
    item: Mapping[str, Any] | None = None


def passing(expression: FilterExpression, given: Mapping[str, str], catalogue: Catalogue, asker: Asker) -> Mask:
    """bool[items]: those of any INCLUDE (all, if there is none) less those of any EXCLUDE.

    Args:
        expression: The filter.
        given: The request's filterValues.
        catalogue: The items to choose from.
        asker: Who asks.

    Raises:
        InvalidInput: A placeholder of an INCLUDE has no value, or a value has no readable form.
    """
    included, restricted = np.zeros(len(catalogue.ids), bool), False
    excluded = np.zeros(len(catalogue.ids), bool)
    unknown = set(given) - {name for clause in expression.clauses for name in clause.parameters}
    if unknown:
        raise InvalidInput(f"The filter has no placeholder parameter {', '.join(sorted(unknown))}.")
    for clause in expression.clauses:
        absent = sorted(clause.parameters - set(given))
        if absent and clause.include:
            raise InvalidInput(f"Value for filter parameter {', '.join(absent)} is missing.")
        if absent or not _applies(clause, given, asker):
            continue
        mask = _matching(clause, given, catalogue, asker)
        if clause.include:
            included, restricted = included | mask, True
        else:
            excluded |= mask
    return included & ~excluded if restricted else ~excluded


def parse_values(name: str, text: str) -> list[str | float]:
    """The values of one placeholder: strings in double quotes or numbers, parted by commas.

    Raises:
        InvalidInput: Anything else.
    """
    values: list[str | float] = []
    position = 0
    while position < len(text):
        found = VALUE.match(text, position)
        if found is None:
            break
        values.append(float(found[2]) if found[2] is not None else re.sub(r"\\(.)", r"\1", found[1]))
        position = found.end()
    if not values or position < len(text) or text.rstrip().endswith(","):
        raise InvalidInput(
            f"Invalid value for filter parameter {name}: give strings in double quotes or numbers, parted by commas."
        )
    return values


def _applies(clause: Clause, given: Mapping[str, str], asker: Asker) -> bool:
    return all(_holds(condition, given, asker) for condition in clause.user)


def _holds(condition: Condition, given: Mapping[str, str], asker: Asker) -> bool:
    cell, values = asker.user.get(condition.field), _values(condition, given, asker)
    if condition.operator in {"IN", "NOT IN"}:
        return (not set(_words(cell)).isdisjoint(map(_word, values))) == (condition.operator == "IN")
    return bool(COMPARE[condition.operator](np.float64(_number(cell)), _compared_with(condition, values)))


def _matching(clause: Clause, given: Mapping[str, str], catalogue: Catalogue, asker: Asker) -> Mask:
    groups = [
        np.logical_and.reduce([_mask(condition, given, catalogue, asker) for condition in group])
        for group in clause.any_of
    ]
    matching: Mask = np.logical_or.reduce(groups)
    return matching


def _mask(condition: Condition, given: Mapping[str, str], catalogue: Catalogue, asker: Asker) -> Mask:
    values = _values(condition, given, asker)
    mask = np.zeros(len(catalogue.ids), bool)
    if condition.dataset == "INTERACTIONS":
        wanted, inside = {_word(value).lower() for value in values}, condition.operator == "IN"
        for item, kind in asker.events:
            if (ANY_EVENT in wanted or kind.lower() in wanted) == inside and item in catalogue.index:
                mask[catalogue.index[item]] = True
        return mask
    if condition.operator in {"IN", "NOT IN"}:
        for value in values:
            mask[catalogue.having(condition.field, _word(value))] = True
        return mask if condition.operator == "IN" else ~mask
    compared: Mask = COMPARE[condition.operator](catalogue.numbers(condition.field), _compared_with(condition, values))
    return compared


def _compared_with(condition: Condition, values: list[str | float]) -> float:
    """The number of a comparison; nan, which holds for nothing, where the item named has none."""
    if not values:
        return float("nan")
    if len(values) > 1 or isinstance(values[0], str):
        raise InvalidInput(f"{condition.field} {condition.operator} must be compared with one number.")
    return values[0]


def _values(condition: Condition, given: Mapping[str, str], asker: Asker) -> list[str | float]:
    values: list[str | float] = []
    for operand in condition.operands:
        if isinstance(operand, Parameter):
            values += parse_values(operand.name, given[operand.name])
        elif isinstance(operand, CurrentItem):
            if asker.item is None:
                raise InvalidInput("A filter with CurrentItem can be used only where the request names an item.")
            cell = asker.item.get(operand.field)
            values += [cell] if isinstance(cell, int | float) else _words(cell)
        else:
            values.append(operand)
    return values


def _words(cell: Json) -> list[str]:
    if cell is None:
        return []
    return cell.split("|") if isinstance(cell, str) else [_word(cell)]


def _word(value: Json) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(cell: Json) -> float:
    return float(cell) if isinstance(cell, int | float) else float("nan")


COMPARE: dict[str, Any] = {
    "=": np.equal,
    # What is absent (nan) is neither equal nor unequal.
    "!=": lambda cells, number: np.less(cells, number) | np.greater(cells, number),
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
