"""Rows that come too near to a real one: told by how near real rows come to each other.

The distance of two rows is Gower's (1971): the mean over columns of 0 or 1 for nominal values, and for ordered ones of the
share of rows between them, by a distribution that is smooth between some quantiles (the ranks of the real rows themselves are
evenly apart, which other rows' are not); beyond the real values it goes on in proportion to their range. A missing value is
at distance 1 from any other, 0 from a missing one. Texts count as equal or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.schema import Schema

from .values import whole

__all__ = ["NearGuard"]

Array: TypeAlias = np.ndarray[Any, Any]
_CELLS = 4_000_000  # distances held at once
_NOTHING = 1e-12
_KNOTS = 33
_SOME = 2_000  # rows whose nearest neighbour tells what is usual
_ORDERED = frozenset({"integer", "float", "date", "datetime"})


class NearGuard:
    """Knows the rows that must not come back.

    share : a row is too near where it lies nearer to a real row than all but this share of the real rows lie to theirs.
    usual : that distance. A row equal to one that occurs only once is too near in any case; one equal to rows that occur
    several times tells of none of them.
    """

    def __init__(self, schema: Schema, train: pa.Table, share: float = 0.1) -> None:
        self._columns = [column for column in schema.columns if column.kind != "identifier"]
        self._ranks: dict[str, tuple[Array, Array]] = {}
        for column in self._columns:
            if column.kind in _ORDERED:
                values, missing = whole(column, train.column(column.name))
                self._ranks[column.name] = _knots(values[~missing])
        self._words: dict[str, dict[Any, int]] = {column.name: {} for column in self._columns}
        self._train = self._placed(train, new=True)
        self._times = _times(*self._train)
        self.usual = self._usual(share)

    def near(self, rows: pa.Table, check: Callable[[], None] = lambda: None) -> Array:
        """Which rows are too near (boolean)."""
        apart, times = self.apart(rows, check)
        return np.asarray((apart < self.usual) | (times == 1))

    def apart(self, rows: pa.Table, check: Callable[[], None] = lambda: None) -> tuple[Array, Array]:
        """How far each row is from the nearest real one (infinite where there are none), and how many real rows equal it."""
        if not rows.num_rows or not len(self._train[0]):
            return np.full(rows.num_rows, np.inf), np.zeros(rows.num_rows, np.int64)
        nearest, which = self._nearest(self._placed(rows), check)
        return nearest, np.where(nearest <= _NOTHING, self._times[which], 0)

    def _usual(self, share: float) -> float:
        """Over some of the real rows, each without itself; 0 where so small a share is not one row."""
        total = len(self._train[0])
        if total * share < 1:
            return 0.0
        some = np.random.default_rng(0).permutation(total)[:_SOME]
        nearest, _ = self._nearest((self._train[0][some], self._train[1][some]), lambda: None, leave=some)
        return float(np.quantile(nearest, share))

    def _placed(self, table: pa.Table, *, new: bool = False) -> tuple[Array, Array]:
        """Ordered columns as shares of rows below (rows x columns, NaN where missing), others as numbers of their values.

        new : whether values get numbers that have none; -1 otherwise, which no real row has.
        """
        ordered, nominal = [], []
        for column in self._columns:
            cells = table.column(column.name)
            if column.name in self._ranks:
                values, missing = whole(column, cells)
                knots, levels = self._ranks[column.name]
                ordered.append(np.where(missing, np.nan, _level(values.astype(np.float64), knots, levels)))
                continue
            words = self._words[column.name]
            coded = pc.dictionary_encode(cells.combine_chunks(), null_encoding="encode")
            if isinstance(coded, pa.ChunkedArray):
                coded = coded.combine_chunks()
            if new:
                for value in coded.dictionary.to_pylist():
                    words.setdefault(value, len(words))
            names = [words.get(value, -1) for value in coded.dictionary.to_pylist()]
            nominal.append(np.asarray(names, np.int64)[coded.indices.to_numpy(zero_copy_only=False)])
        rows = table.num_rows
        return (
            np.stack(ordered, axis=1) if ordered else np.zeros((rows, 0)),
            np.stack(nominal, axis=1) if nominal else np.zeros((rows, 0), np.int64),
        )

    def _nearest(
        self, rows: tuple[Array, Array], check: Callable[[], None], leave: Array | None = None
    ) -> tuple[Array, Array]:
        """The distance of each row to the nearest real one, and which it is. leave : for each the one that does not count."""
        ordered, nominal = rows
        real_ordered, real_nominal = self._train
        total = len(real_ordered)
        width = max(1, ordered.shape[1] + nominal.shape[1])
        found, which = np.empty(len(ordered)), np.zeros(len(ordered), np.int64)
        step = max(1, _CELLS // max(total, 1))
        for at in range(0, len(ordered), step):
            check()
            part = slice(at, at + step)
            apart = np.zeros((len(ordered[part]), total))
            for column in range(ordered.shape[1]):
                mine, theirs = ordered[part, column, None], real_ordered[None, :, column]
                off = np.abs(mine - theirs)
                both = np.isnan(mine) & np.isnan(theirs)
                apart += np.where(np.isnan(off), np.where(both, 0.0, 1.0), off)
            for column in range(nominal.shape[1]):
                apart += nominal[part, column, None] != real_nominal[None, :, column]
            if leave is not None:
                apart[np.arange(len(apart)), leave[part]] = np.inf
            which[part] = apart.argmin(axis=1)
            found[part] = apart[np.arange(len(apart)), which[part]] / width
        return found, which


def _level(values: Array, knots: Array, levels: Array) -> Array:
    """The share of values below, and on beyond the ends in proportion to the range, by no more than 1."""
    span = max(float(knots[-1] - knots[0]), 1.0)
    beyond = np.maximum(values - knots[-1], 0.0) - np.maximum(knots[0] - values, 0.0)
    return np.asarray(np.interp(values, knots, levels) + np.clip(beyond / span, -1.0, 1.0))


def _knots(values: Array) -> tuple[Array, Array]:
    """Some different values, rising, and the share of all values below each (half of its own counted); one at least."""
    if not len(values):
        return np.zeros(1), np.zeros(1)
    knots = np.unique(np.quantile(values, np.linspace(0, 1, _KNOTS), method="nearest")).astype(np.float64)
    ordered = np.sort(values)
    levels = (np.searchsorted(ordered, knots) + np.searchsorted(ordered, knots, "right")) / 2 / len(values)
    return knots, levels


def _times(ordered: Array, nominal: Array) -> Array:
    """How many rows equal each, itself among them."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    whole_rows = np.concatenate([np.nan_to_num(ordered, nan=-1.0), nominal.astype(np.float64)], axis=1)
    _, back, counts = np.unique(whole_rows, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[back.ravel()])
