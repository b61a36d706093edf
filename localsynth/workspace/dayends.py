"""The time ``24:00:00``, which DuckDB has and Python has not: Arrow's own conversion makes the day's beginning of it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.types as pt

__all__ = ["holds_times", "value_of"]

_WORD = "24:00:00"
_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def holds_times(kind: pa.DataType) -> bool:
    """Whether values of the type are, or hold, times of day."""
    if pt.is_nested(kind):
        return any(holds_times(kind.field(at).type) for at in range(kind.num_fields))
    return bool(pt.is_time(kind))


def value_of(scalar: pa.Scalar) -> Any:
    """The value as Python has it; the end of the day is a text."""
    kind = scalar.type
    if not scalar.is_valid or not holds_times(kind):
        return scalar.as_py()
    if pt.is_time(kind):
        return _WORD if scalar.value == _A_DAY[kind.unit] else scalar.as_py()
    if pt.is_struct(kind):
        return {name: value_of(item) for name, item in scalar.items()}
    if pt.is_map(kind):
        return [tuple(value_of(one) for one in pair.values()) for pair in scalar.values]
    if isinstance(scalar, pa.UnionScalar):
        return value_of(scalar.value)
    return [value_of(item) for item in scalar.values]
