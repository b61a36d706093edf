"""Rows that somebody drew brought to target statistics, in two steps that can be looked at: the best of a surplus are chosen,
then their margins are made exact and their values swapped towards the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from .grid import Grid
from .selecting import select
from .settle import settle
from .swap import Table, align
from .ties import units_of_ties

__all__ = ["Refined", "chosen_rows", "refined"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Refined:
    """table : columns of ``grid.names``. codes : their base cells. changed : share of cells whose value is another now.
    before, after : mean total variation distance to the tables.
    """

    table: pa.Table
    codes: Array
    changed: float
    before: float
    after: float


def chosen_rows(
    grid: Grid,
    codes: Array,
    n: int,
    rng: np.random.Generator,
    *,
    done: Sequence[Array] | None = None,
    beside: Array | None = None,
    check: Callable[[], None] = lambda: None,
) -> Array:
    """The numbers of the ``n`` rows that meet margins and tables best together, rising.

    codes : base cells of a surplus of rows, -1 where a value lies in none; such rows come last. done : counts of rows made
    before, by column. beside : base cells of rows that are there already, which the chosen ones make up a whole with.
    """
    whole = np.flatnonzero((codes >= 0).all(axis=1))
    if len(whole) < n:
        rest = np.flatnonzero((codes < 0).any(axis=1))
        return np.sort(np.concatenate([whole, rng.permutation(rest)[: n - len(whole)]]))
    total = n if beside is None else n + len(beside)
    margins = [Table((at,), counts.astype(np.float64)) for at, counts in enumerate(grid.margins(total, done))]
    goals = [*grid.goals(total), *margins]
    if beside is not None:
        goals = [replace(goal, counts=goal.counts - goal.count(beside)) for goal in goals]
    return whole[select(codes[whole], n, goals, rng, check=check)]


def refined(
    grid: Grid,
    table: pa.Table,
    codes: Array,
    rng: np.random.Generator,
    *,
    done: Sequence[Array] | None = None,
    dealt: Collection[str] = (),
    most_sweeps: int = 400,
    check: Callable[[], None] = lambda: None,
) -> Refined:
    """The rows with the grid's margins, and as near to its tables as swaps bring them.

    Parameters
    ----------
    table : columns of ``grid.names``; a value stays where its cell stays. codes : their base cells, -1 where a value lies in
        none. done : counts of rows made before, by column. dealt : ordered columns whose values say little beyond their
        order: within each cell they are drawn anew, and dealt to the rows in the order of the values these had.
    """
    n = len(codes)
    goals = grid.goals(n)
    open_cells = codes < 0
    begun = np.where(open_cells, 0, codes).astype(np.int32)
    for at in np.flatnonzero(open_cells.any(axis=0)):
        rows = np.flatnonzero(open_cells[:, at])
        begun[rows, at] = rng.choice(grid.sizes[at], len(rows), p=grid.shares[at])
    before = _distance(begun, goals)
    settled = settle(begun, grid.margins(n, done), rng, goals=goals, ties=grid.ties)
    check()
    found = align(settled, goals, rng, most_sweeps=most_sweeps, units=units_of_ties(grid.ties), check=check)
    moved = (found.codes != codes) | open_cells
    drawn = grid.decode(found.codes, rng)
    kept = _kept(drawn, table, moved)
    for name in dealt:
        place = kept.column_names.index(name)
        cells = found.codes[:, grid.names.index(name)]
        kept = kept.set_column(place, name, _dealt(drawn[name], kept[name], cells))
    after = float(np.mean(found.gaps)) if found.gaps else 0.0
    return Refined(kept, found.codes, float(moved.mean()) if moved.size else 0.0, before, after)


def _distance(codes: Array, goals: Sequence[Table]) -> float:
    from .swap import Work

    return float(np.mean([Work(codes, goal).distance() for goal in goals])) if goals else 0.0


def _dealt(drawn: pa.ChunkedArray, had: pa.ChunkedArray, cells: Array) -> pa.Array:
    """The drawn values, cell by cell in the order of those that the rows had."""
    import pyarrow.compute as pc

    ranks = (np.argsort(pc.array_sort_indices(some.combine_chunks())) for some in (drawn, had))
    comes, goes = (np.lexsort((rank, cells)) for rank in ranks)
    take = np.empty(len(cells), np.int64)
    take[goes] = comes
    return drawn.combine_chunks().take(pa.array(take))


def _kept(drawn: pa.Table, table: pa.Table, moved: Array) -> pa.Table:
    """Values that were there, but where they moved to another cell."""
    import pyarrow.compute as pc

    columns = [
        pc.if_else(
            pa.array(moved[:, at]), drawn.column(name).combine_chunks(), table.column(name).combine_chunks()
        )
        for at, name in enumerate(drawn.column_names)
    ]
    return pa.Table.from_arrays(columns, names=drawn.column_names)
