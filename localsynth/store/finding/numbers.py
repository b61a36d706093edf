"""Ordered columns as numbers, NaN where a value is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from localsynth.core.columns import DateColumn, DatetimeColumn, FloatColumn, IntegerColumn
from localsynth.core.schema import Schema
from localsynth.core.steps import OrderedColumn, decimals_of

from .coding import Array

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Numbers", "numbers_of"]


@dataclass(frozen=True)
class Numbers:
    """One column. values : float64, one for each row: numbers as they are, days, or microseconds, since 1970."""

    column: OrderedColumn
    values: Array

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return decimals_of(self.column)

    @property
    def numeric(self) -> bool:
        """Whether it can be added up."""
        return isinstance(self.column, IntegerColumn | FloatColumn)

    def like(self, other: Numbers) -> bool:
        """Whether their values can be compared: of the same unit, or days, or moments."""
        if self.numeric and other.numeric:
            return bool(getattr(self.column, "unit", "") == getattr(other.column, "unit", ""))
        return type(self.column) is type(other.column)


def numbers_of(table: pa.Table, schema: Schema) -> list[Numbers]:
    """The ordered columns that have more than one value."""
    found = []
    for column in schema.columns:
        if isinstance(column, IntegerColumn | FloatColumn | DateColumn | DatetimeColumn):
            values = _floats(table.column(column.name))
            present = values[~np.isnan(values)]
            if len(present) and present.min() < present.max():
                found.append(Numbers(column, values))
    return found


def _floats(column: pa.ChunkedArray) -> Array:
    import pyarrow as pa
    import pyarrow.types as kinds

    if kinds.is_date32(column.type):
        column = column.cast(pa.int32())
    elif kinds.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    values: Array = column.cast(pa.float64(), safe=False).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)
