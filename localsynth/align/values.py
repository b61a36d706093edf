"""Values of ordered columns as whole numbers and back; see :mod:`localsynth.core.targets` for the units."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.columns import (
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
)
from localsynth.tables import arrow_type

__all__ = ["from_whole", "whole"]

Array: TypeAlias = np.ndarray[Any, Any]
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTE = 60_000_000  # microseconds
_LARGEST = float(2**63 - 1024)  # the largest double that 64 bits hold as a whole number


def whole(column: Column, cells: pa.ChunkedArray | pa.Array) -> tuple[Array, Array]:
    """The values of an ordered column as int64, and which are missing (0 stands there).

    Decimals beyond the column's are rounded; what no whole number of 64 bits holds (infinite, NaN) counts as missing.
    """
    missing = np.asarray(pc.is_null(cells).to_numpy(zero_copy_only=False), np.bool_)
    match column:
        case FloatColumn(decimals=decimals):
            values = np.asarray(pc.fill_null(cells, 0.0).to_numpy(zero_copy_only=False), np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                values = np.rint(values * 10.0**decimals)
            fits = np.abs(values) <= _LARGEST
            return np.where(fits, values, 0.0).astype(np.int64), missing | ~fits
        case DateColumn():
            days = pc.fill_null(cells.cast(pa.int32()), 0).to_numpy(zero_copy_only=False)
            return np.asarray(days, np.int64) + _EPOCH, missing
        case DatetimeColumn():
            moments = pc.fill_null(cells.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
            return np.asarray(moments, np.int64) // _MINUTE, missing
    return np.asarray(pc.fill_null(cells, 0).to_numpy(zero_copy_only=False), np.int64), missing


def from_whole(column: Column, values: Array, missing: Array) -> pa.Array:
    """The opposite of :func:`whole`, typed as :func:`localsynth.tables.arrow_type` says."""
    mask = missing if missing.any() else None
    match column:
        case FloatColumn(decimals=decimals):
            # Divided, not multiplied by 0.1: only so is 3 / 10 the number that is written 0.3.
            return pa.array(values / 10.0**decimals, pa.float64(), mask=mask)
        case DateColumn():
            return pa.array((values - _EPOCH).astype(np.int32), pa.int32(), mask=mask).cast(pa.date32())
        case DatetimeColumn():
            return pa.array(values * _MINUTE, pa.int64(), mask=mask).cast(arrow_type(column))
    return pa.array(values, pa.int64(), mask=mask)
