"""The picture of a state machine: everything is drawn, nothing overlaps, whatever the definition."""

import re
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from local.console.graph import Box, Drawing, Label, Machine, lay_out, read
from local.console.graph.definition import shortened

_MACHINES = sorted((Path(__file__).parents[3] / "statemachines").glob("*.asl.yaml"))


def transitions(machine: Machine) -> Counter[tuple[str, str, str]]:
    return Counter((state.name, edge.target, edge.kind) for state in machine.every_state() for edge in state.edges)


def overlaps(one: Box | Label, other: Box | Label) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def encloses(outer: Box, inner: Box | Label) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def check(machine: Machine, drawing: Drawing) -> None:
    """Everything that makes a picture sound."""
    assert Counter(box.state.name for box in drawing.boxes) == Counter(one.name for one in machine.every_state())
    assert Counter((wire.source, wire.target, wire.kind) for wire in drawing.wires) == transitions(machine)
    things: list[Box | Label] = [*drawing.boxes, *drawing.labels]
    for one, other in combinations(things, 2):
        if not overlaps(one, other):
            continue
        outer, inner = (
            (one, other) if isinstance(one, Box) and one.state.inner and encloses(one, other) else (other, one)
        )
        assert isinstance(outer, Box)
        assert outer.state.inner
        assert encloses(outer, inner), f"{outer} overlaps {inner}"
    for thing in things:
        assert thing.x >= 0
        assert thing.y >= 0
        assert thing.x + thing.width <= drawing.width
        assert thing.y + thing.height <= drawing.height
    for box in drawing.boxes:
        inside = {state.name for inner in box.state.inner for state in inner.every_state()}
        assert all(encloses(box, other) for other in drawing.boxes if other.state.name in inside)


@pytest.mark.parametrize("path", _MACHINES, ids=lambda path: path.name)
def test_our_machines_are_drawn_whole(path: Path) -> None:
    machine = read(yaml.safe_load(path.read_text()))
    drawing = lay_out(machine)
    check(machine, drawing)
    assert len(drawing.boxes) > 20
    assert drawing.labels, "choices say what they choose by"


@pytest.mark.parametrize("path", _MACHINES, ids=lambda path: path.name)
def test_lines_run_through_no_foreign_box(path: Path) -> None:
    """Straight pieces keep to their lanes; the bends lie between the layers."""
    drawing = lay_out(read(yaml.safe_load(path.read_text())))
    plain = [box for box in drawing.boxes if not box.state.inner]
    for wire in drawing.wires:
        for x, top, bottom in upright_pieces(wire.path):
            crossed = [
                box.state.name
                for box in plain
                if box.x < x < box.x + box.width
                and top < box.y + box.height - 1
                and bottom > box.y + 1
                and box.state.name not in {wire.source, wire.target}
            ]
            assert not crossed, f"{wire.source} → {wire.target} runs through {crossed}"


def upright_pieces(path: str) -> list[tuple[float, float, float]]:
    numbers = [[float(one) for one in re.findall(r"-?[\d.]+", part)] for part in re.split(r"(?=[MLC])", path) if part]
    ends = [(part[-2], part[-1]) for part in numbers]
    pairs = pairwise(ends)
    return [(x, min(y, to), max(y, to)) for (x, y), (next_x, to) in pairs if abs(next_x - x) < 0.5]


def test_the_start_is_on_top() -> None:
    for path in _MACHINES:
        definition = yaml.safe_load(path.read_text())
        drawing = lay_out(read(definition))
        assert min(drawing.boxes, key=lambda box: box.y).state.name == definition["StartAt"]


_NAMES = st.sampled_from([f"State {letter}" for letter in "ABCDEFGHIJ"] + ["<b>&", "\u202eevil", "x" * 80])


@st.composite
def definitions(draw: st.DrawFn, prefix: str = "", depth: int = 2) -> dict[str, Any]:
    """Any machine, sensible or not: loops, self loops, unreachable states, missing targets, nested machines."""
    names = [prefix + name for name in draw(st.lists(_NAMES, min_size=1, max_size=8, unique=True))]
    targets = st.sampled_from([*names, "nowhere"])
    states: dict[str, Any] = {}
    for index, name in enumerate(names):
        body: dict[str, Any] = {"Type": draw(st.sampled_from(["Task", "Choice", "Wait", "Succeed", "Map", "Parallel"]))}
        if body["Type"] == "Choice":
            conditions = st.sampled_from(["{% $states.input.outcome = 'BUSY' %}", "{% " + "long " * 20 + "%}"])
            body["Choices"] = [
                {"Condition": draw(conditions), "Next": draw(targets)} for _ in range(draw(st.integers(1, 4)))
            ]
            if draw(st.booleans()):
                body["Default"] = draw(targets)
        elif body["Type"] != "Succeed":
            body["Next"] = draw(targets)
            if draw(st.booleans()):
                body["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": draw(targets)}]
        if depth and body["Type"] == "Map":
            body["ItemProcessor"] = draw(definitions(f"{prefix}{index}.", depth - 1))
        elif depth and body["Type"] == "Parallel":
            body["Branches"] = [
                draw(definitions(f"{prefix}{index}{branch}.", depth - 1)) for branch in range(draw(st.integers(1, 2)))
            ]
        states[name] = body
    return {"StartAt": draw(st.sampled_from(names)), "States": states}


@settings(max_examples=60, deadline=None)
@given(definitions())
def test_any_machine_is_drawn_whole(definition: dict[str, Any]) -> None:
    machine = read(definition)
    check(machine, lay_out(machine))


def test_an_empty_definition_is_an_empty_picture() -> None:
    assert lay_out(read({})).boxes == []


@pytest.mark.parametrize(
    ("condition", "short"),
    [
        ("$states.input.outcome = 'ACTIVE'", "ACTIVE"),
        ("$states.input.polls >= 44", "polls >= 44"),
        ("$run.trigger = 'park'", "park"),
        ("a and " * 20, ("a and " * 20)[:33] + "…"),
    ],
)
def test_labels_are_short(condition: str, short: str) -> None:
    assert shortened(condition) == short
