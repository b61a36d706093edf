"""Rows brought to pair tables by swapping values of one column between two rows, which leaves every margin as it is.

In each sweep, column by column, all rows are paired at random and every swap's effect on the squared gap to the target
tables is computed at once, as if it were alone. Of the swaps that help a random part is made: as large a part as brings the
gap lowest (an exact line search along what all of them would change).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Outcome", "Table", "Work", "align", "whole_units"]

Array: TypeAlias = np.ndarray[Any, Any]
_PATIENCE = 25  # sweeps without a tenth of a percent of progress


@dataclass(frozen=True)
class Table:
    """How many rows are wanted in each cell over two or more columns.

    columns : indices. counts : nonnegative, one axis per column in that order; they need not be whole. Where they do not
    sum to the number of rows, or their margins are not those the rows have, rows come as near as they can.
    cells : per column which cell of the table's axis each code lies in; empty where the codes are the cells.
    """

    columns: tuple[int, ...]
    counts: Array
    cells: tuple[Array, ...] = ()

    def count(self, codes: Array) -> Array:
        """How many of the rows lie in each cell, shaped as ``counts``."""
        found = np.bincount(Work(codes, self).cell, minlength=self.counts.size)
        return np.asarray(found.reshape(self.counts.shape))


@dataclass(frozen=True)
class Outcome:
    """codes : the rows. gaps : per table the total variation distance to its target, 0 to 1. sweeps : made."""

    codes: Array
    gaps: tuple[float, ...]
    sweeps: int


def align(
    codes: Array,
    tables: Sequence[Table],
    rng: np.random.Generator,
    *,
    most_sweeps: int = 400,
    enough: float = 0.0,
    refuse: Callable[[Array], Array] | None = None,
    frozen: Sequence[int] = (),
    units: Sequence[Sequence[int]] = (),
    check: Callable[[], None] = lambda: None,
) -> Outcome:
    """Swap values until the tables fit, or no swap helps any more.

    Parameters
    ----------
    codes : rows x columns, int32, nonnegative; not changed.
    enough : stop where the mean gap is below this, e.g. the sampling noise of the targets.
    refuse : which of given rows (of codes) must not be; a swap that makes one of them is not made.
    frozen : columns whose values stay where they are.
    units : columns whose values change rows together, because one follows from another; all others move alone.
    check : called in every sweep; what it raises ends the alignment.
    """
    work = [Work(codes, table) for table in tables]
    codes = np.array(codes, np.int32, order="F")
    movable = [
        unit
        for unit in whole_units(codes.shape[1], units)
        if not set(unit) & set(frozen) and any(one.reads(unit) for one in work)
    ]
    best, since, sweeps = np.inf, 0, 0
    while sweeps < most_sweeps and since < _PATIENCE and len(codes) > 1 and movable:
        check()
        for at in rng.permutation(len(movable)):
            unit = movable[at]
            touched = [one for one in work if one.reads(unit)]
            _sweep(codes, unit, touched, rng, refuse)
        sweeps += 1
        gap = float(np.mean([one.distance() for one in work]))
        if gap <= enough:
            break
        since = since + 1 if gap > best * 0.999 else 0
        best = min(best, gap)
    return Outcome(codes, tuple(one.distance() for one in work), sweeps)


def whole_units(columns: int, units: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """The units and every other column by itself, rising."""
    tied = {column for unit in units for column in unit}
    alone = [(column,) for column in range(columns) if column not in tied]
    return sorted([*alone, *(tuple(unit) for unit in units)])


class Work:
    """A table while rows change. gap : rows present minus wanted, flat; cell : each row's place in it."""

    def __init__(self, codes: Array, table: Table) -> None:
        shape = table.counts.shape
        #: per column how far apart in the flat table its cells lie: of each code its place
        self._place: dict[int, Array] = {}
        #: the same as one number, where the codes are the axis' cells
        self._stride: dict[int, np.int32] = {}
        self.cell: Array = np.zeros(len(codes), np.int32)
        for at, column in enumerate(table.columns):
            stride = np.int32(prod(shape[at + 1 :]))
            cells = table.cells[at] if table.cells else np.arange(shape[at])
            if np.array_equal(cells, np.arange(len(cells))):
                self._stride[column] = stride
            self._place[column] = cells.astype(np.int32) * stride
            self.cell += self._place[column][codes[:, column]]
        self.size = prod(shape)
        self.gap: Array = np.bincount(self.cell, minlength=self.size) - table.counts.ravel().astype(
            np.float64
        )

    def reads(self, unit: Sequence[int]) -> bool:
        """Whether a change of these columns can change the table."""
        return any(column in self._place for column in unit)

    def distance(self) -> float:
        """Total variation distance, 0 to 1."""
        return float(np.abs(self.gap).sum() / 2 / max(1, len(self.cell)))

    def far(self, old: Mapping[int, Array], new: Mapping[int, Array]) -> Array:
        """How far rows move in the flat table when columns change from some codes to others; both by column."""
        moved: Array | None = None
        for column, before in old.items():
            if column not in self._place:
                continue
            if column in self._stride:
                step = (new[column] - before) * self._stride[column]
            else:
                step = self._place[column][new[column]] - self._place[column][before]
            moved = step if moved is None else moved + step
        assert moved is not None
        return moved

    def effect(self, i: Array, j: Array, far: Array) -> Array:
        """What each swap alone adds to the squared gap: rows i go ``far`` up in the table, rows j as much down."""
        old_i, old_j = self.cell[i], self.cell[j]
        new_i, new_j = old_i + far, old_j - far
        gap = self.gap
        change = 2 * (gap[new_i] + gap[new_j] - gap[old_i] - gap[old_j]) + 4
        # Rows alike in the other columns, or alike in the table's coarser cells, leave the table as it is.
        return np.where((new_i == old_j) | (far == 0), 0.0, change)

    def after(self, i: Array, j: Array, far: Array) -> Array:
        """The gap when all these swaps are made."""
        old_i, old_j = self.cell[i], self.cell[j]
        come = np.bincount(np.concatenate([old_i + far, old_j - far]), minlength=self.size)
        gone = np.bincount(np.concatenate([old_i, old_j]), minlength=self.size)
        return np.asarray(self.gap + come - gone)

    def leave(self, rows: Array, far: Array) -> Array:
        """What each of these rows alone adds to the squared gap when it goes ``far``."""
        old = self.cell[rows]
        return np.where(far == 0, 0.0, 2 * (self.gap[old + far] - self.gap[old]) + 2)

    def send(self, rows: Array, far: Array) -> None:
        """Make these rows go, no row twice."""
        old = self.cell[rows]
        self.gap += np.bincount(old + far, minlength=self.size) - np.bincount(old, minlength=self.size)
        self.cell[rows] += far

    def move(self, i: Array, j: Array, far: Array, gap: Array) -> None:
        """Make them."""
        self.cell[i] += far
        self.cell[j] -= far
        self.gap = gap


