"""Tables of made rows: one per shape a dataset's columns have had, and the view of the latest finished run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsynth.core.errors import NotFound
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema

from . import names

if TYPE_CHECKING:
    import duckdb

__all__ = ["exact_name", "refresh_view", "table_for", "table_of"]


def exact_name(con: duckdb.DuckDBPyConnection, dataset: str) -> str:
    """The dataset's name as it was given at import; upper and lower case count as the same. Raises ``NotFound``."""
    known = [row[0] for row in con.execute("SELECT name FROM meta.datasets ORDER BY name").fetchall()]
    for name in known:
        if name.lower() == dataset.lower():
            return str(name)
    if not known:
        raise NotFound(
            f"there is no dataset called '{dataset}', nor any other", "localsynth import FILE brings one in"
        )
    raise NotFound(
        f"there is no dataset called '{dataset}'{nearest(dataset, known)}", f"there are: {_some(known)}"
    )


def table_of(con: duckdb.DuckDBPyConnection, dataset: str, generation: int) -> str:
    """The table (quoted) where runs of that generation have their rows."""
    (current,) = con.execute("SELECT generation FROM meta.datasets WHERE name = ?", [dataset]).fetchall()[0]
    return names.synth_table(dataset) if generation == current else names.old_synth_table(dataset, generation)


def table_for(con: duckdb.DuckDBPyConnection, dataset: str, schema: Schema) -> int:
    """Make sure ``synth.<dataset>`` (the exact name) has the schema's shape; gives its generation.

    A table of another shape steps aside under its generation's number, or goes where no run uses it.
    """
    (generation,) = con.execute("SELECT generation FROM meta.datasets WHERE name = ?", [dataset]).fetchall()[
        0
    ]
    present = _shape(con, dataset)
    if present == names.shape(schema):
        return int(generation)
    if present:
        _step_aside(con, dataset, int(generation))
        generation += 1
        con.execute("UPDATE meta.datasets SET generation = ? WHERE name = ?", [generation, dataset])
    columns = ", ".join(f"{names.identifier(column)} {kind}" for column, kind in names.shape(schema))
    con.execute(
        f"CREATE TABLE {names.synth_table(dataset)}"
        f" (run_id VARCHAR NOT NULL, batch_no INTEGER NOT NULL, row_no BIGINT NOT NULL, {columns})"
    )
    return int(generation)


def _shape(con: duckdb.DuckDBPyConnection, dataset: str) -> list[tuple[str, str]]:
    found = con.execute(
        "SELECT column_name, data_type FROM duckdb_columns()"
        " WHERE schema_name = 'synth' AND lower(table_name) = lower(?) ORDER BY column_index",
        [dataset],
    ).fetchall()
    return [(str(name), str(kind)) for name, kind in found[3:]]


def _step_aside(con: duckdb.DuckDBPyConnection, dataset: str, generation: int) -> None:
    table, old = names.synth_table(dataset), names.old_synth_table(dataset, generation)
    used = con.execute(
        "SELECT 1 FROM meta.runs WHERE dataset = ? AND generation = ? LIMIT 1", [dataset, generation]
    ).fetchall()
    if used:
        con.execute(f"CREATE TABLE {old} AS FROM {table}")
    con.execute(f"DROP TABLE {table}")


def refresh_view(con: duckdb.DuckDBPyConnection, dataset: str) -> None:
    """Point ``<dataset>_synth`` at the latest run that ended by itself, finished or short of rows."""
    latest = con.execute(
        "SELECT run_id, generation, schema_json FROM meta.runs WHERE dataset = ? AND status IN ('finished', 'short')"
        " ORDER BY finished_at DESC, run_id DESC LIMIT 1",
        [dataset],
    ).fetchall()
    if latest:
        run_id, generation, schema_json = latest[0]
        columns = names.columns_sql(Schema.model_validate_json(schema_json).names)
        source = f"FROM {table_of(con, dataset, generation)} WHERE run_id = {names.literal(run_id)}"
    else:
        (schema_json,) = con.execute(
            "SELECT schema_json FROM meta.datasets WHERE name = ?", [dataset]
        ).fetchall()[0]
        shape = names.shape(Schema.model_validate_json(schema_json))
        columns = ", ".join(f"NULL::{kind} AS {names.identifier(name)}" for name, kind in shape)
        source = "WHERE false"
    con.execute(f"CREATE OR REPLACE VIEW {names.synth_view(dataset)} AS SELECT {columns} {source}")


def _some(known: list[str]) -> str:
    return ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
