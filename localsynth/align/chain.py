"""Open columns of rows that have others already: one by one, each under the table that tells most of it.

A tree of pairs (:func:`~localsynth.align.start.tree`) draws each column under one other. Where many columns are given, tables
of three say more: how old a person is hangs on the relation to the first person of the household and on that person's age
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

from .association import mutual_information
from .base import by_code
from .grid import Grid
from .integers import spread_over
from .swap import Table

__all__ = ["chain"]

Array: TypeAlias = np.ndarray[Any, Any]
_KNOWN = 1e9  # rows of a table that nobody counted: taken at its word


@dataclass(frozen=True)
class _Link:
    """A table turned so that ``column`` is its last axis. under : the others, with their cells. strength : in nats, what they
    tell of it beyond chance.
    """

    column: int
    under: tuple[int, ...]
    counts: Array
    cells: tuple[Array, ...]
    strength: float


def chain(grid: Grid, given: Array, rng: np.random.Generator) -> Array:
    """The rows (a copy) with every open cell drawn; margins are met about, not exactly.

    given : rows x columns of base cells, -1 where open. Of the columns that are still open in any row that one goes first of
    which a table whose other columns are all there tells most; one that no table tells of is drawn by its margin.
    """
    codes = np.array(given, np.int32, order="F")
    links = [
        link
        for table, target in zip(grid.tables, grid.statistics.tables, strict=True)
        for link in _links(table, target.total or _KNOWN)
        if link.strength > 0
    ]
    left = {at for at in range(codes.shape[1]) if (codes[:, at] < 0).any()}
    while left:
        ready = [link for link in links if link.column in left and not left & set(link.under)]
        if ready:
            best = max(ready, key=lambda link: (link.strength, -link.column))
            column, weaker = best.column, sorted(ready, key=lambda link: -link.strength)
            for link in [one for one in weaker if one.column == column]:
                _draw(grid, codes, link, rng)
        else:
            column = min(left, key=lambda at: (-_told(links, at), at))
        rows = np.flatnonzero(codes[:, column] < 0)
        codes[rows, column] = spread_over(grid.shares[column], len(rows), rng)
        left.remove(column)
    return codes


def _told(links: list[_Link], column: int) -> float:
    """How much a column tells of others."""
    return sum(link.strength for link in links if column in link.under)


def _links(table: Table, rows: float) -> list[_Link]:
    found = []
    for at, column in enumerate(table.columns):
        others = [axis for axis in range(len(table.columns)) if axis != at]
        counts = np.moveaxis(table.counts, at, -1)
        flat = counts.reshape(prod(counts.shape[:-1]), counts.shape[-1])
        cells = tuple(table.cells[axis] for axis in [*others, at])
        under = tuple(table.columns[axis] for axis in others)
        found.append(_Link(column, under, flat, cells, mutual_information(flat, rows)))
    return found


def _draw(grid: Grid, codes: Array, link: _Link, rng: np.random.Generator) -> None:
    """Fill the open cells of the link's column where the table has rows to tell from."""
    rows = np.flatnonzero(codes[:, link.column] < 0)
    if not len(rows):
        return
    place = np.zeros(len(rows), np.int64)
    for column, cells in zip(link.under, link.cells, strict=False):
        place = place * (int(cells.max()) + 1) + cells[codes[rows, column]]
    below = link.cells[-1]
    shares = grid.shares[link.column]
    sums = np.bincount(below, shares, link.counts.shape[1])
    within = np.divide(shares, sums[below], out=np.zeros(len(shares)), where=sums[below] > 0)
    for cell, which in by_code(place, len(link.counts)):
        weights = link.counts[cell][below] * within
        if weights.sum() > 0:
            codes[rows[which], link.column] = spread_over(weights, len(which), rng)
