"""In which order a row's columns are written: what determines before what is determined, and like beside like.

Dependencies are distilled into edges as permutation-aided fine-tuning does (PAFT, Xu et al. 2024, arXiv 2406.14541): one
column on the left comes before what it determines; of several, each comes after what they determine together, so that the
group is chosen first and the numbers within it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .errors import NotFound, SchemaError
from .nearest import nearest
from .seeds import derive

__all__ = ["Edge", "Ordering", "circles", "order_columns", "orders"]


class Depends(Protocol):
    """A dependency, declared or found."""

    @property
    def determinant(self) -> tuple[str, ...]:
        """The columns on the left."""

    @property
    def dependent(self) -> str:
        """The column on the right."""


@dataclass(frozen=True)
class Edge:
    """``before`` stands before ``after``. why : in words."""

    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Ordering:
    """Every column once, and why.

    edges : what had to be kept. components : columns that determine each other in a circle, so that no order among them
    keeps all edges. placed : why each column stands where it does, in words.
    """

    order: tuple[str, ...]
    edges: tuple[Edge, ...]
    components: tuple[tuple[str, ...], ...]
    placed: Mapping[str, str]


def order_columns(
    names: Sequence[str],
    dependencies: Iterable[Depends] = (),
    strength: Mapping[frozenset[str], float] | None = None,
    cardinality: Mapping[str, int] | None = None,
    target: str | None = None,
    first: str | None = None,
    *,
    fixed: Sequence[str] = (),
) -> Ordering:
    """Put columns in order. The same arguments give the same order.

    Parameters
    ----------
    names : all columns. dependencies : of them; what names others counts for nothing.
    strength : how much two columns say about each other, 0 to 1: normalised mutual information. cardinality : different
        values of each column. What is not given counts as 0.
    target : stands last, unless something depends on it alone. first : stands first (the target may).
    fixed : what a person wrote: these stand first, in that order, whatever depends on them.

    Raises ``NotFound`` for a name that is no column, ``SchemaError`` for one that is named twice.
    """
    by_hand = _by_hand(names, fixed, first)
    for name in [] if target is None else [target]:
        _known(name, names, "the target")
    desk = _Desk(tuple(names), _Graph.of(names, dependencies), strength or {}, cardinality or {}, target)
    return desk.arrange(by_hand)


def orders(
    k: int,
    seed: int,
    names: Sequence[str],
    dependencies: Iterable[Depends] = (),
    strength: Mapping[frozenset[str], float] | None = None,
    cardinality: Mapping[str, int] | None = None,
    target: str | None = None,
    first: str | None = None,
    *,
    fixed: Sequence[str] = (),
) -> list[Ordering]:
    """Up to ``k`` different orders that keep the same edges, that of :func:`order_columns` first; fewer where there are fewer.

    For training on several orders of a row at once. Other arguments and errors are those of :func:`order_columns`.
    """
    dependencies = tuple(dependencies)
    found = [order_columns(names, dependencies, strength, cardinality, target, first, fixed=fixed)]
    by_hand = _by_hand(names, fixed, first)
    desk = _Desk(tuple(names), _Graph.of(names, dependencies), strength or {}, cardinality or {}, target)
    for attempt in range(20 * max(k, 0)):
        if len(found) >= k:
            break
        # Columns that belong together stay neighbours as long as that leaves orders to find.
        other = desk.arrange(by_hand, derive(seed, "order", attempt), loose=attempt >= 10 * k)
        if all(other.order != one.order for one in found):
            found.append(other)
    return found[: max(k, 0)]


def circles(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Sets of two nodes or more that lead to each other in a circle; all in the order of ``nodes``."""
    at = {node: place for place, node in enumerate(nodes)}
    found = [part for part in _strongly_connected(nodes, edges) if len(part) > 1]
    return tuple(tuple(sorted(part, key=at.__getitem__)) for part in found)


