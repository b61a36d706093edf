"""Which cells a schema forbids, a whole column at a time."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.columns import (
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.schema import Schema

from .encode import Array

__all__ = ["forbidden_cells"]

_MINUTE = 60_000_000  # microseconds


def forbidden_cells(schema: Schema, table: pa.Table) -> dict[str, Array]:
    """Per column of the table a boolean array: the cells that :func:`localsynth.core.cells.read_cell` would refuse.

    That is: missing where the column is not nullable; outside the range; more decimals than the column has; a moment not
    in whole minutes; no category of the list; a text too short or too long. Columns are typed as
    :func:`localsynth.tables.arrow_type` says. Identifiers are asked only to be there.
    """
    names = set(table.column_names)
    return {
        column.name: _forbidden(column, table.column(column.name))
        for column in schema.columns
        if column.name in names
    }


def _forbidden(column: Column, cells: pa.ChunkedArray) -> Array:
    empty = np.asarray(pc.is_null(cells).to_numpy(), np.bool_)
    wrong = np.zeros(len(cells), np.bool_)
    if not empty.all():
        wrong[~empty] = _wrong(column, pc.drop_null(cells))
    return wrong if column.nullable else wrong | empty


def _wrong(column: Column, cells: pa.ChunkedArray) -> Array:
    """The same of cells none of which is missing."""
    match column:
        case IntegerColumn():
            return _outside(cells.to_numpy(), *column.scaled_bounds)
        case FloatColumn():
            return _wrong_decimals(column, cells.to_numpy())
        case CategoricalColumn(categories=categories):
            known = pa.array(list(categories), cells.type)
            return np.asarray(pc.invert(pc.is_in(cells, value_set=known)).to_numpy(), np.bool_)
        case DateColumn(range=(first, last)):
            days = cells.cast(pa.int32()).to_numpy()
            return _outside(days, *map(partial(_since_1970, unit="D"), (first, last)))
        case DatetimeColumn(range=(first, last)):
            moments = cells.cast(pa.int64()).to_numpy()
            outside = _outside(moments, *map(partial(_since_1970, unit="us"), (first, last)))
            return np.asarray(outside | (moments % _MINUTE != 0))
        case TextColumn(min_length=shortest, max_length=longest):
            return _outside(pc.utf8_length(cells).to_numpy(), shortest, longest)
    return np.zeros(len(cells), np.bool_)


def _outside(values: Array, low: int, high: int) -> Array:
    return np.asarray((values < low) | (values > high))


def _since_1970(when: date | datetime, unit: Any) -> int:
    return int(np.datetime64(when, unit).astype(np.int64))


def _wrong_decimals(column: FloatColumn, values: Array) -> Array:
    """Scaled to whole numbers, each lies beside one within the tolerance of ``read_cell``, and inside the bounds."""
    with np.errstate(over="ignore"):
        scaled = values * 10.0**column.decimals
    fits = np.abs(scaled) < 2.0**63  # neither NaN nor infinite either
    scaled = np.where(fits, scaled, 0.0)
    nearest = np.rint(scaled)
    off = np.abs(scaled - nearest) > 1e-6 + np.abs(nearest) * 1e-15
    return ~fits | off | _outside(nearest.astype(np.int64), *column.scaled_bounds)
