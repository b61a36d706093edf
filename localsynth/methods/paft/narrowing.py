"""A row's grammar with only the values that a condition leaves, and what is locked that leaves it none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.cells import cell_grammar, read_row
from localsynth.core.columns import Column
from localsynth.core.grammar import Grammar, seq
from localsynth.core.grammar import Sequence as Parts
from localsynth.core.schema import Dependency
from localsynth.core.steps import OrderedColumn, bounds
from localsynth.core.where import Limit, both, limited_cell, narrowed
from localsynth.tables import arrow_type

from .boxes import Cell, Within, axis_of
from .locks import LIMIT, Locked, locked_row
from .nesting import Constraint, Nesting, TooLarge, segments
from .outline import Outlines

__all__ = ["Row", "contradicted", "limit_mask", "narrow_row"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """How a row is written. grammar : of the whole line. values : the columns of each value of its outermost sequence."""

    grammar: Parts
    values: tuple[tuple[str, ...], ...]


def narrow_row(
    columns: Sequence[Column],
    limits: Mapping[str, Limit],
    dependencies: Sequence[Dependency] | None,
    train: pa.Table,
    outlines: Sequence[Outlines] = (),
) -> Row:
    """The row with only the values that limits leave, as far as a grammar can say it.

    dependencies, outlines : kept as :func:`~localsynth.methods.paft.locks.locked_row` keeps them; ``None`` locks nothing.
    Images are looked up among train rows that meet the limits of columns that depend or determine: limits of other columns must
    not close values.
    """
    cells = [
        limited_cell(column, limits[column.name])
        if column.name in limits
        else cell_grammar(column, null=column.nullable)
        for column in columns
    ]
    if dependencies is None:
        return Row(_line(cells), tuple((column.name,) for column in columns))
    tied = {name for one in dependencies for name in (*one.determinant, one.dependent)}
    own = [narrowed(column, limits[column.name]) if column.name in limits else column for column in columns]
    met = np.ones(train.num_rows, np.bool_)
    for column in columns:
        if column.name in tied & set(limits):
            met &= limit_mask(column, limits[column.name], train.column(column.name))
    locked = locked_row(own, dependencies, train.filter(pa.array(met)), cells=cells, outlines=outlines)
    return Row(locked.grammar, locked.values)


def contradicted(locked: Locked, limits: Mapping[str, Limit]) -> str:
    """The dependencies that no row keeps of those that limits leave, as a person reads them; empty where some row does.

    locked : of the row without limits.
    """
    left = {_left(one, locked.columns, limits): one for one in locked.constraints}
    for made, one in left.items():
        if not made.patterns:
            return locked.label(one)
    cells = [
        limited_cell(column, limits[column.name]) if column.name in limits else cell_grammar(column)
        for column in locked.columns
    ]
    for first, last, held in segments(left, 0, len(cells) - 1):
        bent = sorted((one for one in held if one != left[one]), key=lambda one: one.places)
        try:
            if bent and Nesting(locked.columns, cells, LIMIT).segment(first, last, held) is None:
                return "; ".join(locked.label(left[one]) for one in bent)
        except TooLarge:
            continue  # it cannot be told from here; rows are looked for
    return ""


def _left(constraint: Constraint, columns: Sequence[Column], limits: Mapping[str, Limit]) -> Constraint:
    """What limits leave of its patterns."""
    patterns = constraint.patterns
    for at, place in enumerate(constraint.places):
        column = columns[place]
        if column.name in limits:
            good = _open(column, limits[column.name], {pattern[at] for pattern in patterns})
            patterns = frozenset(pattern for pattern in patterns if pattern[at] in good)
    return Constraint(constraint.places, patterns)


def _open(column: Column, limit: Limit, cells: Collection[Cell]) -> set[Cell]:
    """The cells of patterns in which some value is left."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    values = pa.array([read_row([column], text)[0] for text in texts], arrow_type(column))
    mask = limit_mask(column, limit, pa.chunked_array([values]))
    found: set[Cell] = {text for text, good in zip(texts, mask, strict=True) if good}
    axis = axis_of(column)
    for cell in cells:
        if isinstance(cell, Within) and axis is not None:
            first = axis.span.low - bounds(axis.column)[0]  # moments are counted from another day
            within = Limit(low=cell.low - first, high=cell.high - first)
            if both(column, limit, within) is not None:
                found.add(cell)
        elif cell is None:
            found.add(cell)
    return found


def limit_mask(column: Column, limit: Limit, cells: Any) -> Array:
    """Which cells a limit leaves (boolean)."""
    from localsynth.align.values import whole

    missing: Array = cells.is_null().to_numpy()
    if limit.null:
        return np.asarray(missing)
    if limit.values is not None:
        words = ["true" if cell is True else "false" if cell is False else cell for cell in cells.to_pylist()]
        return np.array([word in limit.values for word in words], np.bool_)
    if not isinstance(column, OrderedColumn):
        return ~missing
    values, _ = whole(column, cells)
    good: Array = ~missing
    good &= values >= limit.low if limit.low is not None else True
    good &= values <= limit.high if limit.high is not None else True
    good &= np.isin(values, sorted(limit.only)) if limit.only is not None else True
    good &= ~np.isin(values, sorted(limit.but))
    return np.asarray(good)


def _line(cells: Sequence[Grammar]) -> Parts:
    parts: list[Grammar | str] = []
    for cell in cells:
        parts += [cell, ","]
    return seq(*parts[:-1], "\n")
