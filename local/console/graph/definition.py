"""A state machine's definition (Amazon States Language) as states and transitions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_LONGEST_LABEL: Final = 34


@dataclass(frozen=True)
class Edge:
    """A transition.

    Attributes:
        target: name of the state it leads to.
        kind: next | choice | default | catch.
        label: short text at the arrow, "" for none.
        condition: what the definition says in full.
    """

    target: str
    kind: str
    label: str = ""
    condition: str = ""


@dataclass(frozen=True)
class State:
    """A state; a Map or Parallel has machines inside.

    Attributes:
        name: unique in the whole machine.
        type: Task, Choice, Wait, …
        edges: where it may lead.
        inner: the machines of a Map (one) or Parallel (several).
    """

    name: str
    type: str
    edges: Sequence[Edge] = ()
    inner: Sequence["Machine"] = ()


@dataclass(frozen=True)
class Machine:
    """States on one level; `start` is the first."""

    start: str
    states: Mapping[str, State]

    def every_state(self) -> Iterator[State]:
        """All states, those inside of others too."""
        for state in self.states.values():
            yield state
            for machine in state.inner:
                yield from machine.every_state()


def read(definition: Mapping[str, Any]) -> Machine:
    """The machine of a parsed definition; transitions to states that do not exist are left out."""
    states: Mapping[str, Mapping[str, Any]] = definition.get("States", {})
    return Machine(
        definition.get("StartAt", ""),
        {
            name: State(
                name,
                str(body.get("Type", "")),
                [edge for edge in _edges(body) if edge.target in states],
                [read(inner) for inner in _inner(body)],
            )
            for name, body in states.items()
        },
    )


def _inner(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    processor = body.get("ItemProcessor") or body.get("Iterator")
    return [*([processor] if processor else []), *body.get("Branches", [])]


def _edges(body: Mapping[str, Any]) -> Iterator[Edge]:
    for choice in body.get("Choices", []):
        condition = _condition(choice)
        yield Edge(choice.get("Next", ""), "choice", shortened(condition), condition)
    if "Default" in body:
        yield Edge(body["Default"], "default", "otherwise", "otherwise")
    if "Next" in body:
        yield Edge(body["Next"], "next")
    for catch in body.get("Catch", []):
        yield Edge(catch.get("Next", ""), "catch", "", ", ".join(catch.get("ErrorEquals", [])))


def _condition(choice: Mapping[str, Any]) -> str:
    if "Condition" in choice:
        return str(choice["Condition"]).strip().removeprefix("{%").removesuffix("%}").strip()
    return ", ".join(f"{key} {value}" for key, value in choice.items() if key not in {"Next", "Assign", "Output"})


def shortened(condition: str) -> str:
    """A condition as a few words: what is compared, without where it comes from."""
    text = re.sub(r"\$states\.(input|result)\.", "", condition)
    text = re.sub(r"^\$?[\w.]+ = '([^']*)'$", r"\1", text.strip())
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
