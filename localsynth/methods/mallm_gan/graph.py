"""Causal graphs over a table's columns: read, checked, changed by single edges, never with a cycle.

A graph is the part of theta that says which columns tell each other; what proposes it may be a model, so whatever it writes
is checked here, and refused in words that can be shown to it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["MOST_PARENTS", "Edge", "Graph", "Move", "distance"]

#: Parents of one variable, unless told otherwise: more than three leave too few rows in each of their cells.
MOST_PARENTS = 3

Edge: TypeAlias = tuple[str, str]  # (cause, effect)


@dataclass(frozen=True, slots=True)
class Move:
    """A change of one edge. reverse : ``cause -> effect`` is there and becomes ``effect -> cause``."""

    kind: Literal["add", "remove", "reverse"]
    cause: str
    effect: str

    @property
    def words(self) -> str:
        """``add smoke -> lung``."""
        return f"{self.kind} {self.cause} -> {self.effect}"


@dataclass(frozen=True)
class Graph:
    """A directed acyclic graph.

    names : all variables, in the table's order. parents : of each of them, in that order too.
    Raises ``ValueError`` for anything else, cycles included; see :meth:`of` for edges in any order.
    """

    names: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        place = {name: at for at, name in enumerate(self.names)}
        if len(place) < len(self.names):
            twice = next(name for at, name in enumerate(self.names) if place[name] != at)
            raise ValueError(f"there are two variables called '{twice}'")
        _check_names(self.names, self.parents)
        own: dict[str, tuple[str, ...]] = {}
        for name in self.names:
            _check_parents(name, self.parents[name], place)
            own[name] = tuple(sorted(self.parents[name], key=place.__getitem__))
        object.__setattr__(self, "parents", own)
        if cycle := _cycle(self.names, own):
            raise ValueError(f"the graph has a cycle: {' -> '.join(cycle)}")

    def __hash__(self) -> int:
        return hash((self.names, self.edges))

    @classmethod
    def of(cls, names: Sequence[str], edges: Iterable[Edge] = ()) -> Graph:
        """Raises ``ValueError`` for unknown variables, self loops, edges given twice, and cycles."""
        parents: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
        for cause, effect in edges:
            if effect not in parents:
                raise ValueError(f"there is no variable called '{effect}'")
            parents[effect] = (*parents[effect], cause)
        return cls(tuple(names), parents)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """(cause, effect), by the table's order of the effects, then of the causes."""
        return tuple((cause, effect) for effect in self.names for cause in self.parents[effect])

    def order(self, first: Sequence[str] = ()) -> tuple[str, ...]:
        """All variables, causes before their effects (Kahn 1962).

        Of those whose causes are all there, the ones in ``first`` come first, as they stand there; then the table's order
        counts. Names that are no variables have no say.
        """
        rank = {name: at for at, name in enumerate(dict.fromkeys((*first, *self.names)))}
        return tuple(_sorted(self.names, self.parents, rank))

    def dump(self) -> dict[str, dict[str, list[str]]]:
        """JSON-able: ``{variable: {"parents": [...]}}``."""
        return {name: {"parents": list(self.parents[name])} for name in self.names}

    @classmethod
    def load(cls, names: Sequence[str], data: Any, most: int = MOST_PARENTS) -> Graph:
        """What ``dump`` gave, or what a model wrote in its form.

        Raises ``ValueError`` with one sentence: another form, a variable that is unknown or missing, a parent given twice,
        a variable as its own parent, more than ``most`` parents, a cycle.
        """
        if not isinstance(data, Mapping):
            raise ValueError('the graph must be an object {variable: {"parents": [...]}}')
        _check_names(names, data)
        parents: dict[str, tuple[str, ...]] = {}
        for name in names:
            entry = data[name]
            listed = (
                entry.get("parents") if isinstance(entry, Mapping) and set(entry) == {"parents"} else None
            )
            if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
                raise ValueError(
                    f"""'{name}' must be an object {{"parents": [...]}} with names of variables"""
                )
            _check_most(name, len(listed), most)
            parents[name] = tuple(listed)
        return cls(tuple(names), parents)

    def after(self, move: Move, most: int = MOST_PARENTS) -> Graph:
        """The graph with the move made.

        Raises ``ValueError`` where it makes a cycle or more than ``most`` parents, where an edge to be added is there
        already (in either direction), and where one to be removed or reversed is not.
        """
        for name in (move.cause, move.effect):
            if name not in self.parents:
                raise ValueError(f"there is no variable called '{name}'")
        parents = dict(self.parents)
        if move.kind == "add":
            for edge in ((move.cause, move.effect), (move.effect, move.cause)):
                if edge[0] in parents[edge[1]]:
                    raise ValueError(f"the edge {edge[0]} -> {edge[1]} is there already")
        elif move.cause not in parents[move.effect]:
            raise ValueError(f"there is no edge {move.cause} -> {move.effect}")
        else:
            parents[move.effect] = tuple(one for one in parents[move.effect] if one != move.cause)
        if move.kind != "remove":
            cause, effect = (move.cause, move.effect) if move.kind == "add" else (move.effect, move.cause)
            parents[effect] = (*parents[effect], cause)
            _check_most(effect, len(parents[effect]), most)
        return Graph(self.names, parents)

    def moves(self, most: int = MOST_PARENTS) -> tuple[Move, ...]:
        """All moves after which it is a graph with at most ``most`` parents each, in the table's order."""
        return tuple(self._moves(most))

    def _moves(self, most: int) -> Iterator[Move]:
        reached, children = self._reached(), self._children()
        bit = {name: 1 << at for at, name in enumerate(self.names)}
        free = {name: len(self.parents[name]) < most for name in self.names}
        for cause in self.names:
            for effect in self.names:
                if cause in self.parents[effect]:
                    yield Move("remove", cause, effect)
                    # Reversed it closes a cycle where another way leads from the cause to the effect.
                    others = (reached[child] for child in children[cause] if child != effect)
                    if free[cause] and not any(ways & bit[effect] for ways in others):
                        yield Move("reverse", cause, effect)
                elif free[effect] and not reached[effect] & bit[cause]:
                    yield Move("add", cause, effect)

    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {name: [] for name in self.names}
        for cause, effect in self.edges:
            children[cause].append(effect)
        return children

    def _reached(self) -> dict[str, int]:
        """What each variable leads to, itself included: bit ``i`` for the ``i``-th name."""
        reached = {name: 1 << at for at, name in enumerate(self.names)}
        children = self._children()
        for name in reversed(self.order()):
            for child in children[name]:
                reached[name] |= reached[child]
        return reached


