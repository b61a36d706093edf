"""Values within a cell, handed to those rows whose distance from a given value they fit.

Cells say how values go together coarsely: a spouse of 45 to 57 beside a head of 44 to 47. How far apart the two are is known in
finer steps. So for every row a value is drawn inside its cell by the distribution of that distance, and the values the cell's
rows have are dealt out in the order of those draws: every margin and every table over cells stays, to the value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Statistics, Table

from .association import mutual_information
from .cells import codes as cells_of
from .grid import Grid
from .values import whole

__all__ = ["spaced"]

Array: TypeAlias = np.ndarray[Any, Any]
_AT_ONCE = 20_000  # rows


def spaced(
    schema: Schema,
    table: pa.Table,
    codes: Array,
    grid: Grid,
    aims: Statistics,
    differences: Mapping[str, tuple[str, str]],
    rng: np.random.Generator,
) -> pa.Table:
    """The table with values of ordered columns dealt out anew within their cells.

    table : decoded columns and given ones; codes : base cells of ``grid.names``. aims : with margins, and perhaps tables, of
    the differences. differences : name -> the column that is dealt out and the given one the distance is counted from.
    """
    for name, (mine, twin) in differences.items():
        at = grid.names.index(mine)
        edges = np.array(grid.edges(at), np.int64)
        if name not in aims.columns or len(edges) < 2:
            continue
        values, missing = whole(schema.column(mine), table.column(mine))
        given, gone = whole(schema.column(twin), table.column(twin))
        rows = np.flatnonzero(~missing & ~gone & (codes[:, at] >= 0) & (codes[:, at] < len(edges) - 1))
        cell = codes[rows, at]
        axis, shares = _wanted(schema, table, aims, name, set(differences) | {mine, twin})
        drawn = values[rows].astype(np.float64)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            low = edges[cell[part]] - given[rows[part]]
            high = edges[cell[part] + 1] - given[rows[part]]
            far = _draw(np.array(axis.edges, np.int64), shares[rows[part]], low, high, rng)
            drawn[part] = np.where(np.isnan(far), drawn[part], far + given[rows[part]])
        goes = rows[np.lexsort((rng.random(len(rows)), drawn, cell))]
        comes = rows[np.lexsort((values[rows], cell))]
        take = np.arange(table.num_rows)
        take[goes] = comes
        place = table.column_names.index(mine)
        table = table.set_column(place, mine, pc.take(table.column(mine), pa.array(take)))
    return table


def _wanted(
    schema: Schema, table: pa.Table, aims: Statistics, name: str, itself: set[str]
) -> tuple[Axis, Array]:
    """How the difference is cut, and of each row how likely each of its cells is: by the column that tells most of it."""
    margin = aims.margin(name)
    best, most = None, 0.0
    for one in aims.tables:
        if len(one.columns) == 2 and name in one.columns and not itself & (set(one.columns) - {name}):
            tells = mutual_information(_turned(one, name)[1], one.total or None)
            if tells > most:
                best, most = one, tells
    if best is None:
        shares = np.array(margin.shares[: margin.axis.present])
        return margin.axis, np.broadcast_to(shares, (table.num_rows, len(shares)))
    axes, counts = _turned(best, name)
    other = cells_of(table.column(axes[0].column), axes[0], schema.column(axes[0].column))
    counts = counts[:, : axes[1].present]
    return axes[1], np.where((other >= 0)[:, None], counts[np.maximum(other, 0)], counts.sum(0))


def _turned(table: Table, name: str) -> tuple[Sequence[Axis], Array]:
    """A table of two columns with the named one last."""
    shares = np.array(table.shares).reshape(table.shape)
    return (table.axes, shares) if table.columns[1] == name else (table.axes[::-1], shares.T)


def _draw(edges: Array, shares: Array, low: Array, high: Array, rng: np.random.Generator) -> Array:
    """A difference of at least ``low`` and less than ``high`` for each row, by its shares; NaN where none can be."""
    starts = np.maximum(edges[:-1][None, :], low[:, None])
    ends = np.minimum(edges[1:][None, :], high[:, None])
    weight = np.maximum(ends - starts, 0) / np.diff(edges)[None, :] * shares
    upto = weight.cumsum(axis=1)
    total = upto[:, -1]
    at = (rng.random(len(low))[:, None] * total[:, None] >= upto).sum(axis=1)
    at = np.minimum(at, weight.shape[1] - 1)
    row = np.arange(len(low))
    found = starts[row, at] + rng.random(len(low)) * np.maximum(ends[row, at] - starts[row, at], 0)
    return np.where(total > 0, found, np.nan)
