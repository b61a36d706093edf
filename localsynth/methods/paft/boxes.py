"""Numbers held to a range: what a cell may be where it is more than one text, and the boxes that groups of rows lie in.

A box is the smallest and the largest value seen of each column, widened by nothing. Numbers are counted in steps of the last
decimal, days and moments in days and minutes, so that every comparison is exact.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from localsynth.core.columns import (
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from localsynth.core.grammar import Day, Grammar, Moment, Number

__all__ = ["ANYTHING", "LEAST", "Axis", "Cell", "Pattern", "Within", "apart", "axis_of", "box_of"]

LEAST = 5  # rows that a box is told of: that of fewer would tell where each of them is


@dataclass(frozen=True)
class Within:
    """Any value from ``low`` to ``high``, both allowed, in the steps of its column's axis."""

    low: int
    high: int


#: What may stand in a cell: this very text, a value within a range, or (``None``) anything its column allows.
Cell: TypeAlias = str | Within | None
#: Cells that go together.
Pattern: TypeAlias = tuple[Cell, ...]

ANYTHING: None = None
_FIRST = datetime(1, 1, 1)  # noqa: DTZ001 - columns of moments have no zone


@dataclass(frozen=True)
class Axis:
    """The values of a column of numbers, days or moments as whole numbers. span : what the column allows."""

    column: IntegerColumn | FloatColumn | DateColumn | DatetimeColumn

    def place(self, text: str) -> int:
        """The value that a cell's text (not empty) stands for."""
        match self.column:
            case DateColumn():
                return date.fromisoformat(text).toordinal()
            case DatetimeColumn():
                return (datetime.fromisoformat(text) - _FIRST) // timedelta(minutes=1)
            case _:
                return int(text.replace(".", ""))

    @property
    def span(self) -> Within:
        """All that the column allows."""
        match self.column:
            case DateColumn(range=(low, high)):
                return Within(low.toordinal(), high.toordinal())
            case DatetimeColumn(range=(first, last)):
                minute = timedelta(minutes=1)
                return Within((first - _FIRST) // minute, (last - _FIRST) // minute)
            case IntegerColumn() | FloatColumn():
                return Within(*self.column.scaled_bounds)

    def scaled(self, low: float, high: float) -> Within | None:
        """The values of a column of numbers from ``low`` to ``high``; ``None`` where there are none, or it has no numbers."""
        if not isinstance(self.column, IntegerColumn | FloatColumn):
            return None
        decimals = self.column.decimals if isinstance(self.column, FloatColumn) else 0
        steps = 10**decimals
        # A tolerance of a millionth of a step: 0.1 * 10 is not exactly 1 in binary.
        return self.common(Within(math.ceil(low * steps - 1e-6), math.floor(high * steps + 1e-6)))

    def common(self, within: Within) -> Within | None:
        """What of it the column allows."""
        low, high = max(within.low, self.span.low), min(within.high, self.span.high)
        return Within(low, high) if low <= high else None

    def grammar(self, within: Within) -> Grammar:
        """The texts of these values."""
        low, high = within.low, within.high
        match self.column:
            case DateColumn():
                return Day(date.fromordinal(low), date.fromordinal(high))
            case DatetimeColumn():
                return Moment(_FIRST + timedelta(minutes=low), _FIRST + timedelta(minutes=high))
            case FloatColumn(decimals=decimals):
                return Number(low, high, decimals)
            case IntegerColumn():
                return Number(low, high, 0)


def axis_of(column: Column) -> Axis | None:
    """The axis of a column of numbers, days or moments; ``None`` for other kinds."""
    if isinstance(column, IntegerColumn | FloatColumn | DateColumn | DatetimeColumn):
        return Axis(column)
    return None


def box_of(rows: Iterable[Sequence[int]]) -> tuple[Within, ...]:
    """The smallest and the largest of each place, over rows (at least one) of as many whole numbers each."""
    return tuple(Within(min(values), max(values)) for values in zip(*rows, strict=True))


def apart(patterns: Iterable[tuple[Pattern, Cell]]) -> bool:
    """Whether no row can have the determinant of two of these and two different dependents.

    patterns : (determinant, dependent). Where the determinant's cells are texts alone this asks for a function.
    """
    grouped: Mapping[tuple[str | None, ...], list[tuple[tuple[Within, ...], Cell]]] = defaultdict(list)
    for determinant, dependent in patterns:
        texts = tuple(cell if isinstance(cell, str) else None for cell in determinant)
        box = tuple(cell for cell in determinant if isinstance(cell, Within))
        grouped[texts].append((box, dependent))
    return all(_disjoint(group) for group in grouped.values())


def _disjoint(group: list[tuple[tuple[Within, ...], Cell]]) -> bool:
    """Along the first place of the boxes, those that reach as far as the next begins are compared with it."""
    if not group[0][0]:
        return len({dependent for _, dependent in group}) == 1
    open_: list[tuple[tuple[Within, ...], Cell]] = []
    for box, dependent in sorted(group, key=lambda one: one[0][0].low):
        open_ = [one for one in open_ if one[0][0].high >= box[0].low]
        for other, its in open_:
            if its != dependent and all(
                a.low <= b.high and b.low <= a.high for a, b in zip(box, other, strict=True)
            ):
                return False
        open_.append((box, dependent))
    return True
