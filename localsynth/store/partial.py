"""Tables that are known in part, from a file or from memory: typed as a schema says, refused where a cell does not fit it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import DatasetError
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema

from .files import stage_file, stage_table, staging
from .fit import check_fit, typed
from .names import identifier, sql_type

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Store

__all__ = ["read_partial"]


def read_partial(
    store: Store, schema: Schema, source: Path | pa.Table, encoding: str | None = None
) -> tuple[pa.Table, tuple[str, ...]]:
    """The rows with all the schema's columns, empty where nothing is known, and the names of the columns that were there.

    Any cell may be empty; the others must be values that the schema allows. Raises ``DatasetError`` naming column and row.
    """
    from localsynth.tables import arrow_schema

    name = source.name if isinstance(source, Path) else "the table"
    with staging(store) as con:
        if isinstance(source, Path):
            stage_file(store, con, source, encoding)
        else:
            stage_table(con, source, name)
        there = [column for column in con.sql("FROM staged LIMIT 0").columns if column != "row_id"]
        for column in there:
            if column not in schema.names:
                raise DatasetError(
                    f"{name} has a column '{column}', which the dataset has not{nearest(column, schema.names)}",
                    f"columns: {', '.join(schema.names)}",
                )
        wanted = [
            identifier(c.name) if c.name in there else f"NULL::{sql_type(c)} AS {identifier(c.name)}"
            for c in schema.columns
        ]
        query = f"SELECT row_id, {', '.join(wanted)} FROM staged"
        open_ = schema.model_copy(
            update={"columns": tuple(c.model_copy(update={"nullable": True}) for c in schema.columns)}
        )
        try:
            present = check_fit(con, query, query, open_)
        except DatasetError as error:
            words = error.message.replace("the real rows do not fit", f"{name} does not fit", 1)
            raise DatasetError(words, "correct the cell, or leave it empty") from None
        cells = ", ".join(f"{typed(c, present[c.name])} AS {identifier(c.name)}" for c in schema.columns)
        table = con.sql(f"SELECT {cells} FROM ({query}) ORDER BY row_id").to_arrow_table()
    return table.cast(arrow_schema(schema)), tuple(there)
