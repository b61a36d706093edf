"""Rows of earlier stages of a run, in ``meta.stages``: kept with the batch they are of, cells as text.

The text gives the very value back, in Arrow and in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localsynth.core.contracts import STAGE_ROWS, Stage
from localsynth.core.errors import RunError
from localsynth.core.schema import Schema

from . import names
from .rows import insert_arrow

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from .session import Store

__all__ = ["keep_stages", "read_stages"]


def keep_stages(
    con: duckdb.DuckDBPyConnection, schema: Schema, run_id: str, batch_no: int, stages: Sequence[Stage]
) -> None:
    """Keep stages of a batch, inside its transaction; of each no more than ``STAGE_ROWS`` rows of the run.

    Raises ``RunError`` on columns that are not the schema's, and for a run with a privacy budget, which does not cover such
    rows.
    """
    import pyarrow as pa

    from localsynth.tables import arrow_schema

    from .budgets import bounded  # which reads runs, whose batches bring stages

    if not stages:
        return
    if bounded(con, run_id):
        raise RunError(
            f"run {run_id} has a privacy budget, which does not cover rows of earlier stages",
            "this is a mistake in the method, not in your recipe",
        )
    query = "SELECT stage, count(*) FROM meta.stages WHERE run_id = ? GROUP BY stage"
    kept = dict(con.execute(query, [run_id]).fetchall())
    target = arrow_schema(schema)
    for number, stage in enumerate(stages, 1):
        if not stage.rows.schema.equals(target):
            raise RunError(f"the columns of the stage '{stage.name}' are not the schema's")
        had = kept.get(stage.name, 0)
        rows = stage.rows.slice(0, max(STAGE_ROWS - had, 0))
        size = rows.num_rows
        if not size:
            continue
        columns = {
            "run_id": pa.array([run_id] * size, pa.string()),
            "batch_no": pa.array([batch_no] * size, pa.int32()),
            "stage_no": pa.array([number] * size, pa.int32()),
            "stage": pa.array([stage.name] * size, pa.string()),
            "row_no": pa.array(range(had + 1, had + size + 1), pa.int64()),
            "cells": _cells(rows),
        }
        insert_arrow(con, "meta.stages", pa.table(columns))


def _cells(rows: pa.Table) -> pa.MapArray:
    """Each row as a map, in the order of the columns."""
    import numpy as np
    import pyarrow as pa

    size, width = rows.num_rows, rows.num_columns
    texts = [column.combine_chunks().cast(pa.string()) for column in rows.columns]
    by_row = np.arange(size * width).reshape(width, size).T.reshape(-1)
    return pa.MapArray.from_arrays(
        pa.array(np.arange(size + 1) * width, pa.int32()),
        pa.array(rows.column_names * size, pa.string()),
        pa.concat_arrays(texts).take(pa.array(by_row)),
    )


def read_stages(store: Store, run_id: str) -> dict[str, pa.Table]:
    """What was kept of each stage of a run, in the stages' order: rows as they were made, canonical columns.

    Raises ``NotFound`` where there is no such run.
    """
    from localsynth.tables import arrow_schema

    from .runs import schema_in  # whose batches bring stages

    with store.read() as con:
        schema = schema_in(con, run_id)
        order = "GROUP BY stage ORDER BY min(stage_no), min(rowid)"
        query = f"SELECT stage FROM meta.stages WHERE run_id = ? {order}"
        found = [stage for (stage,) in con.execute(query, [run_id]).fetchall()]
        cells = ", ".join(f"cells[{names.literal(n)}] AS {names.identifier(n)}" for n in schema.names)
        query = f"SELECT {cells} FROM meta.stages WHERE run_id = ? AND stage = ? ORDER BY row_no"
        return {
            stage: con.sql(query, params=[run_id, stage]).to_arrow_table().cast(arrow_schema(schema))
            for stage in found
        }
