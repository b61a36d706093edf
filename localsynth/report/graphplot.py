"""A directed graph, drawn from left to right in the order of its nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from typing import TypeAlias

from localsynth.core.explaining import Graph
from localsynth.core.words import counted

from .markup import Html, tag
from .plaintext import clipped, one_line
from .svg import figure_svg, label, short

__all__ = ["MOST_NODES", "drawn_nodes", "graph_svg", "layers", "way"]

MOST_NODES = 40
_WIDE, _HIGH, _THIN, _ACROSS, _DOWN = (
    132.0,
    24.0,
    2.0,
    66.0,
    14.0,
)  # a box, a way past one; what is between two
_EDGE, _FOR_BACK = 4.0, 30.0
_LETTERS = 19

Link: TypeAlias = tuple[str, str]
#: A node, or the place in a column (from 0) where what a node leads to farther right passes.
Spot: TypeAlias = "str | tuple[str, int]"
Point: TypeAlias = tuple[float, float]


def drawn_nodes(graph: Graph) -> tuple[str, ...]:
    """Those with an edge, in order, as many as there is room for."""
    alone = set(graph.alone)
    return tuple(name for name in graph.nodes if name not in alone)[:MOST_NODES]


def layers(names: Sequence[str], links: Sequence[Link]) -> list[list[Spot]]:
    """Columns of spots: each node right of all that lead to it from before, with room for what must pass.

    names : in order. links : from one to another; those that go back in the order have no say. Within a column a spot is
    near what leads to it. No column is without a node.
    """
    at = {name: place for place, name in enumerate(names)}
    before: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        if at[source] < at[target]:
            before[target].append(source)
    column: dict[str, int] = {}
    for name in names:
        column[name] = max((column[one] + 1 for one in before[name]), default=0)
    made: list[dict[Spot, list[Spot]]] = [{} for _ in range(max(column.values(), default=-1) + 1)]
    for name in names:
        made[column[name]].setdefault(name, [])
        for source in before[name]:
            for one, other in pairwise(way(source, name, column)):
                made[other[1] if isinstance(other, tuple) else column[other]].setdefault(other, []).append(
                    one
                )
    row: dict[Spot, float] = {}
    for part in made:
        middle = {one: _mean([row[left] for left in lefts], at, one) for one, lefts in part.items()}
        row |= {one: place - len(part) / 2 for place, one in enumerate(sorted(part, key=middle.__getitem__))}
    return [sorted(part, key=row.__getitem__) for part in made]


def way(source: str, target: str, column: Mapping[str, int]) -> list[Spot]:
    """From one node to another farther right, through the columns between them; ways of one source are one."""
    return [source, *((source, between) for between in range(column[source] + 1, column[target])), target]


def _mean(rows: Sequence[float], at: Mapping[str, int], spot: Spot) -> tuple[float, int]:
    place = at[spot if isinstance(spot, str) else spot[0]]
    return (sum(rows) / len(rows) if rows else float(place), place)


def graph_svg(graph: Graph) -> Html:
    """The nodes that have edges, at most 40; what goes back in the order is drawn below, dashed."""
    names = drawn_nodes(graph)
    known, at = set(names), {name: place for place, name in enumerate(names)}
    every = dict.fromkeys((one.source, one.target) for one in graph.links if one.source != one.target)
    links = [link for link in every if known.issuperset(link)]
    back = any(at[source] > at[target] for source, target in links)
    columns = layers(names, links)
    column = {one: number for number, part in enumerate(columns) for one in part if isinstance(one, str)}
    tall = [sum(map(_tall, part)) + _DOWN * (len(part) - 1) for part in columns]
    most = max(tall, default=0.0)
    place: dict[Spot, Point] = {}  # the middle of a spot's left side
    for number, part in enumerate(columns):
        y = _EDGE + (most - tall[number]) / 2
        for spot in part:
            place[spot] = (_EDGE + number * (_WIDE + _ACROSS), y + _tall(spot) / 2)
            y += _tall(spot) + _DOWN
    height = 2 * _EDGE + most + (_FOR_BACK if back else 0.0)
    arrows = [
        _ahead([place[spot] for spot in way(*link, column)])
        if at[link[0]] < at[link[1]]
        else _back(place[link[0]], place[link[1]], height - _FOR_BACK / 2)
        for link in links
    ]
    inside = set(chain.from_iterable(graph.components))
    boxes = [_box(name, place[name], circled=name in inside) for name in names]
    desc = "; ".join(f"{source} leads to {target}" for source, target in links[:MOST_NODES])
    title = f"{graph.title}: {counted(len(names), 'node')}, {counted(len(links), 'arrow')}"
    width = 2 * _EDGE + len(columns) * (_WIDE + _ACROSS) - _ACROSS
    return figure_svg(width, height, title, desc, arrows, boxes, class_="graph")


def _tall(spot: Spot) -> float:
    return _HIGH if isinstance(spot, str) else _THIN


def _box(name: str, place: Point, *, circled: bool) -> Html:
    x, y = place
    css = "node circled" if circled else "node"
    frame = tag("rect", x=short(x), y=short(y - _HIGH / 2), width=_WIDE, height=_HIGH, rx=4, class_=css)
    words = label(x + _WIDE / 2, y + 4, clipped(one_line(name), _LETTERS), "level", "middle")
    return tag("g", tag("title", name), frame, words)


def _ahead(spots: Sequence[Point]) -> list[Html]:
    """From the right of one box to the left of another, straight through what lies between."""
    drawn = [f"M{_pair(spots[0][0] + _WIDE, spots[0][1])}"]
    for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(spots), 1):
        x, last = x + _WIDE, number == len(spots) - 1
        bends = [(x + _ACROSS / 2, y), (to_x - _ACROSS / 2, to_y), (to_x - (5 if last else 0), to_y)]
        drawn.append(f"C{', '.join(_pair(*one) for one in bends)}")
        if not last:
            drawn.append(f"H{short(to_x + _WIDE)}")
    return [tag("path", d="".join(drawn), class_="arrow"), _tip(spots[-1], (-6, -3), (-6, 3))]


def _back(one: Point, other: Point, floor: float) -> list[Html]:
    """From below one box to below another."""
    x, y, to_x, to_y = one[0] + _WIDE * 0.4, one[1] + _HIGH / 2, other[0] + _WIDE * 0.6, other[1] + _HIGH / 2
    bends = [(x, floor + 10), (to_x, floor + 10), (to_x, to_y + 5)]
    d = f"M{_pair(x, y)}C{', '.join(_pair(*bend) for bend in bends)}"
    return [tag("path", d=d, class_="arrow back"), _tip((to_x, to_y), (-3, 6), (3, 6))]


def _pair(x: float, y: float) -> str:
    return f"{short(x)} {short(y)}"


def _tip(at: Point, *corners: Point) -> Html:
    points = " ".join(f"{short(at[0] + x)},{short(at[1] + y)}" for x, y in ((0.0, 0.0), *corners))
    return tag("polygon", points=points, class_="tip")
