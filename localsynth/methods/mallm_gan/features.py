"""Rows as numbers, the way the discriminator reads them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.align.values import whole
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    IdentifierColumn,
    TextColumn,
)
from localsynth.core.schema import Schema

__all__ = ["Array", "Features"]

Array: TypeAlias = np.ndarray[Any, Any]


class Features:
    """What a classifier of rows is given: one number per column, by the schema alone.

    Knowing nothing of any table, it reads every table alike. Identifiers are left out: they are numbered by the runner. Of
    a free text its length in characters stands for it.

    names : of the columns, canonical order. nominal : which of them hold numbers without an order.
    """

    def __init__(self, schema: Schema) -> None:
        self._columns = [column for column in schema.columns if not isinstance(column, IdentifierColumn)]
        self.names: tuple[str, ...] = tuple(column.name for column in self._columns)
        self.nominal: list[bool] = [isinstance(column, CategoricalColumn) for column in self._columns]

    def encode(self, table: pa.Table) -> Array:
        """One float64 per row and column, NaN where missing (rows x columns).

        Categories are numbered from 0 in the schema's order, booleans 0 and 1; numbers count steps of their decimals, dates
        days, moments minutes. A category that the schema does not know counts as missing.
        """
        made = [_numbers(column, table.column(column.name)) for column in self._columns]
        return np.stack(made, axis=1) if table.num_rows else np.zeros((0, len(made)))


def _numbers(column: Column, cells: pa.ChunkedArray) -> Array:
    match column:
        case CategoricalColumn(categories=categories):
            found = pc.index_in(cells, pa.array(list(categories), cells.type))
        case BooleanColumn():
            found = cells.cast(pa.int8())
        case TextColumn():
            found = pc.utf8_length(cells)
        case _:
            values, missing = whole(column, cells)
            return np.where(missing, np.nan, values.astype(np.float64))
    return np.asarray(found.cast(pa.float64()).to_numpy(), np.float64)