def _sweep(
    codes: Array,
    unit: tuple[int, ...],
    work: Sequence[Work],
    rng: np.random.Generator,
    refuse: Callable[[Array], Array] | None,
) -> None:
    """Try one swap for each row, and make as many of those that help as bring the tables nearest."""
    order = rng.permutation(len(codes))
    half = len(codes) // 2
    i, j = order[:half], order[half : 2 * half]
    differ = np.zeros(half, np.bool_)
    for column in unit:
        differ |= codes[i, column] != codes[j, column]
    i, j = i[differ], j[differ]
    old, new = ({column: codes[rows, column] for column in unit} for rows in (i, j))
    fars = [one.far(old, new) for one in work]
    effect = np.zeros(len(i))
    for one, far in zip(work, fars, strict=True):
        effect += one.effect(i, j, far)
    helpful = np.flatnonzero(effect < -1e-6)
    if not len(helpful):
        return
    # All of them together would go this way, too far as a rule: the squared gap is least after this part of it.
    way = [
        one.after(i[helpful], j[helpful], far[helpful]) - one.gap for one, far in zip(work, fars, strict=True)
    ]
    down = -sum(float((one.gap * step).sum()) for one, step in zip(work, way, strict=True))
    part = down / max(_squares(way), 1e-9)
    taken = helpful[
        : max(1, min(len(helpful), int(part * len(helpful))))
    ]  # pairs are in random order already
    if refuse is not None:
        taken = taken[~_refused(codes, unit, i[taken], j[taken], refuse)]
    gaps = [one.after(i[taken], j[taken], far[taken]) for one, far in zip(work, fars, strict=True)]
    before = _squares(one.gap for one in work)
    while len(taken) and _squares(gaps) >= before:
        taken = taken[: len(taken) // 2]
        gaps = [one.after(i[taken], j[taken], far[taken]) for one, far in zip(work, fars, strict=True)]
    i, j = i[taken], j[taken]
    fars = [far[taken] for far in fars]
    for column in unit:
        codes[i, column], codes[j, column] = new[column][taken], old[column][taken]
    for one, far, gap in zip(work, fars, gaps, strict=True):
        one.move(i, j, far, gap)


def _squares(gaps: Iterable[Array]) -> float:
    return sum(float((gap**2).sum()) for gap in gaps)


def _refused(
    codes: Array, unit: Sequence[int], i: Array, j: Array, refuse: Callable[[Array], Array]
) -> Array:
    """Which swaps make a row that must not be."""
    one, other = codes[i], codes[j]
    for column in unit:
        one[:, column], other[:, column] = codes[j, column], codes[i, column]
    return np.asarray(refuse(one) | refuse(other))
