"""Made records placed beside given ones: whole records change rows until the tables across the two come nearest.

What a record is stays as it is, with every margin and every table over its own columns; only beside whom it stands changes. So
tables of differences (how much older than the first person of the household) can be aimed at, which cells cut too coarsely.

As in :mod:`~localsynth.align.swap` all rows are paired at random, every swap's effect is computed as if it were alone, and of
those that help as large a part is made as brings the gap lowest. The gap is Pearson's: squared, in proportion to what is wanted
in a cell, so that a row where none should be costs most: of a difference (spouses forty years apart) so much that hardly any
gain elsewhere makes up for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.columns import Column
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Table

from .cells import codes
from .values import whole

__all__ = ["Placed", "place"]

Array: TypeAlias = np.ndarray[Any, Any]
_PATIENCE = 25  # sweeps without a tenth of a percent of progress
_NEVER = 100.0  # the weight of a cell that no row lies in, and not by chance
_EXPECTED = 3.0  # rows that chance would give such a cell; it leaves one of these empty once in twenty times


@dataclass(frozen=True)
class Placed:
    """order : of each row the record that stands there now. gaps : per table the total variation distance to its target."""

    order: Array
    gaps: tuple[float, ...]
    sweeps: int


def place(
    schema: Schema,
    records: pa.Table,
    given: pa.Table,
    tables: Sequence[Table],
    differences: Mapping[str, tuple[str, str]],
    rng: np.random.Generator,
    *,
    alike: Array | None = None,
    refuse: Callable[[Array, Array], Array] | None = None,
    most_sweeps: int = 400,
    check: Callable[[], None] = lambda: None,
) -> Placed:
    """Order records beside given rows.

    Parameters
    ----------
    records, given : equally many rows, of different columns of the schema. tables : targets over columns of both; one that has
    no column of the records, or none that is given, is left alone.
    differences : of columns in tables that are neither: the record's column and the given one that it is counted from.
    alike : a number for each record; only records of one number change places. refuse : which records must not stand in which
        rows (both by their numbers); a swap that brings one there is not made.
    """
    rows = given.num_rows
    spots = [
        _Spot(schema, records, given, table, differences)
        for table in tables
        if _across(table, set(records.column_names), set(given.column_names))
    ]
    order = np.arange(rows)
    if rows < 2 or not spots:
        return Placed(order, tuple(spot.distance() for spot in spots), 0)
    best, since, sweeps = np.inf, 0, 0
    while sweeps < most_sweeps and since < _PATIENCE:
        check()
        _sweep(order, spots, _pairs(order, alike, rng), refuse)
        sweeps += 1
        cost = sum(spot.cost() for spot in spots)
        since = since + 1 if cost > best * 0.999 else 0
        best = min(best, cost)
    return Placed(order, tuple(spot.distance() for spot in spots), sweeps)


def _across(table: Table, records: set[str], given: set[str]) -> bool:
    """Whether who stands beside whom changes it: a difference does by itself."""
    names = set(table.columns)
    return bool(names - records - given) or bool(names & records and names & given)


class _Spot:
    """A table while records change rows. cell : of each row. gap : rows present minus wanted. weight : of a cell's gap."""

    def __init__(
        self,
        schema: Schema,
        records: pa.Table,
        given: pa.Table,
        table: Table,
        differences: Mapping[str, tuple[str, str]],
    ) -> None:
        rows = given.num_rows
        # Rows that lie in no cell of an axis share one that does not count.
        self._none = prod(table.shape)
        self._own, self._beside = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
        self._parts: list[_Difference] = []
        for at, axis in enumerate(table.axes):
            stride = prod(table.shape[at + 1 :])
            if axis.column in differences:
                mine, theirs = differences[axis.column]
                part = _Difference(
                    axis,
                    stride,
                    _values(schema.column(mine), records),
                    _values(schema.column(theirs), given),
                )
                self._parts.append(part)
                continue
            source, place_ = (
                (records, self._own) if axis.column in records.column_names else (given, self._beside)
            )
            found = codes(source.column(axis.column), axis, schema.column(axis.column))
            place_ += np.where(found < 0, 2 * self._none, found.astype(np.int64) * stride)
        wanted = np.array([*table.shares, 0.0]) * rows
        self.cell = self.cells(np.arange(rows), np.arange(rows))
        self.gap: Array = np.bincount(self.cell, minlength=self._none + 1) - wanted
        self.gap[-1] = 0.0
        self.weight = 1.0 / (wanted + 1.0)
        if self._parts:
            self.weight[:-1][_never(table)] = _NEVER
        self.weight[-1] = 0.0

    def cells(self, record: Array, row: Array) -> Array:
        """Where each of these records lies in the flat table when it stands in the row."""
        found = self._own[record] + self._beside[row]
        for part in self._parts:
            found += part.places(record, row)
        return np.asarray(np.minimum(found, self._none))

    def distance(self) -> float:
        """Total variation distance, 0 to 1."""
        return float(np.abs(self.gap).sum() / 2 / max(1, len(self.cell)))

    def cost(self) -> float:
        """The weighted squared gap."""
        return float((self.weight * self.gap**2).sum())

    def effect(self, i: Array, j: Array, new_i: Array, new_j: Array) -> Array:
        """What each change alone adds to the cost, as if its four cells were different: rows i and j pass into new cells."""
        come = self.weight * (2 * self.gap + 1)
        go = (self.weight * (1 - 2 * self.gap))[self.cell]
        change = come[new_i] + come[new_j] + go[i] + go[j]
        old_i, old_j = self.cell[i], self.cell[j]
        same = ((new_i == old_i) & (new_j == old_j)) | ((new_i == old_j) & (new_j == old_i))
        return np.where(same, 0.0, change)

    def after(self, i: Array, j: Array, new_i: Array, new_j: Array) -> Array:
        """The gap when all these changes are made."""
        size = len(self.gap)
        come = np.bincount(np.concatenate([new_i, new_j]), minlength=size)
        gone = np.bincount(np.concatenate([self.cell[i], self.cell[j]]), minlength=size)
        gap = self.gap + come - gone
        gap[-1] = 0.0
        return np.asarray(gap)

    def move(self, i: Array, j: Array, new_i: Array, new_j: Array) -> None:
        """Make them."""
        self.gap = self.after(i, j, new_i, new_j)
        self.cell[i], self.cell[j] = new_i, new_j


