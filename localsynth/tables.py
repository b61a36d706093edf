"""Arrow tables of a schema: the form in which rows travel between rooms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from .core.columns import (
    BooleanColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from .core.schema import Schema

__all__ = ["arrow_schema", "arrow_type", "table_of"]


def arrow_type(column: Column) -> pa.DataType:
    """int64, float64, bool, date32, timestamp[us] or string."""
    match column:
        case IntegerColumn():
            return pa.int64()
        case FloatColumn():
            return pa.float64()
        case BooleanColumn():
            return pa.bool_()
        case DateColumn():
            return pa.date32()
        case DatetimeColumn():
            return pa.timestamp("us")
        case _:
            return pa.string()


def arrow_schema(schema: Schema, names: Sequence[str] | None = None) -> pa.Schema:
    """The Arrow schema of the named columns (default all, canonical order)."""
    columns = schema.columns if names is None else [schema.column(name) for name in names]
    return pa.schema([pa.field(column.name, arrow_type(column)) for column in columns])


def table_of(schema: Schema, rows: Iterable[Sequence[Any]]) -> pa.Table:
    """A table of full rows, values in canonical column order."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema.columns)
    target = arrow_schema(schema)
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, target, strict=True)]
    return pa.Table.from_arrays(arrays, schema=target)
