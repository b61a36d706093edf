"""What is still missing: wanted rows less planned ones, in every cell of every margin and joint table at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.swap import Table

__all__ = ["Ledger"]

Array: TypeAlias = np.ndarray[Any, Any]


class Ledger:
    """Gaps of ``rows`` rows; a plan is a vector of base cells, -1 where it leaves a column open.

    tables : wanted rows over one or more columns. gap : wanted less planned rows of every cell, all tables one after the
    other, then one cell that never counts: a table of a column that a plan leaves open is not touched by it.
    shown : of some tables (by position) which cells a prompt may name, flat; of the others all.
    """

    def __init__(
        self, tables: Sequence[Table], rows: int, shown: Mapping[int, Sequence[bool]] | None = None
    ) -> None:
        self.tables, self.rows = tuple(tables), rows
        self._shown = {at: np.array(cells, np.bool_) for at, cells in (shown or {}).items()}
        self.offsets = np.cumsum([0, *(table.counts.size for table in tables)])
        self.wanted = np.concatenate([*(table.counts.ravel() for table in tables), [0.0]]).astype(np.float64)
        self.gap = self.wanted.copy()

    def cells(self, plans: Array) -> Array:
        """For each plan (plans x columns) its cell in each target, as places in ``gap``."""
        found = np.empty((len(plans), len(self.tables)), np.int64)
        for at, table in enumerate(self.tables):
            shape = table.counts.shape
            cell = np.full(len(plans), self.offsets[at], np.int64)
            left_open = np.zeros(len(plans), np.bool_)
            for place, column in enumerate(table.columns):
                own = plans[:, column]
                left_open |= own < 0
                own = np.maximum(own, 0)
                own = table.cells[place][own] if table.cells else own
                cell += own.astype(np.int64) * prod(shape[place + 1 :])
            found[:, at] = np.where(left_open, self.offsets[-1], cell)
        return found

    def gaps(self, table: int) -> Array:
        """Rows that each cell of a table lacks (negative where it has too many), one axis per column."""
        own = self.gap[self.offsets[table] : self.offsets[table + 1]]
        return np.asarray(own.reshape(self.tables[table].counts.shape))

    def told_gaps(self, table: int) -> Array:
        """The same, flat, for prompts: 0 in cells that they must not name."""
        gaps = self.gaps(table).ravel()
        return np.where(self._shown[table], gaps, 0.0) if table in self._shown else gaps

    def fullest_cells(self, table: int, cell: int) -> list[int]:
        """For each column of a table, of the base cells that lie in one of its (flat) cells the one that lacks most.

        The first tables are taken to be the margins, one per column.
        """
        own = self.tables[table].columns
        return [
            int(inside[np.argmax(self.gaps(column)[inside])])
            for column, inside in zip(own, self._inside(table, cell), strict=True)
        ]

    def _inside(self, table: int, cell: int) -> list[Array]:
        one = self.tables[table]
        places = np.unravel_index(cell, one.counts.shape)
        return [
            np.flatnonzero(one.cells[at] == place) if one.cells else np.array([place])
            for at, place in enumerate(places)
        ]

    def largest(self) -> float:
        """The largest gap of any cell, in standard errors of a sample of ``rows`` rows."""
        share = self.wanted[:-1] / max(1, self.rows)
        # A cell of less than a row has a standard error too: that of a third of a row.
        noise = np.sqrt(np.maximum(share * (1 - share) * self.rows, 0.1))
        return float((np.abs(self.gap[:-1]) / noise).max(initial=0.0))

    def distance(self) -> float:
        """Sum of absolute gaps, in rows."""
        return float(np.abs(self.gap[:-1]).sum())

    def missing(self) -> float:
        """The same, as a share of what it is without any plan."""
        return self.distance() / max(float(np.abs(self.wanted[:-1]).sum()), 1e-9)

    def add(self, cells: Array, count: int) -> None:
        """Plan ``count`` rows of one plan; ``cells`` as :meth:`cells` gives them."""
        real = cells[cells < self.offsets[-1]]
        self.gap[real] -= count

    def accept(self, plans: Array, most: Array, room: int) -> Array:
        """How many rows of each plan are taken, at most ``most``, of all of them at most ``room``.

        Greedily the plan that lowers the sum of gaps most. A plan gets as many rows as its tightest cell lacks, halved until
        they help; one that does not help gets none.
        """
        taken = np.zeros(len(plans), np.int64)
        cells = self.cells(plans)
        real = cells < self.offsets[-1]
        left = most.astype(np.int64).copy()
        while len(plans) and room > 0:
            gap = np.where(real, self.gap[cells], np.inf)
            tightest = np.nan_to_num(gap.min(1), posinf=0.0)
            able = np.minimum(np.minimum(left, room), np.maximum(tightest, 1))
            count, change = self._helpful(np.where(real, gap, 0.0), real, able)
            best = int(np.argmin(change))
            if change[best] > -1e-9:
                break
            self.add(cells[best], int(count[best]))
            taken[best] += count[best]
            left[best] -= count[best]
            room -= int(count[best])
        return taken

    @staticmethod
    def _helpful(gap: Array, real: Array, count: Array) -> tuple[Array, Array]:
        """The largest count of ``count``, a half of it, a quarter ... that lowers the sum of gaps, and by how much."""
        count = count.astype(np.int64)
        chosen, change = count.copy(), np.zeros(len(gap))
        undecided = count > 0
        while undecided.any():
            added = (np.abs(gap - count[:, None]) - np.abs(gap)) * real
            total = added.sum(1)
            good = undecided & (total < -1e-9)
            chosen[good], change[good] = count[good], total[good]
            undecided &= ~good
            count = count // 2
            undecided &= count > 0
        return chosen, change
