"""Rows whose cells constrain each other, as a grammar: alternatives nested in each other, equal tails written once.

A constraint lists the cells that may stand together at some places of the row. The row falls into segments that no constraint
reaches across. In a segment the first cell's values are told apart by what they leave open of the rest: values that leave the
same are written as one alternative before a common tail, and the tail, with fewer constraints, falls into segments in turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import TypeAlias

from localsynth.core.columns import Column
from localsynth.core.grammar import Day, Fixed, FreeText, Grammar, Moment, OneOf, Warmed, seq
from localsynth.core.grammar import Sequence as Parts

from .boxes import Axis, Cell, Pattern, Within, axis_of

__all__ = ["Constraint", "Nesting", "TooLarge", "segments"]

#: What a grammar counts towards the bound: its alternatives, and what dates and texts weigh beside them.
_DAY, _MOMENT, _TEXT = 20, 60, 30
_LEVELS = 20  # of alternatives in alternatives: expressions and JSON hold no more than a few hundred brackets in brackets
_EFFORT = 2  # pieces built, dead ends among them, to each alternative allowed


class TooLarge(Exception):
    """The alternatives are too many, or too deep."""


@dataclass(frozen=True)
class Constraint:
    """The cells at ``places`` (rising) must match one of ``patterns``."""

    places: tuple[int, ...]
    patterns: frozenset[Pattern]

    @cached_property
    def parts(self) -> list[Constraint]:
        """Where any choice of cells goes together: one for each cell that is not open. Else itself alone."""
        choices = [frozenset(cells) for cells in zip(*self.patterns, strict=True)]
        if len(self.places) < 2 or prod(map(len, choices)) != len(self.patterns):
            return [self]
        return [
            Constraint((place,), frozenset((cell,) for cell in cells))
            for place, cells in zip(self.places, choices, strict=True)
            if None not in cells
        ]

    def narrowed(self, texts: Mapping[int, frozenset[str]]) -> Constraint:
        """What is left of it where the cells at some places must be one of these texts; itself where that is all."""
        found = self.patterns
        for at, place in enumerate(self.places):
            if place in texts:
                index, own = self._indexed[at], texts[place]
                if not index.keys() <= own:
                    some = {one for text in own & index.keys() for one in index[text]}
                    found = found & some
        return self if len(found) == len(self.patterns) else Constraint(self.places, found)

    @cached_property
    def _indexed(self) -> list[dict[str, set[Pattern]]]:
        """For each place the patterns with each text; empty where ranges or anything may stand there."""
        result = []
        for at in range(len(self.places)):
            texts: dict[str, set[Pattern]] = defaultdict(set)
            other = {pattern for pattern in self.patterns if not isinstance(pattern[at], str)}
            for pattern in self.patterns - other:
                texts[str(pattern[at])].add(pattern)
            result.append({} if other else dict(texts))
        return result

    @cached_property
    def by_text(self) -> dict[str, list[Pattern]]:
        """Text of the first cell -> what may follow it."""
        found: dict[str, list[Pattern]] = defaultdict(list)
        for pattern in self.patterns:
            if isinstance(pattern[0], str):
                found[pattern[0]].append(pattern[1:])
        return dict(found)

    @cached_property
    def ranges(self) -> list[tuple[Within, Pattern]]:
        """Ranges of the first cell, rising, with what may follow."""
        found = [(pattern[0], pattern[1:]) for pattern in self.patterns if isinstance(pattern[0], Within)]
        return sorted(found, key=lambda one: (one[0].low, one[0].high))

    @cached_property
    def open(self) -> list[Pattern]:
        """What may follow any first cell."""
        return [pattern[1:] for pattern in self.patterns if pattern[0] is None]


#: Constraints that hold together.
Held: TypeAlias = frozenset[Constraint]
#: A value of a cell, or a range of values.
_Atom: TypeAlias = Cell
#: A grammar, how many alternatives it has, and how deep they are nested; ``None`` where no text is left.
_Made: TypeAlias = tuple[Grammar, int, int] | None


def segments(constraints: Iterable[Constraint], first: int, last: int) -> list[tuple[int, int, Held]]:
    """First and last place of each segment of the cells from ``first`` to ``last``, and the constraints within it."""
    waiting = sorted(constraints, key=lambda one: one.places[0], reverse=True)
    found, at = [], first
    while at <= last:
        reach, own = at, []
        while waiting and waiting[-1].places[0] <= reach:
            own.append(waiting.pop())
            reach = max(reach, own[-1].places[-1])
        found.append((at, reach, frozenset(own)))
        at = reach + 1
    return found


@dataclass
class Nesting:
    """Builds grammars for the cells of a row.

    columns : in the order written. cells : what each cell may be where nothing constrains it. limit : most alternatives.
    """

    columns: Sequence[Column]
    cells: Sequence[Grammar]
    limit: int
    _axes: list[Axis | None] = field(init=False)
    _segments: dict[tuple[int, int, Held], _Made] = field(init=False, default_factory=dict)
    _spans: dict[tuple[int, int, Held], _Made] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._axes = [axis_of(column) for column in self.columns]

    @property
    def effort(self) -> int:
        """How many pieces were built."""
        return len(self._segments) + len(self._spans)

    def segment(self, first: int, last: int, held: Held) -> _Made:
        """The cells from ``first`` to ``last`` joined by commas, how many alternatives they have, and how deep.

        ``None`` where the constraints contradict each other. Raises ``TooLarge``.
        """
        key = (first, last, held)
        if key not in self._segments:
            if self.effort > _EFFORT * self.limit:
                raise TooLarge
            self._segments[key] = self._make_segment(first, last, held)
        return self._segments[key]

    def _make_segment(self, first: int, last: int, held: Held) -> _Made:
        if not held:
            grammar = self.cells[first]
            return grammar, _weight(grammar), 0
        groups: dict[Held, list[_Atom]] = defaultdict(list)
        for atom, rest in self._atoms(first, held):
            groups[rest].append(atom)
        options: list[Grammar] = []
        weight = alternatives = levels = 0
        for rest, atoms in groups.items():
            tail = self._span(first + 1, last, rest)
            if tail is None:
                continue
            alternatives += len(atoms)
            weight += tail[1]
            levels = max(levels, tail[2] + 1)
            if alternatives + weight > self.limit or levels > _LEVELS:
                raise TooLarge
            head = self._either(first, atoms)
            options.append(seq(head, ",", tail[0]) if first < last else head)
        if not options:
            return None
        if alternatives > 1:  # what is forced is no alternative
            weight += alternatives
        either = options[0] if first == last and len(options) == 1 else OneOf(tuple(options))
        return either, weight, levels

    def _span(self, first: int, last: int, held: Held) -> _Made:
        """Several segments, one after the other."""
        key = (first, last, held)
        if key not in self._spans:
            self._spans[key] = self._make_span(first, last, held)
        return self._spans[key]

    def _make_span(self, first: int, last: int, held: Held) -> _Made:
        parts: list[Grammar | str] = []
        weight = levels = 0
        for begin, end, own in segments(held, first, last):
            made = self.segment(begin, end, own)
            if made is None:
                return None
            parts += [made[0], ","]
            weight += made[1]
            levels = max(levels, made[2])
        return seq(*parts[:-1]), weight, levels

    def _atoms(self, at: int, held: Held) -> Iterable[tuple[_Atom, Held]]:
        """The values the cell at a place may have, texts before ranges, each with the constraints it leaves."""
        here = sorted((one for one in held if one.places[0] == at), key=lambda one: one.places)
        later = [one for one in held if one.places[0] != at]
        for text in sorted({text for one in here for text in one.by_text}, key=self._rank(at)):
            rests = [self._after_text(one, at, text) for one in here]
            if all(rests):
                yield text, _held(here, rests, later)
        if all(one.ranges or one.open for one in here) and any(one.ranges for one in here):
            for within, rests in _pieces(here):
                yield within, _held(here, rests, later)
        if all(one.open for one in here):
            yield None, _held(here, [one.open for one in here], later)

    def _after_text(self, constraint: Constraint, at: int, text: str) -> list[Pattern]:
        axis, rest = self._axes[at], [*constraint.by_text.get(text, ()), *constraint.open]
        if constraint.ranges and axis is not None and text:
            place = axis.place(text)
            rest += [tail for within, tail in constraint.ranges if within.low <= place <= within.high]
        return rest

    def _rank(self, at: int) -> _Rank:
        return _Rank(self._axes[at])

    def _either(self, at: int, atoms: Sequence[_Atom]) -> Grammar:
        axis, options = self._axes[at], list[Grammar]()
        joined: Within | None = None
        for atom in atoms:
            if not isinstance(atom, Within):
                options.append(self.cells[at] if atom is None else Fixed(atom))
            elif joined is not None and joined.high + 1 == atom.low:
                joined = Within(joined.low, atom.high)
            else:
                options += self._range(axis, joined)
                joined = atom
        options += self._range(axis, joined)
        return options[0] if len(options) == 1 else OneOf(tuple(options))

    @staticmethod
    def _range(axis: Axis | None, within: Within | None) -> list[Grammar]:
        return [] if axis is None or within is None else [axis.grammar(within)]


@dataclass(frozen=True)
class _Rank:
    """Numbers and dates by their value, an empty cell first, texts as they are."""

    axis: Axis | None

    def __call__(self, text: str) -> tuple[int, str]:
        return (self.axis.place(text) if self.axis is not None and text else -(2**70), text)


def _held(
    here: Sequence[Constraint], rests: Sequence[Sequence[Pattern]], later: Sequence[Constraint]
) -> Held:
    """The constraints that remain behind a value: ``rests`` of those at its cell, and those that begin further on."""
    remaining = list(later)
    for one, rest in zip(here, rests, strict=True):
        # What allows anything in all its cells constrains nothing.
        if len(one.places) > 1 and not any(all(cell is None for cell in tail) for tail in rest):
            remaining.append(Constraint(one.places[1:], frozenset(rest)))
    return _settled(remaining)


def _settled(constraints: Sequence[Constraint]) -> Held:
    """The same, with what is known of single cells put into what joins them to others, as far as that leads."""
    changed = True
    while changed:
        texts: dict[int, frozenset[str]] = {}
        for one in constraints:
            if len(one.places) == 1 and len(one.by_text) == len(one.patterns):
                own = frozenset(one.by_text)
                texts[one.places[0]] = texts.get(one.places[0], own) & own
        changed, settled = False, []
        for one in constraints:
            narrowed = one.narrowed(texts) if len(one.places) > 1 else one
            settled += narrowed.parts
            changed |= narrowed is not one or len(narrowed.parts) > 1
        constraints = settled
    return frozenset(constraints)


def _pieces(here: Sequence[Constraint]) -> Iterable[tuple[Within, list[list[Pattern]]]]:
    """The line cut wherever a range begins or ends: each piece that all constraints allow, with what they leave."""
    ends = sorted(
        {edge for one in here for within, _ in one.ranges for edge in (within.low, within.high + 1)}
    )
    active: list[list[tuple[Within, Pattern]]] = [[] for _ in here]
    begun = [0] * len(here)
    for low, after in pairwise(ends):
        rests = []
        for at, one in enumerate(here):
            while begun[at] < len(one.ranges) and one.ranges[begun[at]][0].low <= low:
                active[at].append(one.ranges[begun[at]])
                begun[at] += 1
            active[at] = [piece for piece in active[at] if piece[0].high >= low]
            rests.append([tail for _, tail in active[at]] + one.open)
        if all(rests):
            yield Within(low, after - 1), rests


def _weight(grammar: Grammar) -> int:
    match grammar:
        case Fixed():
            return 0
        case OneOf(options):
            return sum(1 + _weight(option) for option in options)
        case Parts(parts):
            return sum(map(_weight, parts))
        case Warmed(part):
            return _weight(part)
        case Day():
            return _DAY
        case Moment():
            return _MOMENT
        case FreeText():
            return _TEXT
        case _:
            return 1