def _known(name: str, names: Sequence[str], what: str) -> None:
    if name not in names:
        raise NotFound(f"{what} '{name}' is no column{nearest(name, names)}", f"columns: {', '.join(names)}")


def _by_hand(names: Sequence[str], fixed: Sequence[str], first: str | None) -> tuple[str, ...]:
    """What stands first, in order."""
    wanted = list(fixed)
    if first is not None and first not in wanted:
        wanted.insert(0, first)
    for at, name in enumerate(wanted):
        _known(name, names, "the order names what is not there:")
        if name in wanted[:at]:
            raise SchemaError(f"the order names '{name}' twice", "name each column once")
    return tuple(wanted)


@dataclass(frozen=True)
class _Graph:
    """Edges, and what stands closely together. tells : dependent -> its determinants of one column. mates : composite
    determinants, each with what it determines.
    """

    edges: tuple[Edge, ...]
    tells: Mapping[str, tuple[str, ...]]
    mates: tuple[tuple[tuple[str, ...], str], ...]

    @classmethod
    def of(cls, names: Sequence[str], dependencies: Iterable[Depends]) -> _Graph:
        edges: dict[tuple[str, str], Edge] = {}
        tells: dict[str, tuple[str, ...]] = {}
        mates: list[tuple[tuple[str, ...], str]] = []
        different = dict.fromkeys(
            (tuple(dict.fromkeys(one.determinant)), one.dependent) for one in dependencies
        )
        for left, right in different:
            if not left or right in left or not {*left, right} <= set(names):
                continue
            if len(left) == 1:
                edges.setdefault((left[0], right), Edge(left[0], right, f"{left[0]} determines {right}"))
                tells[right] = (*tells.get(right, ()), left[0])
                continue
            mates.append((left, right))
            for name in left:
                why = f"{_list(left)} together determine {right}, which is chosen first"
                edges.setdefault((right, name), Edge(right, name, why))
        return cls(tuple(edges.values()), tells, tuple(mates))


class _Row:
    """The columns placed so far. like : of each column, which of those it is most like, and how much."""

    def __init__(self, names: Iterable[str], strength: Mapping[frozenset[str], float]) -> None:
        self._strength = strength
        self.place: dict[str, int] = {}
        self.why: dict[str, str] = {}
        self.like: dict[str, tuple[float, str]] = dict.fromkeys(names, (0.0, ""))

    def put(self, name: str, why: str) -> None:
        """Place the next column."""
        self.place[name] = len(self.place)
        self.why[name] = why
        for other, (most, _) in self.like.items():
            strength = self._strength.get(frozenset((name, other)), 0.0)
            if strength > most:
                self.like[other] = (strength, name)


