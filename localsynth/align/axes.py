"""Axes of one column made comparable: cut to what the column may hold, refined together, mapped onto each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.celllabels import value_label
from localsynth.core.columns import Column
from localsynth.core.errors import LocalsynthError
from localsynth.core.steps import levels, range_of
from localsynth.core.targets import Axis

__all__ = ["cell_label", "conform", "mapping", "refine", "span_of"]

Array: TypeAlias = np.ndarray[Any, Any]
_LISTED = 4  # values of a cell that its label names


def _spelt(axis: Axis, column: Column) -> Axis:
    """An axis that does not tell values apart, with its one cell spelt out."""
    if axis.labels or axis.edges:
        return axis
    limits, values = range_of(column), levels(column)
    if limits is not None:
        return replace(axis, edges=(limits[0], limits[1] + 1))
    return replace(axis, labels=(values,)) if values else axis


def span_of(axis: Axis, column: Column) -> Axis:
    """One cell for all values that both the margin's axis and the schema allow, and one for missing values if both do.

    Raises ``LocalsynthError`` where they have no value in common.
    """
    axis, limits, values = _spelt(axis, column), range_of(column), levels(column)
    missing = axis.missing and column.nullable
    if limits is not None and axis.edges:
        low, high = max(axis.edges[0], limits[0]), min(axis.edges[-1], limits[1] + 1)
        if low < high:
            return Axis(axis.column, edges=(low, high), missing=missing)
    elif values and axis.labels:
        kept = set(values).intersection(*[[v for cell in axis.labels for v in cell]])
        if kept:
            return Axis(axis.column, labels=(tuple(v for v in values if v in kept),), missing=missing)
    elif limits is None and not values and not axis.edges and not axis.labels:
        return Axis(axis.column, missing=missing)
    raise LocalsynthError(
        f"no cell of the margin of '{axis.column}' holds a value that the schema allows",
        "compare the range or the categories of the column in the schema with the statistics",
    )


def conform(axis: Axis, span: Axis, column: Column) -> tuple[Axis, Array]:
    """The axis cut to the span and extended to all of it, and which cell of ``axis`` each of its cells comes from.

    -1 : a cell of what ``axis`` left out: other values, or missing ones.
    """
    axis = _spelt(axis, column)
    source: list[int] = []
    if span.edges:
        low, high = span.edges
        edges = sorted({low, high, *(edge for edge in axis.edges if low < edge < high)})
        for start in edges[:-1]:
            at = bisect_right(axis.edges, start) - 1
            source.append(at if at < axis.present else -1)
        made = Axis(axis.column, edges=tuple(edges))
    elif span.labels:
        left, cells = dict.fromkeys(span.labels[0]), []
        for at, cell in enumerate(axis.labels):
            if kept := tuple(value for value in cell if value in left):
                cells.append(kept)
                source.append(at)
                for value in kept:
                    del left[value]
        if left:
            cells.append(tuple(left))
            source.append(-1)
        made = Axis(axis.column, labels=tuple(cells))
    else:
        made = Axis(axis.column)
        source.append(0)
    if span.missing:
        made = replace(made, missing=True)
        source.append(axis.size - 1 if axis.missing else -1)
    return made, np.array(source, np.int64)


def refine(axes: Sequence[Axis]) -> Axis:
    """The coarsest axis of which every one of these is a coarser version. axes : conformed to one span; at least one."""
    first = axes[0]
    if first.edges:
        return replace(first, edges=tuple(sorted({edge for axis in axes for edge in axis.edges})))
    if first.labels:
        together: dict[tuple[int, ...], list[str]] = {}
        places = [_places(axis) for axis in axes]
        for value in places[0]:
            together.setdefault(tuple(place[value] for place in places), []).append(value)
        return replace(first, labels=tuple(map(tuple, together.values())))
    return first


def mapping(base: Axis, axis: Axis) -> Array:
    """The cell of ``axis`` that each cell of ``base`` lies in (int32). base : a refinement of it."""
    if base.edges:
        found = [bisect_right(axis.edges, start) - 1 for start in base.edges[:-1]]
    elif base.labels:
        place = _places(axis)
        found = [place[cell[0]] for cell in base.labels]
    else:
        found = [0]
    if base.missing:
        found.append(axis.size - 1)
    return np.array(found, np.int32)


def _places(axis: Axis) -> dict[str, int]:
    return {value: at for at, cell in enumerate(axis.labels) for value in cell}


def cell_label(column: Column, axis: Axis, cell: int) -> str:
    """A cell in words: ``18 to 24``, ``F``, ``A or B``, ``missing``. Raises ``IndexError``."""
    if not 0 <= cell < axis.size:
        raise IndexError(f"'{axis.column}' has {axis.size} cells, and none numbered {cell}")
    if cell == axis.present:
        return "missing"
    if axis.edges:
        low, high = axis.edges[cell], axis.edges[cell + 1] - 1
        return (
            value_label(column, low)
            if low == high
            else f"{value_label(column, low)} to {value_label(column, high)}"
        )
    if axis.labels:
        values = axis.labels[cell]
        more = f" or {len(values) - _LISTED} others" if len(values) > _LISTED else ""
        return " or ".join(values[:_LISTED]) + more
    return "any value"
