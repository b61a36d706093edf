"""Rows that come too near to a real one: told by how near real rows come to each other.

The distance of two rows is Gower's (1971): the mean over columns of 0 or 1 for nominal values, and of the distance between
ranks (as a share of all rows) for ordered ones; a missing value is at distance 1 from any other, 0 from a missing one. Texts
count as equal or not.
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
_SOME = 2_000  # rows whose nearest neighbour tells what is usual
_ORDERED = frozenset({"integer", "float", "date", "datetime"})


class NearGuard:
    """Knows the rows that must not come back.

    share : a row is too near where it lies nearer to a real row than all but this share of the real rows lie to theirs; and
    where it equals one. usual : that distance.
    """

    def __init__(self, schema: Schema, train: pa.Table, share: float = 0.05) -> None:
        self._columns = [column for column in schema.columns if column.kind != "identifier"]
        self._ranks: dict[str, Array] = {}
        for column in self._columns:
            if column.kind in _ORDERED:
                values, missing = whole(column, train.column(column.name))
                self._ranks[column.name] = np.sort(values[~missing])
        self._words: dict[str, dict[Any, int]] = {column.name: {} for column in self._columns}
        self._train = self._placed(train)
        self.usual = self._usual(share)

    def near(self, rows: pa.Table, check: Callable[[], None] = lambda: None) -> Array:
        """Which rows are too near (boolean)."""
        if not rows.num_rows or not len(self._train[0]):
            return np.zeros(rows.num_rows, np.bool_)
        nearest = self._nearest(self._placed(rows), check)
        return np.asarray((nearest < self.usual) | (nearest <= 1e-12))

    def _usual(self, share: float) -> float:
        """Over some of the real rows, each without itself."""
        total = len(self._train[0])
        if total < 2:
            return 0.0
        some = np.random.default_rng(0).permutation(total)[:_SOME]
        nearest = self._nearest((self._train[0][some], self._train[1][some]), lambda: None, leave=some)
        return float(np.quantile(nearest, share))

    def _placed(self, table: pa.Table) -> tuple[Array, Array]:
        """Ordered columns as ranks (rows x columns, NaN where missing), the others as numbers of their values."""
        ordered, nominal = [], []
        for column in self._columns:
            cells = table.column(column.name)
            if column.name in self._ranks:
                values, missing = whole(column, cells)
                known = self._ranks[column.name]
                place = (np.searchsorted(known, values) + np.searchsorted(known, values, "right")) / 2
                nominal_free = np.where(missing, np.nan, place / max(len(known), 1))
                ordered.append(nominal_free)
                continue
            words = self._words[column.name]
            coded = pc.dictionary_encode(cells.combine_chunks(), null_encoding="encode")
            if isinstance(coded, pa.ChunkedArray):
                coded = coded.combine_chunks()
            names = [words.setdefault(value, len(words)) for value in coded.dictionary.to_pylist()]
            nominal.append(np.asarray(names, np.int64)[coded.indices.to_numpy(zero_copy_only=False)])
        rows = table.num_rows
        return (
            np.stack(ordered, axis=1) if ordered else np.zeros((rows, 0)),
            np.stack(nominal, axis=1) if nominal else np.zeros((rows, 0), np.int64),
        )

    def _nearest(
        self, rows: tuple[Array, Array], check: Callable[[], None], leave: Array | None = None
    ) -> Array:
        """The distance of each row to the nearest real one. leave : for each the real row that does not count."""
        ordered, nominal = rows
        real_ordered, real_nominal = self._train
        total = len(real_ordered)
        width = max(1, ordered.shape[1] + nominal.shape[1])
        found = np.empty(len(ordered))
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
            found[part] = apart.min(axis=1) / width
        return found
