"""Whether the cells of a finished column are what the schema allows: the last look before a row is handed on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localsynth.core.columns import (
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)

__all__ = ["fits"]


def fits(column: Column, values: list[Any]) -> NDArray[np.bool_]:
    """Per value whether the column may hold it."""
    match column:
        case IntegerColumn():
            low, high = column.scaled_bounds
            good = [v is None or low <= v <= high for v in values]
        case FloatColumn(decimals=decimals):
            low, high = column.scaled_bounds
            scale = 10**decimals
            good = [
                v is None
                or (math.isfinite(v) and low <= round(v * scale) <= high and round(float(v), decimals) == v)
                for v in values
            ]
        case CategoricalColumn(categories=categories):
            good = [v is None or v in categories for v in values]
        case DateColumn(range=(first, last)):
            good = [v is None or first <= v <= last for v in values]
        case DatetimeColumn(range=(start, end)):
            good = [v is None or start <= v <= end for v in values]
        case TextColumn(min_length=shortest, max_length=longest):
            good = [v is None or shortest <= len(v) <= longest for v in values]
        case _:
            good = [True] * len(values)
    result = np.array(good, dtype=np.bool_)
    return result if column.nullable else result & np.array([v is not None for v in values], dtype=np.bool_)
