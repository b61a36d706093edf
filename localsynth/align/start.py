"""Where rows begin before they are aligned: every column alone, or along the tree of the strongest pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .association import Pair, mutual_information
from .association import tree as spanning
from .base import by_code
from .grid import Grid
from .integers import shuffled, spread_over
from .swap import Table

__all__ = ["independent", "tree"]

Array: TypeAlias = np.ndarray[Any, Any]
_KNOWN = 1e9  # rows of a table that nobody counted: taken at its word


def independent(grid: Grid, n: int, rng: np.random.Generator, done: Sequence[Array] | None = None) -> Array:
    """``n`` rows (int32 codes), each column with its margin and in random order. done : per column, of rows made before."""
    codes = np.empty((n, len(grid.names)), np.int32, order="F")
    for column, counts in enumerate(grid.margins(n, done)):
        codes[:, column] = shuffled(counts, rng)
    return codes


def tree(
    grid: Grid,
    n: int,
    rng: np.random.Generator,
    given: Array | None = None,
    done: Sequence[Array] | None = None,
) -> Array:
    """``n`` rows drawn along a tree of the strongest pair tables (Chow & Liu 1968); margins are met about, not exactly.

    given : n x columns, -1 where open. Open cells are drawn under the column they hang on most strongly among those that are
    given or drawn already; a column that no table ties to any other is drawn alone.
    """
    codes = np.full((n, len(grid.names)), -1, np.int32, order="F")
    if given is not None:
        codes[:] = given
    links = _links(grid)
    strength = {pair: strength for pair, (strength, _) in links.items()}
    filled = codes >= 0
    patterns, which = np.unique(filled, axis=0, return_inverse=True)
    margins = grid.margins(n, done)
    for at, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == at)
        reached = np.flatnonzero(pattern).tolist()
        if not reached and len(pattern):
            codes[rows, 0] = _alone(grid, 0, margins[0], len(rows), n, rng)
            reached = [0]
        for parent, child in spanning(len(grid.names), strength, reached):
            pair = (min(parent, child), max(parent, child))
            if pair in links:
                codes[rows, child] = _under(grid, codes[rows, parent], child, links[pair][1], rng)
            else:
                codes[rows, child] = _alone(grid, child, margins[child], len(rows), n, rng)
    return codes


def _alone(grid: Grid, column: int, counts: Array, rows: int, n: int, rng: np.random.Generator) -> Array:
    return shuffled(counts, rng) if rows == n else spread_over(grid.shares[column], rows, rng)


def _under(grid: Grid, parents: Array, child: int, table: Table, rng: np.random.Generator) -> Array:
    """A base cell of the child for each row, given the parent's base cell."""
    at = table.columns.index(child)
    counts = table.counts if at else table.counts.T
    above, below = table.cells[1 - at], table.cells[at]
    shares = grid.shares[child]
    sums = np.bincount(below, shares, counts.shape[1])
    within = np.divide(shares, sums[below], out=np.zeros(len(shares)), where=sums[below] > 0)
    codes = np.empty(len(parents), np.int32)
    for cell, rows in by_code(above[parents], counts.shape[0]):
        weights = counts[cell][below] * within
        codes[rows] = spread_over(weights if weights.sum() > 0 else shares, len(rows), rng)
    return codes


def _links(grid: Grid) -> dict[Pair, tuple[float, Table]]:
    """Per pair of columns in some table how much they tell of each other, and the table of the two that says so.

    Columns tied cell by cell are the strongest of all, so that no other link gets between them.
    """
    tied = {(min(t.determinant, t.dependent), max(t.determinant, t.dependent)) for t in grid.ties}
    links: dict[Pair, tuple[float, Table]] = {}
    for table, target in zip(grid.tables, grid.statistics.tables, strict=True):
        for first in range(len(table.columns)):
            for second in range(first + 1, len(table.columns)):
                rest = tuple(at for at in range(len(table.columns)) if at not in {first, second})
                counts = np.asarray(table.counts.sum(rest)) if rest else table.counts
                columns = (table.columns[first], table.columns[second])
                pair = (min(columns), max(columns))
                strength = mutual_information(counts, target.total or _KNOWN)
                if pair in tied and not rest:
                    strength = np.inf
                if strength > 0 and strength > links.get(pair, (0.0,))[0]:
                    links[pair] = (
                        strength,
                        Table(columns, counts, (table.cells[first], table.cells[second])),
                    )
    return links
