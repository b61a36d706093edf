"""The grid: target statistics over base cells, tables raked to the margins; rows become codes and codes become rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Statistics
from localsynth.core.targets import Table as Target

from .axes import cell_label, conform, mapping, span_of
from .base import Base, Implied
from .integers import onward
from .raking import completed, rake
from .swap import Table
from .ties import Tie, ties_in

__all__ = ["Grid"]

Array: TypeAlias = np.ndarray[Any, Any]
_TOLD = 0.005  # a share that a table and a margin disagree on is told from here on
_MOST_NOTES = 12  # of one sort


@dataclass(frozen=True)
class _Cut:
    """A target table with its axes cut to what the columns may hold. sources : see :func:`localsynth.align.axes.conform`."""

    target: Target
    axes: tuple[Axis, ...]
    sources: tuple[Array, ...]
    shares: Array

    def implied(self, at: int) -> Implied:
        """What it says of one of its columns."""
        whole = self.shares.sum(tuple(other for other in range(self.shares.ndim) if other != at))
        known = self.sources[at] >= 0
        told = np.where(known, whole[np.maximum(self.sources[at], 0)], 0.0)
        return Implied(self.axes[at], told / told.sum() if told.sum() > 0 else told, known)


class Grid:
    """Base cells of every column: the common refinement of all axes of the column in margins and tables.

    statistics : the targets as far as the schema allows them, tables raked to the margins. notes : what contradicts, in
    words. names : the columns with a margin, in order. sizes : base cells of each, the missing one (last) included.
    shares : the target share of each base cell. ties : columns that follow from others cell by cell.
    """

    def __init__(self, schema: Schema, statistics: Statistics) -> None:
        """Raises ``LocalsynthError`` where a margin and the schema have no value in common."""
        self.names = statistics.columns
        self._columns = [schema.column(name) for name in self.names]
        spans = [
            span_of(margin.axis, column)
            for margin, column in zip(statistics.margins, self._columns, strict=True)
        ]
        cuts = [self._cut(statistics, spans, target) for target in statistics.tables]
        implied: list[list[Implied]] = [[] for _ in self.names]
        for cut in cuts:
            for at, name in enumerate(cut.target.columns):
                implied[statistics.at(name)].append(cut.implied(at))
        self.bases = tuple(
            Base.of(column, margin, told)
            for column, margin, told in zip(self._columns, statistics.margins, implied, strict=True)
        )
        self.sizes = tuple(base.axis.size for base in self.bases)
        self.shares = tuple(base.shares for base in self.bases)
        self._notes: dict[str, list[str]] = {"lost": [], "margins": [], "empty": [], "zeros": []}
        for base in self.bases:
            if base.lost > _TOLD / 10:
                self._notes["lost"].append(
                    f"{base.lost:.1%} of the margin of {base.column.name} lies where the schema allows no value; the rest"
                    " was scaled up"
                )
        self.tables = tuple(self._rake(cut) for cut in cuts)
        axes = [base.axis for base in self.bases]
        self.ties: tuple[Tie, ...] = ties_in(self.names, schema.dependencies, self.tables, self.shares, axes)
        self.notes = tuple(
            note
            for notes in self._notes.values()
            for note in [
                *notes[:_MOST_NOTES],
                *([f"and {len(notes) - _MOST_NOTES} more such"] if len(notes) > _MOST_NOTES else []),
            ]
        )
        self.statistics = replace(
            statistics,
            margins=tuple(base.margin for base in self.bases),
            tables=tuple(
                replace(cut.target, axes=cut.axes, shares=tuple(table.counts.ravel().tolist()))
                for cut, table in zip(cuts, self.tables, strict=True)
            ),
            notes=(*statistics.notes, *self.notes),
        )

    def _cut(self, statistics: Statistics, spans: Sequence[Axis], target: Target) -> _Cut:
        found = [
            conform(axis, spans[statistics.at(axis.column)], self._columns[statistics.at(axis.column)])
            for axis in target.axes
        ]
        shares = np.array(target.shares, np.float64).reshape(target.shape)
        return _Cut(target, tuple(axis for axis, _ in found), tuple(source for _, source in found), shares)

    def _rake(self, cut: _Cut) -> Table:
        """The table over its cut axes, fitted to the margins; notes what stood against it."""
        columns = tuple(self.names.index(axis.column) for axis in cut.axes)
        cells = tuple(
            mapping(self.bases[column].axis, axis) for column, axis in zip(columns, cut.axes, strict=True)
        )
        margins = [
            np.bincount(place, self.shares[column], axis.size)
            for column, place, axis in zip(columns, cells, cut.axes, strict=True)
        ]
        title = ", ".join(cut.target.columns)
        for at, margin in enumerate(margins):
            self._compare(title, columns[at], cut.implied(at), margin)
        raked = rake(completed(cut.shares, cut.sources, margins), margins)
        for at, empty in enumerate(raked.empty):
            if float(margins[at][empty].sum()) > _TOLD / 10:
                column = self._columns[columns[at]]
                words = cell_label(column, cut.axes[at], int(empty[np.argmax(margins[at][empty])]))
                self._notes["empty"].append(
                    f"the table of {title} has no rows where {column.name} is {words}, the margin has"
                    f" {margins[at][empty].sum():.1%} there; that part is filled in as if the columns were independent"
                )
        if raked.filled:
            self._notes["zeros"].append(
                f"no table of {title} can have both the margins and all the empty cells that were given; a little is put"
                " into those cells"
            )
        return Table(columns, raked.shares, cells)

    def _compare(self, title: str, at: int, implied: Implied, margin: Array) -> None:
        """Note the cell on which a table and a margin differ most."""
        if not implied.shares.sum() > 0:
            return
        wanted = np.where(implied.known, margin, 0.0)
        wanted = wanted / wanted.sum() if wanted.sum() > 0 else wanted
        off = np.abs(implied.shares - wanted)
        cell = int(off.round(9).argmax())  # of equals the first
        if off[cell] > _TOLD:
            column = self._columns[at]
            self._notes["margins"].append(
                f"the table of {title} has {implied.shares[cell]:.1%}"
                f" {column.name} {cell_label(column, implied.axis, cell)}, the margin {wanted[cell]:.1%}; the margin counts"
            )

    def encode(self, table: pa.Table) -> Array:
        """Rows x columns int32; -1 where a value lies in no cell. table : has the columns of ``names``."""
        codes = np.empty((table.num_rows, len(self.names)), np.int32, order="F")
        for at, (name, base) in enumerate(zip(self.names, self.bases, strict=True)):
            codes[:, at] = base.encode(table.column(name))
        return codes

    def decode(self, codes: Array, rng: np.random.Generator) -> pa.Table:
        """Typed columns of ``names``, a value within each base cell; texts are NULL. codes : none below 0.

        No real row's value is looked up: numbers are read off the cells' quantiles, see :meth:`Base.decode`.
        """
        arrays = [base.decode(codes[:, at], rng) for at, base in enumerate(self.bases)]
        return pa.Table.from_arrays(arrays, names=list(self.names))

    def goals(self, n: int) -> list[Table]:
        """The tables as counts for ``n`` rows."""
        return [replace(table, counts=table.counts * n) for table in self.tables]

    def counts(self, column: int, n: int, done: Array | None = None) -> Array:
        """How many of the next ``n`` rows belong into each base cell. done : counts of the rows made before, by cell.

        A column from which others follow first gives each of their cells its rows, so that both margins are met; where no table
        says how they follow, its own margin counts.
        """
        shares = self.shares[column]
        before = np.zeros(len(shares), np.int64) if done is None else done
        tie = self._finest_from(column)
        if tie is None:
            return onward(shares, n, before)
        size = self.sizes[tie.dependent]
        above = self.counts(tie.dependent, n, np.bincount(tie.image, before, size).astype(np.int64))
        made = np.zeros(len(shares), np.int64)
        for cell in np.flatnonzero(above):
            own = np.flatnonzero(tie.image == cell)
            made[own] = onward(shares[own], int(above[cell]), before[own])
        return made

    def margins(self, n: int, done: Sequence[Array] | None = None) -> list[Array]:
        """:meth:`counts` of every column, tied ones in step with what they follow from. done : per column."""
        tied = {tie.dependent for tie in self.ties}
        made = [
            np.zeros(0, np.int64) if at in tied else self.counts(at, n, None if done is None else done[at])
            for at in range(len(self.names))
        ]
        for tie in self.ties:
            made[tie.dependent] = np.bincount(
                tie.image, made[tie.determinant], self.sizes[tie.dependent]
            ).astype(np.int64)
        return made

    def _finest_from(self, column: int) -> Tie | None:
        """Of the columns that follow from this one as a table says, that with the most cells."""
        own = [tie for tie in self.ties if tie.determinant == column and not tie.chosen]
        return max(own, key=lambda tie: self.sizes[tie.dependent], default=None)

    def label(self, column: int, cell: int) -> str:
        """A base cell in words: ``18 to 24``, ``F``, ``missing``."""
        return self.bases[column].label(cell)

    def edges(self, column: int) -> tuple[int, ...]:
        """The edges of an ordered column's base cells; none for other kinds."""
        return self.bases[column].axis.edges

    def cells_within(self, column: int, low: int, high: int) -> Array:
        """Base cells of an ordered column that lie in ``low <= value <= high``; where none does, those that reach into it."""
        edges = self.edges(column)
        first, last = bisect_left(edges, low), bisect_right(edges, high + 1) - 1
        if last <= first:
            inside = [at for at in range(len(edges) - 1) if edges[at] <= high and edges[at + 1] > low]
            return np.array(inside, np.int32)
        return np.arange(first, last, dtype=np.int32)
