"""What ``meta`` says of datasets, and the tables and views that belong to one; inside a transaction of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema

from . import clock, generations, names
from .rows import insert_records

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = [
    "make_table",
    "policy_of",
    "put",
    "put_schema",
    "read",
    "read_all",
    "read_part",
    "refuse_taken",
    "remove",
]

_DATASET = "SELECT name, schema_json, policy, rows, train_rows, holdout_rows, source, imported_at, declared FROM meta.datasets"


def read(con: duckdb.DuckDBPyConnection, exact: str) -> Dataset:
    """The dataset of that exact name."""
    return _dataset(con.execute(_DATASET + " WHERE name = ?", [exact]).fetchall()[0])


def read_all(con: duckdb.DuckDBPyConnection) -> list[Dataset]:
    """All datasets by name."""
    return [_dataset(row) for row in con.execute(_DATASET + " ORDER BY lower(name)").fetchall()]


def read_part(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, part: Literal["train", "holdout"]
) -> pa.Table:
    """The real rows of one part, canonical columns, in the file's order."""
    from localsynth.tables import arrow_schema

    query = (
        f"SELECT {names.columns_sql(dataset.schema.names)} FROM {names.real_table(dataset.name)} WHERE row_id IN"
        " (SELECT row_id FROM meta.splits WHERE dataset = ? AND part = ?) ORDER BY row_id"
    )
    return con.sql(query, params=[dataset.name, part]).to_arrow_table().cast(arrow_schema(dataset.schema))


def _dataset(row: Sequence[Any]) -> Dataset:
    name, schema_json, policy, rows, train, held, source, moment, declared = row
    schema = Schema.model_validate_json(schema_json).model_copy(update={"inferred": not declared})
    known = clock.aware(moment)
    return Dataset(name, schema, Exposure.parse(policy), rows, train, held, source, known, bool(declared))


def _present(con: duckdb.DuckDBPyConnection, name: str) -> tuple[str, int] | None:
    found = con.execute(
        "SELECT name, generation FROM meta.datasets WHERE lower(name) = lower(?)", [name]
    ).fetchall()
    return (str(found[0][0]), int(found[0][1])) if found else None


def refuse_taken(con: duckdb.DuckDBPyConnection, name: str, replace: bool) -> None:
    """Raise ``DatasetError`` where there is a dataset of that name, unless it is to be replaced."""
    present = _present(con, name)
    if present and not replace:
        raise DatasetError(
            f"there is a dataset called '{present[0]}' already",
            "--replace replaces it, --name gives another name",
        )


def policy_of(con: duckdb.DuckDBPyConnection, name: str) -> Exposure | None:
    """The policy of the dataset of that name, if there is one."""
    found = con.execute("SELECT policy FROM meta.datasets WHERE lower(name) = lower(?)", [name]).fetchall()
    return Exposure.parse(found[0][0]) if found else None


def put(con: duckdb.DuckDBPyConnection, dataset: Dataset, seed: int) -> None:
    """Record a dataset and make its empty table and its views; one of the same name gives way, its runs stay."""
    present = _present(con, dataset.name)
    generation = 1
    if present:
        generation = present[1]
        _remove_rows(con, present[0])
        # The name may come back in another case; its runs follow it.
        con.execute("UPDATE meta.runs SET dataset = ? WHERE dataset = ?", [dataset.name, present[0]])
        con.execute("UPDATE meta.statistics SET dataset = ? WHERE dataset = ?", [dataset.name, present[0]])
        con.execute("UPDATE meta.budgets SET dataset = ? WHERE dataset = ?", [dataset.name, present[0]])
        con.execute("UPDATE meta.adapters SET dataset = ? WHERE dataset = ?", [dataset.name, present[0]])
    record = {
        "name": dataset.name,
        "schema_json": "",
        "policy": dataset.policy.label,
        "rows": dataset.rows,
        "train_rows": dataset.train_rows,
        "holdout_rows": dataset.holdout_rows,
        "source": dataset.source,
        "seed": seed,
        "generation": generation,
        "imported_at": clock.naive(dataset.imported_at),
        "declared": dataset.declared,
    }
    insert_records(con, "meta.datasets", [record])
    make_table(con, names.real_table(dataset.name), dataset.schema)
    put_schema(con, dataset.name, dataset.schema)


def put_schema(con: duckdb.DuckDBPyConnection, name: str, schema: Schema) -> None:
    """Record a dataset's schema, and make its views show the schema's columns."""
    con.execute("UPDATE meta.datasets SET schema_json = ? WHERE name = ?", [schema.to_json(), name])
    con.execute("DELETE FROM meta.columns WHERE dataset = ?", [name])
    con.execute("DELETE FROM meta.rules WHERE dataset = ?", [name])
    columns = [
        {
            "dataset": name,
            "position": position,
            "name": column.name,
            "kind": column.kind,
            "unit": getattr(column, "unit", "") or None,
            "description": column.description,
            "nullable": column.nullable,
            "null_rate": column.null_rate,
            "column_json": column.model_dump_json(exclude_none=True),
        }
        for position, column in enumerate(schema.columns, 1)
    ]
    rules = [
        {
            "dataset": name,
            "position": position,
            "name": rule.label,
            "predicate": rule.check,
            "description": rule.description,
        }
        for position, rule in enumerate(schema.rules, 1)
    ]
    insert_records(con, "meta.columns", columns)
    insert_records(con, "meta.rules", rules)
    con.execute(
        f"CREATE OR REPLACE VIEW {names.real_view(name)} AS"
        f" SELECT {names.columns_sql(schema.names)} FROM {names.real_table(name)}"
    )
    generations.refresh_view(con, name)


def make_table(con: duckdb.DuckDBPyConnection, table: str, schema: Schema) -> None:
    """An empty table of real rows."""
    columns = ", ".join(f"{names.identifier(name)} {kind}" for name, kind in names.shape(schema))
    con.execute(f"CREATE TABLE {table} (row_id BIGINT NOT NULL, {columns})")


def _remove_rows(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute(f"DROP VIEW IF EXISTS {names.real_view(name)}")
    con.execute(f"DROP VIEW IF EXISTS {names.synth_view(name)}")
    con.execute(f"DROP TABLE IF EXISTS {names.real_table(name)}")
    for table in ("columns", "rules", "splits"):
        con.execute(f"DELETE FROM meta.{table} WHERE dataset = ?", [name])
    con.execute("DELETE FROM meta.datasets WHERE name = ?", [name])


def remove(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Remove a dataset that has no runs any more, with its tables of made rows; what was spent of privacy on it stays spent."""
    (generation,) = con.execute("SELECT generation FROM meta.datasets WHERE name = ?", [name]).fetchall()[0]
    con.execute(f"DROP TABLE IF EXISTS {names.synth_table(name)}")
    for number in range(1, generation):
        con.execute(f"DROP TABLE IF EXISTS {names.old_synth_table(name, number)}")
    con.execute("DELETE FROM meta.statistics WHERE dataset = ?", [name])
    con.execute("DELETE FROM meta.metrics WHERE dataset = ?", [name])
    _remove_rows(con, name)
