"""Where every box, label and line of a state machine's picture goes, in pixels from the top left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from local.console.graph.definition import Edge, Machine, State
from local.console.graph.layers import Link, Node, back_edges, layers_of, ordered, positions

_LETTER: Final = 7.1
_SMALL_LETTER: Final = 5.9
_BOX_HEIGHT: Final = 34.0
_LABEL_HEIGHT: Final = 16.0
_NARROWEST: Final = 84.0
_SIDE_GAP: Final = 18.0
_LAYER_GAP: Final = 26.0
_FRAME: Final = 16.0
_HEADER: Final = 26.0
_MARGIN: Final = 10.0
_LANE: Final = 2.0
_START: Final = 10.0


@dataclass(frozen=True)
class Box:
    """A state; `x, y` is its top left corner. A Map or Parallel encloses the boxes of its `level + 1`."""

    state: State
    x: float
    y: float
    width: float
    height: float
    level: int = 0


@dataclass(frozen=True)
class Label:
    """A text on its transition; `x, y` is its top left corner."""

    source: str
    target: str
    text: str
    full: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Wire:
    """A transition as an SVG path; the arrow stands at its end."""

    source: str
    target: str
    kind: str
    path: str
    condition: str = ""


@dataclass
class Drawing:
    """A finished picture."""

    width: float
    height: float
    boxes: list[Box] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def moved(self, x: float, y: float) -> Iterator[Box | Label | Wire]:
        """Everything of the picture, as part of another one."""
        for box in self.boxes:
            yield replace(box, x=box.x + x, y=box.y + y, level=box.level + 1)
        for label in self.labels:
            yield replace(label, x=label.x + x, y=label.y + y)
        for wire in self.wires:
            yield replace(wire, path=_moved(wire.path, x, y))

    def add(self, thing: Box | Label | Wire) -> None:
        """Put something in."""
        if isinstance(thing, Box):
            self.boxes.append(thing)
        elif isinstance(thing, Label):
            self.labels.append(thing)
        else:
            self.wires.append(thing)


def lay_out(machine: Machine) -> Drawing:
    """Draw a machine and what is inside of its states."""
    drawing = _Layout(machine).drawing()
    # As people read; what encloses others comes before them.
    drawing.boxes.sort(key=lambda box: (box.y, box.x))
    return drawing


@dataclass
class _Route:
    """A transition on its way through the layers; `places` are nodes from the upper end to the lower one."""

    source: str
    edge: Edge
    upward: bool
    places: list[Node] = field(default_factory=list)


class _Layout:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._inner = {name: [lay_out(one) for one in state.inner] for name, state in machine.states.items()}
        self._size: dict[Node, tuple[float, float]] = {
            name: _size(state, self._inner[name]) for name, state in machine.states.items()
        }
        self._labelled: dict[Node, _Route] = {}
        self._routes = self._break_cycles()
        self._rows, self._links = self._layered()

    def drawing(self) -> Drawing:
        """Everything at its place."""
        width = {node: size[0] for node, size in self._size.items()}
        lanes = {node for node, size in self._size.items() if size[1] == 0}
        x = positions(self._rows, self._links, width, _SIDE_GAP, lanes)
        left = min((x[node] - width[node] / 2 for row in self._rows for node in row), default=0.0) - _MARGIN
        x = {node: at - left for node, at in x.items()}
        right = max((x[node] + width[node] / 2 for node in x), default=0.0) + _MARGIN
        top: dict[Node, float] = {}
        bottom: dict[Node, float] = {}
        y = _MARGIN + _START
        for row in self._rows:
            height = max(self._size[node][1] for node in row)
            for node in row:
                top[node], bottom[node] = y, y + height
            y += height + _LAYER_GAP
        drawing = Drawing(right, y - _LAYER_GAP + _MARGIN)
        for name, state in self._machine.states.items():
            self._put(drawing, state, x[name], top[name])
        for node, route in self._labelled.items():
            (wide, high), edge = self._size[node], route.edge
            at = x[node] - wide / 2
            drawing.add(Label(route.source, edge.target, edge.label, edge.condition, at, top[node], wide, high))
        for route in self._routes:
            drawing.add(self._wire(route, x, top, bottom))
        return drawing

    def _break_cycles(self) -> list[_Route]:
        states = self._machine.states
        following: dict[Node, list[Node]] = {
            name: [edge.target for edge in state.edges] for name, state in states.items()
        }
        upward = back_edges(self._machine.start, following)
        return [
            _Route(name, edge, (name, edge.target) in upward) for name, state in states.items() for edge in state.edges
        ]

    def _layered(self) -> tuple[list[list[Node]], list[Link]]:
        """Rows of nodes and the links between neighbouring rows; fills every route's places."""
        nodes: list[Node] = list(self._machine.states)
        links: list[Link] = []
        for index, route in enumerate(self._routes):
            ends = (route.edge.target, route.source) if route.upward else (route.source, route.edge.target)
            if route.source == route.edge.target:
                continue
            route.places = list(ends)
            if route.edge.label:
                node: Node = ("label", index)
                nodes.append(node)
                self._labelled[node] = route
                self._size[node] = (len(route.edge.label) * _SMALL_LETTER + 10, _LABEL_HEIGHT)
                route.places.insert(1, node)
            links += zip(route.places, route.places[1:], strict=False)
        layer = layers_of(nodes, links)
        rows: list[list[Node]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
        for node in nodes:
            rows[layer[node]].append(node)
        short: dict[Link, None] = {}
        for route in self._routes:
            if route.places:
                route.places = self._through(route, layer, rows)
                short.update(dict.fromkeys(zip(route.places, route.places[1:], strict=False)))
        return ordered(rows, list(short)), list(short)

    def _through(self, route: _Route, layer: dict[Node, int], rows: list[list[Node]]) -> list[Node]:
        """The places with a lane in every layer between; routes of a kind to the same state share their lanes."""
        full: list[Node] = [route.places[0]]
        for upper, lower in zip(route.places, route.places[1:], strict=False):
            for at in range(layer[upper] + 1, layer[lower]):
                lane = ("lane", route.edge.target, route.edge.kind == "catch", route.upward, at)
                if lane not in self._size:
                    self._size[lane] = (_LANE, 0.0)
                    rows[at].append(lane)
                full.append(lane)
            full.append(lower)
        return full

    def _put(self, drawing: Drawing, state: State, x: float, y: float) -> None:
        width, height = self._size[state.name]
        box = Box(state, x - width / 2, y, width, height)
        drawing.add(box)
        inside = box.x + _FRAME
        for inner in self._inner[state.name]:
            for thing in inner.moved(inside, y + _HEADER):
                drawing.add(thing)
            inside += inner.width + _FRAME

    def _wire(self, route: _Route, x: dict[Node, float], top: dict[Node, float], bottom: dict[Node, float]) -> Wire:
        edge = route.edge
        if not route.places:
            return Wire(route.source, edge.target, edge.kind, self._loop(route.source, x, top), edge.condition)
        points: list[tuple[float, float]] = []
        for place in route.places:
            end = top[place] + self._size[place][1] if place == route.places[0] else bottom[place]
            if place != route.places[0]:
                points.append((x[place], top[place]))
            if place != route.places[-1]:
                points.append((x[place], end))
                if end < bottom[place]:
                    points.append((x[place], bottom[place]))
        if route.upward:
            points.reverse()
        return Wire(route.source, edge.target, edge.kind, _path(points), edge.condition)

    def _loop(self, name: Node, x: dict[Node, float], top: dict[Node, float]) -> str:
        width, height = self._size[name]
        right, middle = x[name] + width / 2, top[name] + height / 2
        return _path([(right, middle + 8), (right + _SIDE_GAP / 2, middle), (right, middle - 8)])


def _size(state: State, inner: Sequence[Drawing]) -> tuple[float, float]:
    width = max(_NARROWEST, len(state.name) * _LETTER + 28)
    if not inner:
        return width, _BOX_HEIGHT
    inside = sum(one.width for one in inner) + _FRAME * (len(inner) + 1)
    return max(width, inside), max(one.height for one in inner) + _HEADER + _FRAME


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Straight down through the layers, bent between them."""
    (x, y), *rest = points
    parts = [f"M {x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        if abs(next_x - x) < 0.5:
            parts.append(f"L {next_x:.1f} {next_y:.1f}")
        else:
            middle = (y + next_y) / 2
            parts.append(f"C {x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return " ".join(parts)


def _moved(path: str, x: float, y: float) -> str:
    words = path.split()
    numbers = [at for at, word in enumerate(words) if not word.isalpha()]
    for count, at in enumerate(numbers):
        words[at] = f"{float(words[at]) + (y if count % 2 else x):.1f}"
    return " ".join(words)