@dataclass
class _Desk:
    """The columns to be placed, and what is known of them."""

    names: tuple[str, ...]
    graph: _Graph
    strength: Mapping[frozenset[str], float]
    cardinality: Mapping[str, int]
    target: str | None
    components: list[tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._at = {name: at for at, name in enumerate(self.names)}
        self._linked = {name for edge in self.graph.edges for name in (edge.before, edge.after)}
        found = _strongly_connected(self.names, [(edge.before, edge.after) for edge in self.graph.edges])
        self.components = [tuple(sorted(part, key=self._small)) for part in found]

    def arrange(self, by_hand: Sequence[str], seed: int | None = None, *, loose: bool = False) -> Ordering:
        """One order. seed : choose at random where what belongs together leaves a choice; loose : where the edges do."""
        row = _Row(self.names, self.strength)
        for name in by_hand:
            row.put(name, "put there by hand")
        left = [tuple(name for name in part if name not in row.place) for part in self.components]
        before = self._before([part for part in left if part])
        while before:
            ready = [part for part, others in before.items() if others <= row.place.keys()]
            part = min(ready, key=lambda one: self._rank(one, row, seed, loose=loose))
            del before[part]
            if seed is not None:
                part = tuple(sorted(part, key=lambda name: derive(seed or 0, "within", name)))
            for name in part:
                row.put(name, self._why(name, part, row))
        circles = tuple(part for part in self.components if len(part) > 1)
        return Ordering(tuple(row.place), self.graph.edges, circles, row.why)

    def _small(self, name: str) -> tuple[int, int]:
        return self.cardinality.get(name, 0), self._at[name]

    def _before(self, parts: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], set[str]]:
        """What must be placed before each of these; what is in none of them is placed already."""
        part_of = {name: part for part in parts for name in part}
        before: dict[tuple[str, ...], set[str]] = {part: set() for part in parts}
        for edge in self.graph.edges:
            if (
                edge.before in part_of
                and edge.after in part_of
                and part_of[edge.before] != part_of[edge.after]
            ):
                before[part_of[edge.after]].add(edge.before)
        return before

    def _rank(self, part: tuple[str, ...], row: _Row, seed: int | None, *, loose: bool) -> tuple[float, ...]:
        """The least comes next: a column that belongs to the one just placed, then the most alike, then the smallest."""
        last = float(self.target in part)
        if loose:
            return (last, float(derive(seed or 0, "next", len(row.place), part[0])))
        told = max((row.place[name] for name in self._determinants(part, row)), default=-1)
        close = (last, 0.0 if self._has_mate(part, row) else 1.0, -float(told))
        if seed is not None:
            return (*close, float(derive(seed, "next", len(row.place), part[0])))
        linked = part[0] in self._linked
        like = max(row.like[name][0] for name in part)
        return (*close, 0.0 if linked else 1.0, -like, *map(float, self._small(part[0])))

    def _has_mate(self, part: Collection[str], row: _Row) -> bool:
        """A column placed already determines something only together with one of these."""
        return any(
            any(name in part for name in left) and any(name in row.place for name in left if name not in part)
            for left, _ in self.graph.mates
        )

    def _determinants(self, part: Iterable[str], row: _Row) -> list[str]:
        return [one for name in part for one in self.graph.tells.get(name, ()) if one in row.place]

    def _why(self, name: str, part: Sequence[str], row: _Row) -> str:
        circle = [other for other in part if other != name]
        if circle:
            return f"in a circle with {_list(circle)}"
        if told := self._determinants([name], row):
            return f"{_list(told)} {'determines' if len(told) == 1 else 'determine'} it"
        for left, right in self.graph.mates:
            if name in left and right in row.place:
                others = _list([other for other in left if other != name])
                return f"determines {right} only together with {others}, so {right} is chosen first"
        if name == self.target:
            return "the target"
        for left, right in self.graph.mates:
            if name == right:
                return f"{_list(left)} determine it only together, so it is chosen before them"
        if name in self._linked:
            return "determines others"
        most, other = row.like[name]
        if not most:
            return "no dependency, and like none of those before"
        return f"no dependency; most like {other} ({most:.2f})"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _strongly_connected(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Strongly connected components (Kosaraju and Sharir), in the order of their first nodes; no recursion."""
    ahead: dict[str, list[str]] = {node: [] for node in nodes}
    back: dict[str, list[str]] = {node: [] for node in nodes}
    for one, other in edges:
        ahead[one].append(other)
        back[other].append(one)
    finished: list[str] = []
    seen: set[str] = set()
    for start in nodes:
        _walk(start, ahead, seen, finished)
    component: dict[str, list[str]] = {}
    seen.clear()
    for start in reversed(finished):
        found: list[str] = []
        _walk(start, back, seen, found)
        component |= dict.fromkeys(found, found)
    different = {id(part): part for part in (component[node] for node in nodes)}
    return list(different.values())


def _walk(start: str, ahead: Mapping[str, Sequence[str]], seen: set[str], finished: list[str]) -> None:
    """Depth first from ``start``; nodes are added to ``finished`` when all that follows them is."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(ahead[start]))]
    while stack:
        node, following = stack[-1]
        for other in following:
            if other not in seen:
                seen.add(other)
                stack.append((other, iter(ahead[other])))
                break
        else:
            finished.append(node)
            stack.pop()
