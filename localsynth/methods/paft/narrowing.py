"""A row's grammar with only the values that a condition leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.cells import cell_grammar
from localsynth.core.columns import Column
from localsynth.core.grammar import Fixed, Grammar, seq
from localsynth.core.grammar import Sequence as Parts
from localsynth.core.schema import Dependency
from localsynth.core.steps import OrderedColumn
from localsynth.core.where import Limit, limited_cell, narrowed

from .locks import locked_row

__all__ = ["Row", "limit_mask", "narrow_row"]

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
) -> Row:
    """The row with only the values that limits leave, as far as a grammar can say it.

    dependencies : kept as :func:`~localsynth.methods.paft.locks.locked_row` keeps them; ``None`` locks nothing.
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
    nulls = [limits[c.name].null if c.name in limits else c.nullable for c in columns]
    met = np.ones(train.num_rows, np.bool_)
    for column in columns:
        if column.name in tied & set(limits):
            met &= limit_mask(column, limits[column.name], train.column(column.name))
    locked = locked_row(own, dependencies, train.filter(pa.array(met)), nulls=nulls)
    made = locked.grammar
    assert isinstance(made, Parts)
    exact = {column.name: cell for column, cell in zip(columns, cells, strict=True)}
    parts = list(made.parts)
    places = [at for at, part in enumerate(parts) if not isinstance(part, Fixed)]
    if len(places) == len(locked.values):
        for at, names in zip(places, locked.values, strict=True):
            if len(names) == 1 and names[0] not in tied:
                parts[at] = exact[names[0]]
    return Row(seq(*parts), locked.values)


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
