"""The filter language: INCLUDE|EXCLUDE ItemID WHERE <conditions> [IF <conditions on CurrentUser>], chained by "|".

Source: "Filter expression structure and elements" and "Guidelines and requirements" in the Developer Guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from local.personalize.errors import InvalidInput

TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<parameter>\$[A-Za-z0-9_]+)'
    r"|(?P<word>[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)?)|(?P<sign><=|>=|!=|=|<|>|[(),|*]))"
)
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
MAXIMUM_FIELDS = 5


@dataclass(frozen=True)
class Parameter:
    """A `$NAME` to be given with each request."""

    name: str


@dataclass(frozen=True)
class CurrentItem:
    """The value of a field of the item that the request names."""

    field: str


Operand = str | float | Parameter | CurrentItem
ANY_EVENT = "*"


@dataclass(frozen=True)
class Condition:
    """`dataset.field operator operands`; the operator is IN, NOT IN or a comparison."""

    dataset: str
    field: str
    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Clause:
    """One INCLUDE or EXCLUDE: an OR of ANDs over items, and what must hold for the current user."""

    include: bool
    any_of: tuple[tuple[Condition, ...], ...]
    user: tuple[Condition, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions, those on the user last."""
        return (*(condition for group in self.any_of for condition in group), *self.user)

    @property
    def parameters(self) -> frozenset[str]:
        """The names of its placeholders."""
        return frozenset(
            operand.name
            for condition in self.conditions
            for operand in condition.operands
            if isinstance(operand, Parameter)
        )


@dataclass(frozen=True)
class FilterExpression:
    """A parsed filter."""

    clauses: tuple[Clause, ...]

    @property
    def fields(self) -> frozenset[tuple[str, str]]:
        """The distinct dataset fields it reads."""
        return frozenset(
            (condition.dataset, condition.field) for clause in self.clauses for condition in clause.conditions
        )


@lru_cache(maxsize=256)
def parse_filter(text: str) -> FilterExpression:
    """Read a filter expression.

    Raises:
        InvalidInput: Says what was expected where.
    """
    expression = _Parser(text).expression()
    if len(expression.fields) > MAXIMUM_FIELDS:
        raise InvalidInput(f"A filter can have at most {MAXIMUM_FIELDS} distinct dataset fields.")
    return expression


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            found = TOKEN.match(text, position)
            if found is None:
                raise InvalidInput(f"Invalid filter expression: unexpected text at '{text[position : position + 20]}'.")
            self._tokens.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
            position = found.end()
        self._next = 0

    def expression(self) -> FilterExpression:
        clauses = [self._clause()]
        while self._accept("|"):
            clauses.append(self._clause())
        if self._next < len(self._tokens):
            self._refuse("'|' or the end")
        return FilterExpression(tuple(clauses))

    def _clause(self) -> Clause:
        action = self._keyword("INCLUDE", "EXCLUDE")
        self._keyword("ITEMID")
        self._keyword("WHERE")
        groups = [[self._condition()]]
        while joint := self._optional("AND", "OR"):
            condition = self._condition()
            if joint == "AND":
                groups[-1].append(condition)
            else:
                groups.append([condition])
        user: list[Condition] = []
        if self._optional("IF"):
            user.append(self._condition())
            while self._optional("AND"):
                user.append(self._condition())
        clause = Clause(action == "INCLUDE", tuple(tuple(group) for group in groups), tuple(user))
        _check_datasets(clause)
        return clause

    def _condition(self) -> Condition:
        kind, name = self._take()
        dataset, _, field = name.partition(".")
        if kind != "word" or not field:
            self._next -= 1
            self._refuse("<dataset>.<field>")
        if self._optional("NOT"):
            self._keyword("IN")
            operator = "NOT IN"
        elif self._optional("IN"):
            operator = "IN"
        else:
            kind, operator = self._take()
            if operator not in COMPARISONS:
                self._next -= 1
                self._refuse("IN, NOT IN or a comparison")
        operands = self._operands()
        if operator in COMPARISONS and len(operands) != 1:
            raise InvalidInput(f"Invalid filter expression: {operator} compares with one value.")
        if operator == "NOT IN" and any(isinstance(operand, Parameter) for operand in operands):
            raise InvalidInput("Invalid filter expression: NOT IN cannot be used with placeholder parameters.")
        if operator in COMPARISONS and isinstance(operands[0], str):
            raise InvalidInput(f"Invalid filter expression: {operator} compares numbers; match text with IN or NOT IN.")
        dataset = dataset.upper()
        if ANY_EVENT in operands and dataset != "INTERACTIONS":
            raise InvalidInput("Invalid filter expression: * can be used with Interactions.EVENT_TYPE only.")
        return Condition(dataset, field.upper() if dataset == "INTERACTIONS" else field, operator, operands)

    def _operands(self) -> tuple[Operand, ...]:
        if not self._accept("("):
            return (self._operand(),)
        operands = [self._operand()]
        while self._accept(","):
            operands.append(self._operand())
        if not self._accept(")"):
            self._refuse("')'")
        return tuple(operands)

    def _operand(self) -> Operand:
        kind, text = self._take()
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            return float(text)
        if kind == "parameter":
            return Parameter(text[1:])
        if text == ANY_EVENT:
            return ANY_EVENT
        owner, _, field = text.partition(".")
        if kind == "word" and owner.upper() == "CURRENTITEM" and field:
            return CurrentItem(field)
        self._next -= 1
        return self._refuse("a value")

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            self._refuse("more")
        self._next += 1
        return self._tokens[self._next - 1]

    def _accept(self, sign: str) -> bool:
        found = self._next < len(self._tokens) and self._tokens[self._next] == ("sign", sign)
        self._next += found
        return found

    def _optional(self, *words: str) -> str:
        kind, text = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        if kind == "word" and text.upper() in words:
            self._next += 1
            return text.upper()
        return ""

    def _keyword(self, *words: str) -> str:
        return self._optional(*words) or self._refuse(" or ".join(words))

    def _refuse(self, expected: str) -> str:
        found = self._tokens[self._next][1] if self._next < len(self._tokens) else "the end"
        raise InvalidInput(f"Invalid filter expression: expected {expected} but found {found}.")


def _check_datasets(clause: Clause) -> None:
    items = {condition.dataset for group in clause.any_of for condition in group}
    if len(items) > 1 or not items <= {"ITEMS", "INTERACTIONS"}:
        raise InvalidInput(
            "Invalid filter expression: one expression reads either Items or Interactions; chain two with '|'."
        )
    if any(condition.dataset != "CURRENTUSER" for condition in clause.user):
        raise InvalidInput("Invalid filter expression: IF can only check CurrentUser.")
    if any(condition.dataset == "INTERACTIONS" and condition.field != "EVENT_TYPE" for condition in clause.conditions):
        raise InvalidInput("Invalid filter expression: Interactions can be filtered by EVENT_TYPE only.")
