"""Layered drawing of a directed graph: cycles broken, longest-path layers, few crossings, straight chains.

Sugiyama, Tagawa, Toda: "Methods for visual understanding of hierarchical system structures" (1981), with the layer
positions found by isotonic regression. A long edge runs through one place in every layer it passes; edges to the same
place share these, so that forty error paths to one state are one line.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

Node = Hashable
Link = tuple[Node, Node]

_SWEEPS: Final = 8
_STRAIGHTENING: Final = 40


def back_edges(start: Node, following: Mapping[Node, Sequence[Node]]) -> set[Link]:
    """Edges that close a cycle, as a walk from the start finds them; without them the graph has none."""
    found: set[Link] = set()
    done: set[Node] = set()
    for root in [start, *following]:
        if root in done or root not in following:
            continue
        path, on_path = [(root, iter(following[root]))], {root}
        while path:
            node, rest = path[-1]
            for target in rest:
                if target in on_path:
                    found.add((node, target))
                elif target not in done:
                    path.append((target, iter(following[target])))
                    on_path.add(target)
                    break
            else:
                path.pop()
                on_path.discard(node)
                done.add(node)
    return found


def layers_of(nodes: Sequence[Node], links: Iterable[Link]) -> dict[Node, int]:
    """Each node's layer: the longest path that leads to it. The links have no cycle."""
    following, waiting = defaultdict(list), dict.fromkeys(nodes, 0)
    for upper, lower in links:
        following[upper].append(lower)
        waiting[lower] += 1
    layer = dict.fromkeys(nodes, 0)
    ready = [node for node in nodes if not waiting[node]]
    while ready:
        node = ready.pop()
        for lower in following[node]:
            layer[lower] = max(layer[lower], layer[node] + 1)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return layer


def ordered(rows: list[list[Node]], links: Sequence[Link]) -> list[list[Node]]:
    """The rows with their nodes in an order that crosses few links; every link joins neighbouring rows."""
    above, below = defaultdict(list), defaultdict(list)
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    rows = [list(row) for row in rows]
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        for index in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            place = {node: at for at, node in enumerate(rows[index - 1 if down else index + 1])}
            near = above if down else below
            own = {node: at for at, node in enumerate(rows[index])}
            rows[index].sort(key=lambda node: _mean([place[one] for one in near[node]], own[node]))
        if (count := _crossings(rows, below)) < fewest:
            best, fewest = [list(row) for row in rows], count
    return best


def positions(
    rows: Sequence[Sequence[Node]], links: Sequence[Link], width: Mapping[Node, float], gap: float, stiff: set[Node]
) -> dict[Node, float]:
    """The x of every node's middle: near its neighbours, in the row's order, with a gap between.

    Args:
        rows: nodes from left to right, layer by layer.
        links: between neighbouring rows.
        width: of each node.
        gap: least space between two neighbours of a row.
        stiff: nodes whose chains are to be straight.
    """
    near: dict[Node, list[tuple[Node, float]]] = defaultdict(list)
    for upper, lower in links:
        weight = 16.0 if upper in stiff and lower in stiff else 2.0 if upper in stiff or lower in stiff else 1.0
        near[upper].append((lower, weight))
        near[lower].append((upper, weight))
    x: dict[Node, float] = {}
    for row in rows:
        x.update(_spread(row, dict.fromkeys(row, 0.0), dict.fromkeys(row, 1.0), width, gap))
    for sweep in range(_STRAIGHTENING):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted, weights = {}, {}
            for node in row:
                total = sum(weight for _, weight in near[node])
                weights[node] = total or 0.1
                wanted[node] = sum(x[one] * weight for one, weight in near[node]) / total if total else x[node]
            x.update(_spread(row, wanted, weights, width, gap))
    return x


def _spread(
    row: Sequence[Node],
    wanted: Mapping[Node, float],
    weights: Mapping[Node, float],
    width: Mapping[Node, float],
    gap: float,
) -> dict[Node, float]:
    """The places nearest to those wanted (least squares) that keep order and gap: pool adjacent violators."""
    offset, offsets = 0.0, []
    for index, node in enumerate(row):
        if index:
            offset += (width[row[index - 1]] + width[node]) / 2 + gap
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []
    for node, shift in zip(row, offsets, strict=True):
        value, weight, count = wanted[node] - shift, weights[node], 1
        while pools and pools[-1][0] >= value:
            other, its_weight, its_count = pools.pop()
            value = (value * weight + other * its_weight) / (weight + its_weight)
            weight, count = weight + its_weight, count + its_count
        pools.append((value, weight, count))
    values = [value for value, _, count in pools for _ in range(count)]
    return {node: value + shift for node, value, shift in zip(row, values, offsets, strict=True)}


def _crossings(rows: Sequence[Sequence[Node]], below: Mapping[Node, Sequence[Node]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        place = {node: at for at, node in enumerate(lower)}
        ends = [place[target] for node in upper for target in sorted(below.get(node, ()), key=place.__getitem__)]
        total += sum(left > right for at, left in enumerate(ends) for right in ends[at + 1 :])
    return total


def _mean(values: Sequence[int], otherwise: int) -> float:
    return sum(values) / len(values) if values else otherwise
