"""Rows as Arrow tables in the schema's order; columns that are not there yet are NULL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from localsynth.core.schema import Schema
from localsynth.tables import arrow_schema

__all__ = ["json_text", "whole_table"]


def whole_table(schema: Schema, columns: Mapping[str, pa.Array | pa.ChunkedArray], rows: int) -> pa.Table:
    """A table of all the schema's columns."""
    target = arrow_schema(schema)
    arrays = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in target
    ]
    return pa.Table.from_arrays(arrays, schema=target)


def json_text(row: Mapping[str, Any]) -> str:
    """A row as it is kept beside a reject."""
    return json.dumps(
        {name: value for name, value in row.items() if value is not None}, ensure_ascii=False, default=str
    )