def _never(table: Table) -> Array:
    """Which cells of the flat table are empty though independent columns would put rows there."""
    shares = np.array(table.shares).reshape(table.shape)
    expected: Array = np.array(table.total)
    for at in range(shares.ndim):
        others = tuple(other for other in range(shares.ndim) if other != at)
        expected = np.multiply.outer(expected, shares.sum(others))
    return np.asarray(((shares <= 0) & (expected >= _EXPECTED)).ravel())


class _Difference:
    """One axis of a table: the record's value less that of the row."""

    def __init__(
        self, axis: Axis, stride: int, mine: tuple[Array, Array], theirs: tuple[Array, Array]
    ) -> None:
        self._edges = np.array(axis.edges, np.int64)
        self._stride, self._present = stride, axis.present
        self._gone = axis.present if axis.missing else -1
        (self._mine, self._mine_gone), (self._theirs, self._theirs_gone) = mine, theirs

    def places(self, record: Array, row: Array) -> Array:
        far = self._mine[record] - self._theirs[row]
        found = np.searchsorted(self._edges, far, side="right") - 1
        outside = (found < 0) | (found >= self._present)
        found = np.where(outside, -1, found)
        found = np.where(self._mine_gone[record] | self._theirs_gone[row], self._gone, found)
        return np.where(found < 0, 2**40, found * self._stride)


def _values(column: Column, table: pa.Table) -> tuple[Array, Array]:
    return whole(column, table.column(column.name))


def _pairs(order: Array, alike: Array | None, rng: np.random.Generator) -> tuple[Array, Array]:
    """All rows in pairs at random, those apart that hold records which may not change places."""
    mixed = rng.permutation(len(order))
    if alike is None:
        half = len(order) // 2
        return mixed[:half], mixed[half : 2 * half]
    mixed = mixed[np.argsort(alike[order[mixed]], kind="stable")]
    i, j = mixed[:-1:2], mixed[1::2]
    # Mixed once more: of what helps the first so many are taken, and no sort of records comes before others.
    able = rng.permutation(np.flatnonzero(alike[order[i]] == alike[order[j]]))
    return i[able], j[able]


def _sweep(
    order: Array,
    spots: Sequence[_Spot],
    pairs: tuple[Array, Array],
    refuse: Callable[[Array, Array], Array] | None,
) -> None:
    """Try one swap for each pair of rows, and make as many of those that help as bring the tables nearest."""
    i, j = pairs
    half = len(i)
    new = [(spot.cells(order[j], i), spot.cells(order[i], j)) for spot in spots]
    effect = np.zeros(half)
    for spot, (new_i, new_j) in zip(spots, new, strict=True):
        effect += spot.effect(i, j, new_i, new_j)
    helpful = np.flatnonzero(effect < -1e-9)
    if not len(helpful):
        return
    way = [
        spot.after(i[helpful], j[helpful], a[helpful], b[helpful]) - spot.gap
        for spot, (a, b) in zip(spots, new, strict=True)
    ]
    down = -sum(float((s.weight * s.gap * step).sum()) for s, step in zip(spots, way, strict=True))
    size = sum(float((s.weight * step**2).sum()) for s, step in zip(spots, way, strict=True))
    part = down / max(size, 1e-9)
    taken = helpful[: max(1, min(len(helpful), int(part * len(helpful))))]
    if refuse is not None:
        taken = taken[~(refuse(order[j[taken]], i[taken]) | refuse(order[i[taken]], j[taken]))]
    before = sum(spot.cost() for spot in spots)
    while len(taken):
        gaps = [
            spot.after(i[taken], j[taken], a[taken], b[taken])
            for spot, (a, b) in zip(spots, new, strict=True)
        ]
        if sum(float((s.weight * gap**2).sum()) for s, gap in zip(spots, gaps, strict=True)) < before:
            break
        taken = taken[: len(taken) // 2]
    for spot, (a, b) in zip(spots, new, strict=True):
        spot.move(i[taken], j[taken], a[taken], b[taken])
    order[i[taken]], order[j[taken]] = order[j[taken]], order[i[taken]]
