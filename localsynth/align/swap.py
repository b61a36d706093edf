"""Rows brought to pair tables by swapping values of one column between two rows, which leaves every margin as it is.

In each sweep, column by column, all rows are paired at random and every swap's effect on the squared gap to the target
tables is computed at once, as if it were alone. A random part of the swaps that help is made; where they spoil one another
so much that the gap grows, they are undone and a smaller part is taken next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Outcome", "Table", "align"]

Array: TypeAlias = np.ndarray[Any, Any]
_PATIENCE = 25  # sweeps without a tenth of a percent of progress
_FIRST_RATE, _FASTER, _SLOWER, _LEAST_RATE = 0.3, 1.3, 0.5, 1e-7


@dataclass(frozen=True)
class Table:
    """How many rows are wanted in each cell over two or more columns.

    columns : indices. counts : nonnegative, one axis per column in that order; they need not be whole. The sum should be
    the number of rows, and the margins those the rows have, or no rows can fit.
    """

    columns: tuple[int, ...]
    counts: Array


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
    check: Callable[[], None] = lambda: None,
) -> Outcome:
    """Swap values until the tables fit, or no swap helps any more.

    Parameters
    ----------
    codes : rows x columns, int32, nonnegative; not changed.
    enough : stop where the mean gap is below this, e.g. the sampling noise of the targets.
    refuse : which of given rows (of codes) must not be; a swap that makes one of them is not made.
    frozen : columns whose values stay where they are.
    check : called in every sweep; what it raises ends the alignment.
    """
    work = [_Work(codes, table) for table in tables]
    codes = np.array(codes, np.int32, order="F")
    movable = [
        column
        for column in range(codes.shape[1])
        if column not in set(frozen) and any(column in one.stride for one in work)
    ]
    rate = dict.fromkeys(movable, _FIRST_RATE)
    best, since, sweeps = np.inf, 0, 0
    while sweeps < most_sweeps and since < _PATIENCE and len(codes) > 1 and movable:
        check()
        for column in rng.permutation(movable):
            touched = [one for one in work if column in one.stride]
            rate[column] = _sweep(codes, column, touched, rate[column], rng, refuse)
        sweeps += 1
        gap = float(np.mean([one.distance() for one in work]))
        if gap <= enough:
            break
        since = since + 1 if gap > best * 0.999 else 0
        best = min(best, gap)
    return Outcome(codes, tuple(one.distance() for one in work), sweeps)


class _Work:
    """A table while rows change. gap : rows present minus wanted, flat; cell : each row's place in it."""

    def __init__(self, codes: Array, table: Table) -> None:
        shape = table.counts.shape
        self.stride = {column: np.int32(prod(shape[at + 1 :])) for at, column in enumerate(table.columns)}
        self.size = prod(shape)
        self.cell: Array = np.zeros(len(codes), np.int32)
        for column, stride in self.stride.items():
            self.cell += codes[:, column].astype(np.int32) * stride
        self.gap: Array = np.bincount(self.cell, minlength=self.size) - table.counts.ravel().astype(
            np.float64
        )

    def distance(self) -> float:
        """Total variation distance, 0 to 1."""
        return float(np.abs(self.gap).sum() / 2 / max(1, len(self.cell)))

    def effect(self, column: int, i: Array, j: Array, step: Array) -> Array:
        """What each swap alone adds to the squared gap: rows i go ``step`` up in the column, rows j as much down."""
        old_i, old_j, new_i, new_j = self._places(column, i, j, step)
        gap = self.gap
        change = 2 * (gap[new_i] + gap[new_j] - gap[old_i] - gap[old_j]) + 4
        # Rows alike in the other columns change places, and the table stays as it is.
        return np.where(new_i == old_j, 0.0, change)

    def after(self, column: int, i: Array, j: Array, step: Array) -> Array:
        """The gap when all these swaps are made."""
        old_i, old_j, new_i, new_j = self._places(column, i, j, step)
        come = np.bincount(np.concatenate([new_i, new_j]), minlength=self.size)
        gone = np.bincount(np.concatenate([old_i, old_j]), minlength=self.size)
        return np.asarray(self.gap + come - gone)

    def move(self, column: int, i: Array, j: Array, step: Array, gap: Array) -> None:
        """Make them."""
        self.cell[i] += step * self.stride[column]
        self.cell[j] -= step * self.stride[column]
        self.gap = gap

    def _places(self, column: int, i: Array, j: Array, step: Array) -> tuple[Array, Array, Array, Array]:
        far = step * self.stride[column]
        old_i, old_j = self.cell[i], self.cell[j]
        return old_i, old_j, old_i + far, old_j - far


def _sweep(
    codes: Array,
    column: int,
    work: Sequence[_Work],
    rate: float,
    rng: np.random.Generator,
    refuse: Callable[[Array], Array] | None,
) -> float:
    """Try one swap for each row; gives the part of the helpful ones to take next time."""
    order = rng.permutation(len(codes))
    half = len(codes) // 2
    i, j = order[:half], order[half : 2 * half]
    step = codes[j, column] - codes[i, column]
    differ = np.flatnonzero(step)
    i, j, step = i[differ], j[differ], step[differ]
    effect = np.zeros(len(i))
    for one in work:
        effect += one.effect(column, i, j, step)
    helpful = np.flatnonzero(effect < -1e-6)
    taken = helpful[: max(1, int(rate * len(helpful)))]  # pairs are in random order already
    if refuse is not None and len(taken):
        taken = taken[~_refused(codes, column, i[taken], j[taken], refuse)]
    if not len(taken):
        return rate
    i, j, step = i[taken], j[taken], step[taken]
    gaps = [one.after(column, i, j, step) for one in work]
    if sum((gap**2).sum() for gap in gaps) >= sum((one.gap**2).sum() for one in work):
        return max(rate * _SLOWER, _LEAST_RATE)
    codes[i, column] += step
    codes[j, column] -= step
    for one, gap in zip(work, gaps, strict=True):
        one.move(column, i, j, step, gap)
    return min(1.0, rate * _FASTER)


def _refused(codes: Array, column: int, i: Array, j: Array, refuse: Callable[[Array], Array]) -> Array:
    """Which swaps make a row that must not be."""
    one, other = codes[i], codes[j]
    one[:, column], other[:, column] = codes[j, column], codes[i, column]
    return np.asarray(refuse(one) | refuse(other))
