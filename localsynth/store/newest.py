"""A look at a run that is being made, in one short transaction: as long as someone reads, nobody can commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsynth.core.run import Run

from . import names
from .runs import run_in

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Store

__all__ = ["newest_rows"]


def newest_rows(store: Store, run_id: str, most: int, columns: int) -> tuple[Run, list[int], pa.Table]:
    """The run as it stands; the numbers of its newest rows, the last first; and of these rows the first columns.

    most, columns : how many rows and columns at most. Raises ``NotFound``.
    """
    with store.read() as con:
        run, schema, table = run_in(con, run_id)
        query = (
            f"SELECT row_no, {names.columns_sql(schema.names[:columns])} FROM {table}"
            " WHERE run_id = ? AND row_no > ? ORDER BY row_no DESC"
        )
        found = con.sql(query, params=[run_id, run.rows_done - most]).to_arrow_table()
    return run, found.column(0).to_pylist(), found.remove_column(0)