def distance(one: Graph, other: Graph) -> int:
    """The structural Hamming distance: pairs of variables whose edge is missing, too many, or turned round.

    Raises ``ValueError`` where they are over different variables.
    """
    if set(one.names) != set(other.names):
        raise ValueError("the graphs are over different variables")
    own, others = set(one.edges), set(other.edges)
    return len({frozenset(edge) for edge in own ^ others})


def _check_names(names: Sequence[str], given: Mapping[Any, Any]) -> None:
    known = set(names)
    if unknown := [name for name in given if name not in known]:
        raise ValueError(f"there is no variable called '{unknown[0]}'")
    if missing := [name for name in names if name not in given]:
        raise ValueError(f"the variable '{missing[0]}' is missing")


def _check_parents(name: str, parents: Sequence[str], known: Mapping[str, int]) -> None:
    for at, parent in enumerate(parents):
        if parent not in known:
            raise ValueError(f"'{name}' has a parent '{parent}', and there is no variable of that name")
        if parent == name:
            raise ValueError(f"'{name}' is its own parent")
        if parent in parents[:at]:
            raise ValueError(f"'{name}' has the parent '{parent}' twice")


def _check_most(name: str, parents: int, most: int) -> None:
    if parents > most:
        raise ValueError(f"'{name}' has {parents} parents, and may have {most} at most")


def _sorted(names: Sequence[str], parents: Mapping[str, Sequence[str]], rank: Mapping[str, int]) -> list[str]:
    """Causes before effects, of those that are free the one of lowest rank; what lies on or behind a cycle is left out."""
    waiting = {name: len(parents[name]) for name in names}
    children: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        for parent in parents[name]:
            children[parent].append(name)
    free = [(rank[name], name) for name in names if not waiting[name]]
    heapq.heapify(free)
    found: list[str] = []
    while free:
        name = heapq.heappop(free)[1]
        found.append(name)
        for child in children[name]:
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(free, (rank[child], child))
    return found


def _cycle(names: Sequence[str], parents: Mapping[str, Sequence[str]]) -> list[str]:
    """A cycle from cause to effect, its first variable at both ends; empty where there is none."""
    rank = {name: at for at, name in enumerate(names)}
    left = set(names) - set(_sorted(names, parents, rank))
    if not left:
        return []
    # Whatever is left has a parent that is left: going from parent to parent comes back to where it was.
    seen: dict[str, int] = {}
    name = min(left, key=rank.__getitem__)
    while name not in seen:
        seen[name] = len(seen)
        name = next(parent for parent in parents[name] if parent in left)
    cycle = list(seen)[seen[name] :][::-1]
    start = cycle.index(min(cycle, key=rank.__getitem__))
    return [*cycle[start:], *cycle[:start], cycle[start]]
