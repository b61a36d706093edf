"""Arrow tables of a schema."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.schema import Schema
from localsynth.tables import arrow_schema, arrow_type, table_of

from .strategies import cells, schemas


@given(st.data(), schemas(kinds=("integer", "float", "boolean", "categorical", "date", "datetime", "text")))
@settings(max_examples=60, deadline=None)
def test_rows_come_back_out_of_a_table(data: st.DataObject, schema: Schema) -> None:
    rows = [
        [data.draw(cells(column)) for column in schema.columns] for _ in range(data.draw(st.integers(0, 3)))
    ]
    table = table_of(schema, rows)
    assert table.schema == arrow_schema(schema)
    assert tuple(table.column_names) == schema.names
    assert [list(row.values()) for row in table.to_pylist()] == rows


def test_types() -> None:
    schema = Schema.from_toml(
        '[[columns]]\nname = "i"\nkind = "identifier"\n'
        '[[columns]]\nname = "d"\nkind = "date"\nrange = [2024-01-01, 2024-01-02]\n'
        '[[columns]]\nname = "m"\nkind = "datetime"\nrange = [2024-01-01T00:00:00, 2024-01-02T00:00:00]\n'
    )
    assert [arrow_type(column) for column in schema.columns] == [pa.string(), pa.date32(), pa.timestamp("us")]
    assert arrow_schema(schema, ["m", "i"]).names == ["m", "i"]
    table = table_of(schema, [(None, date(2024, 1, 1), datetime(2024, 1, 1, 8))])
    assert table.to_pylist() == [{"i": None, "d": date(2024, 1, 1), "m": datetime(2024, 1, 1, 8)}]
    with pytest.raises(KeyError):
        arrow_schema(schema, ["x"])
    with pytest.raises(ValueError, match="zip"):
        table_of(schema, [(None,), (None, None)])
