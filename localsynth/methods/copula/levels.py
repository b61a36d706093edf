"""A column as positions among its distinct values, and values again from positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.columns import (
    BooleanColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from localsynth.tables import arrow_type

__all__ = ["Array", "Levels", "levels_of"]

Array: TypeAlias = np.ndarray[Any, Any]

_FEW = 20  # a number with at most so many distinct values, each seen twice on average, is a code or a count
_HEAP, _HEAP_SHARE = (
    3,
    0.01,
)  # a value of that many rows and that share of rows is one people share: 0, 120, 40 hours
_MINUTE = 60_000_000  # microseconds
_LARGEST = 2.0**62  # a float beyond 64 bits has no integer


@dataclass(frozen=True)
class Levels:
    """One column of the train rows.

    codes : per row the index of its value, -1 where it is missing. values : the distinct values in the order the latent
    variable follows; numbers as whole steps of the column's decimals (days, minutes), rising. below, above : per value, how
    far around it a made value may lie, in the same steps; 0 on both sides for a value that is only ever made as it is.
    places : per value its level of the latent variable, rising from 0; several share one where there are very many, and are
    then drawn by their frequency. ``None`` where each has its own.
    """

    column: Column
    codes: Array
    values: Array
    below: Array
    above: Array
    places: Array | None = None

    @property
    def nominal(self) -> bool:
        """Whether its values have no order of their own."""
        return self.values.dtype == object and not isinstance(self.column, BooleanColumn)

    @property
    def missing(self) -> Array:
        """Which rows hold nothing, boolean."""
        return self.codes < 0

    def counts(self) -> Array:
        """Rows per value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def latent(self) -> tuple[Array, int]:
        """Per row its level of the latent variable, -1 where it is missing; and how many there are."""
        if self.places is None:
            return self.codes, len(self.values)
        return np.append(self.places, -1)[self.codes], int(self.places[-1]) + 1

    def drawn(self, levels: Array, chance: Array) -> Array:
        """Indices of values from levels of the latent variable; chance (0 to 1, below 1) picks among those that share one."""
        assert self.places is not None
        ends = np.cumsum(self.counts())
        first, last = (np.searchsorted(self.places, levels, side) for side in ("left", "right"))
        low = np.append(0, ends)[first]
        found = np.searchsorted(ends, low + chance * (ends[last - 1] - low), side="right")
        return np.asarray(np.clip(found, first, last - 1))

    def ordered(self, order: Array) -> Levels:
        """The same column with its values in another order: ``order[i]`` is the present index of the i-th."""
        place = np.empty(len(order) + 1, np.int64)
        place[order] = np.arange(len(order))
        place[-1] = -1  # where the code of a missing cell points
        return replace(self, codes=place[self.codes], values=self.values[order])

    def cells(self, codes: Array, within: Array) -> pa.Array:
        """Cells from indices (-1 for missing); ``within``, 0 to 1, is the place between a value's two reaches."""
        kind = arrow_type(self.column)
        if not len(self.values):
            return pa.nulls(len(codes), kind)
        empty, found = codes < 0, self.values[codes]
        if self.values.dtype == object:
            return pa.array(found, kind, mask=empty)
        reach = self.below[codes] + self.above[codes]
        steps = found + np.rint(within * reach - self.below[codes]).astype(np.int64)
        return _numbers(self.column, np.clip(steps, *_bounds(self.column)), empty)


def levels_of(column: Column, cells: pa.Array) -> Levels:
    """The column of the train rows, its values in rising order."""
    empty = np.asarray(cells.is_null())
    held = cells.drop_null()
    if pa.types.is_string(held.type) or pa.types.is_boolean(held.type):
        listed = pc.unique(held)
        listed = listed.take(pc.array_sort_indices(listed))
        values = np.array(listed.to_pylist(), object)
        found = np.asarray(pc.index_in(held, listed).to_numpy(zero_copy_only=False), np.int64)
        below = above = np.zeros(len(values))
    else:
        values, found = np.unique(_steps(column, held), return_inverse=True)
        below, above = _reach(values, np.bincount(found, minlength=len(values)))
    codes = np.full(len(cells), -1, np.int64)
    codes[~empty] = found
    return Levels(column, codes, values, below, above)


def _reach(values: Array, counts: Array) -> tuple[Array, Array]:
    """How far made values may lie from real ones: half-way to the neighbours, but only as far towards a heap of rows
    as away from it, and never beyond the lowest and the highest."""
    rows = counts.sum()
    if len(values) <= _FEW and len(values) <= rows / 2:
        return np.zeros(len(values)), np.zeros(len(values))
    heap = counts >= max(_HEAP, _HEAP_SHARE * rows)
    half = np.diff(values.astype(np.float64)) / 2
    below, above = np.r_[0.0, half], np.r_[half, 0.0]
    narrow = np.minimum(below, above)
    first, last = np.arange(len(values)) == 0, np.arange(len(values)) == len(values) - 1
    below = np.where(np.r_[False, heap[:-1]] & ~last, narrow, below)
    above = np.where(np.r_[heap[1:], False] & ~first, narrow, above)
    return np.where(heap, 0.0, below), np.where(heap, 0.0, above)


def _steps(column: Column, held: pa.Array) -> Array:
    match column:
        case FloatColumn(decimals=decimals):
            steps = np.rint(held.to_numpy() * 10.0**decimals).clip(-_LARGEST, _LARGEST).astype(np.int64)
        case DatetimeColumn():
            steps = held.cast(pa.int64()).to_numpy() // _MINUTE
        case DateColumn():
            steps = held.cast(pa.int32()).to_numpy().astype(np.int64)
        case _:
            steps = held.to_numpy()
    inside: Array = np.clip(steps, *_bounds(column))
    return inside


def _bounds(column: Column) -> tuple[int, int]:
    """Lowest and highest value in steps."""
    match column:
        case IntegerColumn() | FloatColumn():
            return column.scaled_bounds
        case DatetimeColumn(range=(first, last)):
            return _minutes(first), _minutes(last)
        case DateColumn(range=(start, end)):
            return (start - date(1970, 1, 1)).days, (end - date(1970, 1, 1)).days
        case _:
            raise TypeError(column.kind)


def _minutes(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1)  # noqa: DTZ001  (moments have no zone)
    return since.days * 1440 + since.seconds // 60


def _numbers(column: Column, steps: Array, empty: Array) -> pa.Array:
    kind = arrow_type(column)
    match column:
        case FloatColumn(decimals=decimals):
            return pa.array(steps / 10.0**decimals, kind, mask=empty)
        case DatetimeColumn():
            return pa.array(steps * _MINUTE, pa.int64(), mask=empty).cast(kind)
        case DateColumn():
            return pa.array(steps.astype(np.int32), pa.int32(), mask=empty).cast(kind)
        case _:
            return pa.array(steps, kind, mask=empty)
