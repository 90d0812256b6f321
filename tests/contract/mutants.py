"""Every way to get a state machine slightly wrong: a handler, a branch or an assignment that is missing or mistaken."""

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from tests.contract.state_machine_rules import Definition, State, scopes

Change = Callable[[State], object]
Mutant = tuple[str, str, Definition]


def mutants(definition: Definition) -> Iterator[Mutant]:
    """What is wrong, the state of the machine that it is wrong in, and the machine."""
    for outer, scope in scopes(definition):
        for name, state in scope["States"].items():
            for what, change in _changes(state, scope):
                wrong = copy.deepcopy(definition)
                states = wrong["States"][outer]["ItemProcessor"]["States"] if outer else wrong["States"]
                change(states[name])
                yield f"{name}: {what}", outer or name, wrong


def _changes(state: State, scope: Definition) -> Iterator[tuple[str, Change]]:
    for handler in ("Catch", "Retry"):
        for at, way in enumerate(state.get(handler, [])):
            yield f"without {handler} of {way['ErrorEquals'][0]}", _without(handler, at)
            yield from _lost(f"{handler} of {way['ErrorEquals'][0]}", way, handler, at)
    rules = state.get("Choices", [])
    for at, rule in enumerate(rules):
        yield f"without rule {at + 1}", _without("Choices", at)
        yield from _lost(f"rule {at + 1}", rule, "Choices", at)
        if "Default" in state and rule["Next"] != state["Default"]:
            yield f"rule {at + 1} and Default swapped", _with_default(at)
    for one, other in itertools.combinations(range(len(rules)), 2):
        if rules[one]["Next"] != rules[other]["Next"]:
            yield f"rules {one + 1} and {other + 1} swapped", _swapped(one, other)
    yield from _lost("", state)
    after = scope["States"].get(state.get("Next"), {}).get("Next")
    if after and scope["States"][after] is not state:
        yield f"leaves out {state['Next']}", lambda wrong: wrong.update(Next=after)


def _lost(where: str, holder: dict[str, Any], *path: Any) -> Iterator[tuple[str, Change]]:
    for field in ("Assign", "Output"):
        if field in holder:
            yield f"{where} without {field}".strip(), _without(*path, field)


def _without(*path: Any) -> Change:
    def change(state: Any) -> None:
        for step in path[:-1]:
            state = state[step]
        del state[path[-1]]

    return change


def _with_default(at: int) -> Change:
    def change(state: State) -> None:
        rule = state["Choices"][at]
        rule["Next"], state["Default"] = state["Default"], rule["Next"]

    return change


def _swapped(one: int, other: int) -> Change:
    def change(state: State) -> None:
        rules = state["Choices"]
        rules[one]["Next"], rules[other]["Next"] = rules[other]["Next"], rules[one]["Next"]

    return change
