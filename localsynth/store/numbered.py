"""Rows by their numbers: train rows that say which they are, and one row of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from localsynth.core.dataset import Dataset

from . import catalogue, generations, names
from . import runs as records

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Store

__all__ = ["numbered_row", "numbered_train_rows"]


def numbered_train_rows(
    store: Store, name: str, most: int, allow: Callable[[Dataset], None]
) -> tuple[Dataset, pa.Table]:
    """A dataset and its train rows with ``row_id``, in the file's order; of more than ``most``, evenly spread ones.

    allow : asked before a row is read; what it raises is raised. Raises ``NotFound``.
    """
    import pyarrow as pa

    from localsynth.tables import arrow_schema

    with store.read() as con:
        dataset = catalogue.read(con, generations.exact_name(con, name))
        allow(dataset)
        every = max(1, -(-dataset.train_rows // most))
        query = (
            f"SELECT row_id, {names.columns_sql(dataset.schema.names)} FROM {names.real_table(dataset.name)}"
            " WHERE row_id IN (SELECT s.row_id FROM (SELECT row_id, row_number() OVER (ORDER BY row_id) AS n FROM meta.splits"
            " WHERE dataset = $1 AND part = 'train') s WHERE (s.n - 1) % $2 = 0) ORDER BY row_id"
        )
        table = con.sql(query, params=[dataset.name, every]).to_arrow_table()
    return dataset, table.cast(pa.schema([pa.field("row_id", pa.int64()), *arrow_schema(dataset.schema)]))


def numbered_row(store: Store, run_id: str, row_no: int) -> pa.Table:
    """Row ``row_no`` (from 1) of a run, canonical columns; a table without rows where there is none. Raises ``NotFound``."""
    from localsynth.tables import arrow_schema

    with store.read() as con:
        schema = records.schema_in(con, run_id)
        found = con.execute("SELECT dataset, generation FROM meta.runs WHERE run_id = ?", [run_id])
        table = generations.table_of(con, *found.fetchall()[0])
        query = f"SELECT {names.columns_sql(schema.names)} FROM {table} WHERE run_id = ? AND row_no = ?"
        return con.sql(query, params=[run_id, row_no]).to_arrow_table().cast(arrow_schema(schema))
