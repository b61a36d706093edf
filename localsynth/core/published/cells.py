"""Cells as reports name them: ``18-24``, ``65+``, ``[18, 25)``, ``2024-Q1``, ``Food | Apparel``, ``other``, ``missing``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from localsynth.core.celllabels import value_label
from localsynth.core.columns import BooleanColumn, Column, IntegerColumn
from localsynth.core.nearest import nearest
from localsynth.core.steps import OrderedColumn, bounds, is_nominal, levels, steps_of
from localsynth.core.targets import Axis

from .periods import Mark, read_mark

__all__ = ["MISSING", "OTHER", "BadCell", "axis_of_edges", "axis_of_groups", "axis_of_names"]

MISSING, OTHER = "missing", "other"
_HALF_OPEN = re.compile(r"\[\s*(.+?)\s*[,;]\s*(.+?)\s*\)")
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_NUMBERS = re.compile(rf"({_NUMBER})\s*(?:-|–|—|to|\.\.)\s*({_NUMBER})")
_DAYS = re.compile(r"(.+?)(?:\s+-\s+|\s*[–—]\s*|\s+to\s+|\s*\.\.\s*)(.+)")
_FROM = re.compile(r"(.+?)\s*(?:\+|and over|and more|and older|or more)|(?:>=|≥|from)\s*(.+)")
_BEFORE = re.compile(r"(?:<|under|below|before)\s*(.+)")
_UP_TO = re.compile(r"(?:<=|≤|up to)\s*(.+)")
_ABOVE = re.compile(r"(?:>|over|above|after)\s*(.+)")


class BadCell(ValueError):
    """A cell cannot be used; ``at`` is its place among those given, -1 where it is about all of them."""

    def __init__(self, message: str, at: int = -1) -> None:
        super().__init__(message)
        self.at = at


def axis_of_edges(column: Column, values: Sequence[Any]) -> Axis:
    """The axis of ``bins = [18, 25, 35]``: each cell from an edge to before the next.

    The last edge may be the highest value the schema allows: then the last cell holds it, too. Raises ``BadCell``.
    """
    if not isinstance(column, OrderedColumn):
        raise BadCell(f"bins are for numbers and dates; '{column.name}' is {column.kind}")
    low, high = bounds(column)
    edges: list[int] = []
    for at, value in enumerate(values):
        try:
            edges.append(steps_of(column, value))
        except ValueError as error:
            raise BadCell(str(error), at) from None
    if len(edges) < 2:
        raise BadCell("bins need at least two edges")
    for at, (a, b) in enumerate(pairwise(edges)):
        if a >= b:
            raise BadCell(
                f"the edges do not rise: {value_label(column, a)} stands before {value_label(column, b)}",
                at + 1,
            )
    if edges[-1] == high:
        edges[-1] += 1
    for at, edge in ((0, edges[0]), (len(edges) - 1, edges[-1])):
        if not low <= edge <= high + 1:
            raise BadCell(
                f"the edge {value_label(column, edge)} lies outside the schema's range of '{column.name}', {_range(column)}",
                at,
            )
    return Axis(column.name, edges=tuple(edges))


def axis_of_groups(column: Column, groups: Sequence[Sequence[str]]) -> Axis:
    """The axis of ``cells = [["A"], ["B", "C"]]``, which must name each category once. Raises ``BadCell``."""
    known = levels(column)
    if not is_nominal(column):
        raise BadCell(f"cells are lists of categories; '{column.name}' is {column.kind}: give bins")
    seen: set[str] = set()
    made: list[tuple[str, ...]] = []
    other: int | None = None
    for at, group in enumerate(groups):
        cell = tuple(_folded(column, value) for value in group)
        if cell == (OTHER,) and OTHER not in known:
            if other is not None:
                raise BadCell("two cells are 'other'", at)
            other = at
            cell = ()
        elif not cell:
            raise BadCell("a cell is empty", at)
        for value in cell:
            if value not in known:
                raise BadCell(f"'{value}' is no category of '{column.name}'{nearest(value, known)}", at)
            if value in seen:
                raise BadCell(f"'{value}' is in two cells of '{column.name}'", at)
            seen.add(value)
        made.append(cell)
    rest = tuple(value for value in known if value not in seen)
    if other is not None:
        if not rest:
            raise BadCell(f"'other' holds nothing: every category of '{column.name}' has a cell", other)
        made[other] = rest
    elif rest:
        more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
        raise BadCell(
            f"no cell of '{column.name}' holds the category '{rest[0]}'{more}: write 0 if nobody has it"
        )
    return Axis(column.name, labels=tuple(made))


def _folded(column: Column, value: str) -> str:
    return value.lower() if isinstance(column, BooleanColumn) else value


def axis_of_names(
    column: Column, names: Sequence[str], edges: Sequence[int] = ()
) -> tuple[Axis, tuple[int, ...]]:
    """The axis of cells as named in a report, in any order, and the place of each in it.

    edges : those of the column's bins, if they were given beside the names: a number then stands for the cell that begins
    there. Raises ``BadCell``.
    """
    empty = [at for at, name in enumerate(names) if _is_missing(column, name)]
    if len(empty) > 1:
        raise BadCell(f"two cells of '{column.name}' are for missing values", empty[1])
    if empty and not column.nullable:
        raise BadCell(
            f"'{column.name}' has missing values here, but the schema does not allow any: nullable = true",
            empty[0],
        )
    kept = [at for at in range(len(names)) if at not in empty]
    if not kept:
        raise BadCell(f"no cell of '{column.name}' is for values")
    given = [names[at].strip() for at in kept]
    try:
        if isinstance(column, OrderedColumn):
            axis, order = _ordered(column, given, edges)
        elif is_nominal(column):
            axis, order = axis_of_groups(column, [_group(column, name) for name in given]), range(len(given))
        else:
            raise BadCell(f"'{column.name}' is {column.kind}: its values have no cells")
    except BadCell as error:
        raise BadCell(str(error), kept[error.at] if error.at >= 0 else -1) from None
    places = [axis.present] * len(names)
    for at, place in zip(kept, order, strict=True):
        places[at] = place
    return replace(axis, missing=bool(empty)), tuple(places)


def _is_missing(column: Column, name: str) -> bool:
    known = levels(column)
    return name not in known and name.strip().lower() in {"", MISSING} and name.strip() not in known


def _group(column: Column, name: str) -> list[str]:
    if name in levels(column) or "|" not in name:
        return [name]
    return [part.strip() for part in name.split("|")]


@dataclass(frozen=True)
class _Span:
    """A cell: values from ``begin`` to before ``after``; ``None`` where it is open.

    also : where it ends if the next begins there, as in ``18.5-25, 25-30``. clip : it may reach beyond the range.
    """

    begin: int | None
    after: int | None
    name: str
    at: int
    also: int | None = None
    clip: bool = False
    bare: bool = False


def _ordered(column: OrderedColumn, names: Sequence[str], edges: Sequence[int]) -> tuple[Axis, Sequence[int]]:
    low, high = bounds(column)
    spans: list[_Span] = []
    for at, name in enumerate(names):
        try:
            spans.append(_span(column, name, at))
        except ValueError as error:
            hint = (
                "write 2024-01-01 to 2024-03-31, 2024-Q1"
                if "date" in column.kind
                else "write 18-24, 65+, [18, 25)"
            )
            raise BadCell(
                f"the cell '{name}' of '{column.name}' cannot be read: {error} ({hint})", at
            ) from None
    spans.sort(key=lambda span: low if span.begin is None else span.begin)
    begins = [low if span.begin is None else span.begin for span in spans]
    cuts: list[int] = []
    for place, span in enumerate(spans):
        following = begins[place + 1] if place + 1 < len(spans) else None
        begin = max(begins[place], low) if span.clip else begins[place]
        after = _end(column, span, following, high, edges)
        if not low <= begin < after <= high + 1:
            raise BadCell(
                f"the cell '{span.name}' lies outside the schema's range of '{column.name}', {_range(column)}",
                span.at,
            )
        if cuts and begin != cuts[-1]:
            raise BadCell(_misfit(column, spans[place - 1], span, begin, cuts[-1]), span.at)
        cuts += [after] if cuts else [begin, after]
    order = [0] * len(spans)
    for place, span in enumerate(spans):
        order[span.at] = place
    if edges and tuple(edges) != tuple(cuts):
        raise BadCell(f"the cells of '{column.name}' are not those of its bins")
    return Axis(column.name, edges=tuple(cuts)), order


def _misfit(column: OrderedColumn, one: _Span, two: _Span, begin: int, cut: int) -> str:
    if begin < cut:
        return f"the cells '{one.name}' and '{two.name}' of '{column.name}' overlap"
    upto = f" to {value_label(column, begin - 1)}" if begin - 1 > cut else ""
    return (
        f"no cell of '{column.name}' holds {value_label(column, cut)}{upto}, between '{one.name}' and '{two.name}': add it,"
        " with 0 if nobody is in it"
    )


def _end(column: OrderedColumn, span: _Span, following: int | None, high: int, edges: Sequence[int]) -> int:
    if span.bare and span.begin is not None:
        if following is not None:
            return following
        for a, b in pairwise(edges):
            if a == span.begin:
                return b
        if span.begin < high:
            raise BadCell(
                f"the last cell of '{column.name}', '{span.name}', may be that value alone or all from there: write"
                f" '{span.name}-{span.name}' or '{span.name}+'",
                span.at,
            )
        return span.begin + 1
    if span.after is None:
        return high + 1
    if span.also is not None and following == span.also:
        return span.also
    if span.after > high + 1 and (span.clip or (span.also is not None and span.also <= high)):
        return high + 1
    return span.after


def _span(column: OrderedColumn, name: str, at: int) -> _Span:
    """Raises ``ValueError``."""
    text = name.strip()
    numbers = not column.kind.startswith("date")
    if found := _HALF_OPEN.fullmatch(text):
        begin, after = (read_mark(column, part).begin for part in found.groups())
        return _Span(begin, after, name, at)
    if found := (_NUMBERS if numbers else _DAYS).fullmatch(text):
        first, last = (read_mark(column, part.strip()) for part in found.groups())
        # Whole numbers that end where the next cell begins are in both: that is refused as an overlap.
        touching = last.begin > first.begin and not isinstance(column, IntegerColumn) and numbers
        also = last.begin if touching else None
        if last.after <= first.begin:
            raise ValueError("it is upside down")
        return _Span(first.begin, last.after, name, at, also, clip=first.whole or last.whole)
    if found := _FROM.fullmatch(text):
        return _Span(read_mark(column, found.group(1) or found.group(2)).begin, None, name, at)
    if found := _UP_TO.fullmatch(text):
        return _Span(None, _past(read_mark(column, found.group(1))), name, at)
    if found := _BEFORE.fullmatch(text):
        return _Span(None, read_mark(column, found.group(1)).begin, name, at)
    if found := _ABOVE.fullmatch(text):
        return _Span(_past(read_mark(column, found.group(1))), None, name, at)
    mark: Mark = read_mark(column, text)
    return _Span(mark.begin, mark.after, name, at, clip=mark.whole, bare=numbers)


def _past(mark: Mark) -> int:
    """The first value above: after 65 comes 65.1, after 2024 the first day of 2025."""
    return mark.after if mark.whole else mark.begin + 1


def _range(column: OrderedColumn) -> str:
    low, high = bounds(column)
    return f"{value_label(column, low)} to {value_label(column, high)}"
