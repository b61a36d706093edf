"""Rows into tables: Arrow in, one statement each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import RunError
from localsynth.core.schema import Schema

from . import names

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["append", "insert_arrow", "insert_records", "insert_stream"]

_INCOMING = "localsynth incoming"


def insert_arrow(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
    """Insert Arrow data into ``table`` (quoted already), columns matched by name."""
    columns = names.columns_sql(rows.schema.names)
    con.register(_INCOMING, rows)
    try:
        query = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {names.identifier(_INCOMING)}"
        con.execute(query).fetchall()
    finally:
        con.unregister(_INCOMING)


def insert_stream(
    con: duckdb.DuckDBPyConnection, table: str, source: duckdb.DuckDBPyConnection, query: str
) -> None:
    """Insert what a query on another connection gives, a piece at a time."""
    insert_arrow(con, table, source.sql(query).to_arrow_reader(100_000))


def insert_records(con: duckdb.DuckDBPyConnection, table: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Insert dictionaries, all with the same keys."""
    import pyarrow as pa

    if records:
        insert_arrow(con, table, pa.Table.from_pylist([dict(record) for record in records]))


def append(
    con: duckdb.DuckDBPyConnection,
    table: str,
    schema: Schema,
    rows: pa.Table,
    run_id: str,
    batch_no: int,
    first_row: int,
) -> None:
    """Append a batch to a table of made rows, numbered from ``first_row``. Raises ``RunError`` on other columns."""
    import pyarrow as pa

    from localsynth.tables import arrow_schema

    target = arrow_schema(schema)
    if rows.num_rows == 0:
        return
    if sorted(rows.column_names) != sorted(target.names):
        other = sorted(set(rows.column_names) ^ set(target.names)) or list(rows.column_names)
        raise RunError(f"the batch's columns are not the schema's; they differ in: {', '.join(other)}")
    try:
        typed = rows.select(target.names).cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        failed = RunError(f"the batch's values are not of the schema's types: {error}")
        failed.cells = (str(error),)
        raise failed from error
    size = typed.num_rows
    typed = typed.add_column(0, "run_id", pa.array([run_id] * size, pa.string()))
    typed = typed.add_column(1, "batch_no", pa.array([batch_no] * size, pa.int32()))
    typed = typed.add_column(2, "row_no", pa.array(range(first_row, first_row + size), pa.int64()))
    insert_arrow(con, table, typed)
