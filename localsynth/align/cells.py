"""Values of a table's column as cells of an axis: the same reading of a cell for whoever counts rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.columns import BooleanColumn, Column
from localsynth.core.targets import Axis

from .values import whole

__all__ = ["codes"]

Array: TypeAlias = np.ndarray[Any, Any]


def codes(cells: pa.ChunkedArray | pa.Array, axis: Axis, column: Column) -> Array:
    """The cell of ``axis`` that each value lies in (int32); -1 where it lies in none, or is missing and that has no cell.

    cells : typed as :func:`localsynth.tables.arrow_type` says.
    """
    if axis.edges:
        values, missing = whole(column, cells)
        # A cell begins at its edge: what is left of the first gets -1 by itself. The last edge may be one beyond int64.
        found = np.searchsorted(np.array(axis.edges[:-1], np.int64), values, side="right") - 1
        found[values > axis.edges[-1] - 1] = -1
    else:
        missing = np.asarray(pc.is_null(cells).to_numpy(zero_copy_only=False), np.bool_)
        found = _named(cells, axis, column) if axis.labels else np.zeros(len(cells), np.int32)
    found = found.astype(np.int32)
    found[missing] = axis.present if axis.missing else -1
    return found


def _named(cells: pa.ChunkedArray | pa.Array, axis: Axis, column: Column) -> Array:
    values = [value for cell in axis.labels for value in cell]
    place = np.array([*(at for at, cell in enumerate(axis.labels) for _ in cell), -1], np.int32)
    words = cells.cast(pa.string()) if isinstance(column, BooleanColumn) else cells
    found = pc.fill_null(pc.index_in(words, pa.array(values, pa.string())), len(values))
    return np.asarray(place[found.to_numpy(zero_copy_only=False)])
