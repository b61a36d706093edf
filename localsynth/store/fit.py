"""Real rows under a schema a person wrote: typed as it says, and refused where they contradict it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localsynth.core.columns import (
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from localsynth.core.errors import DatasetError
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema

from .names import identifier, sql_type

if TYPE_CHECKING:
    import duckdb

__all__ = ["check_fit", "typed"]


def typed(column: Column, source_type: str) -> str:
    """The expression that gives a stored column the type its schema wants; NULL where a value cannot have it."""
    c, wanted = identifier(column.name), sql_type(column)
    return c if wanted == source_type else f"try_cast({c} AS {wanted})"


def check_fit(
    con: duckdb.DuckDBPyConnection, all_rows: str, train_rows: str, schema: Schema
) -> dict[str, str]:
    """Do the rows fit? Gives the types the columns have now.

    Types must hold in all rows; ranges, categories and missing values in the train rows alone, because a schema is inferred
    without the holdout. Lengths and decimals of real values are left as they are. Raises ``DatasetError`` naming the column,
    the number of cells, and the first.
    """
    relation = con.sql(f"SELECT * FROM ({all_rows}) LIMIT 0")
    present = dict(zip(relation.columns, (str(kind) for kind in relation.types), strict=True))
    for column in schema.columns:
        if column.name not in present:
            raise DatasetError(
                f"the schema's column '{column.name}' is not in the data{nearest(column.name, present)}",
                f"the data has: {', '.join(name for name in present if name != 'row_id')}",
            )
        _types(con, all_rows, column, present[column.name])
        _values(con, train_rows, column, present[column.name])
    return present


def _types(con: duckdb.DuckDBPyConnection, relation: str, column: Column, source: str) -> None:
    wanted = sql_type(column)
    if wanted in {source, "VARCHAR"}:
        return
    c = identifier(column.name)
    cast = typed(column, source)
    # A cast that comes back as another value has lost something: 1.5 as an integer, a moment as a day.
    back = (
        f"try_cast({c} AS DOUBLE)"
        if source == "VARCHAR" and wanted == "BIGINT"
        else f"try_cast({cast} AS {source})"
    )
    other = cast if source == "VARCHAR" and wanted == "BIGINT" else c
    lossy = "" if source == "VARCHAR" and wanted != "BIGINT" else f" OR {back} IS DISTINCT FROM {other}"
    _refuse(
        con,
        relation,
        column,
        f"{c} IS NOT NULL AND ({cast} IS NULL{lossy})",
        [],
        f"is not of kind {column.kind}",
    )


def _values(con: duckdb.DuckDBPyConnection, relation: str, column: Column, source: str) -> None:
    c = typed(column, source)
    if not column.nullable:
        _refuse(
            con,
            relation,
            column,
            f"{identifier(column.name)} IS NULL",
            [],
            "is missing, but the column is not nullable",
        )
    match column:
        case IntegerColumn() | FloatColumn():
            low, high = column.scaled_bounds
            scale = 10**column.decimals if isinstance(column, FloatColumn) else 1
            # Half a step of tolerance: real values may have more decimals than the schema asks for.
            slack = 0.5 / scale if isinstance(column, FloatColumn) else 0
            bounds = [low / scale - slack, high / scale + slack] if slack else [low, high]
            said = f"lies outside {low / scale:g} to {high / scale:g}"
            _refuse(con, relation, column, f"{c} NOT BETWEEN ? AND ?", bounds, said)
        case DateColumn(range=(first, last)) | DatetimeColumn(range=(first, last)):
            _refuse(
                con,
                relation,
                column,
                f"{c} NOT BETWEEN ? AND ?",
                [first, last],
                f"lies outside {first} to {last}",
            )
        case CategoricalColumn(categories=categories):
            test = f"{c} IS NOT NULL AND NOT list_contains(?::VARCHAR[], {c})"
            _refuse(con, relation, column, test, [list(categories)], "is no category of the schema")


def _refuse(
    con: duckdb.DuckDBPyConnection, relation: str, column: Column, test: str, values: list[Any], said: str
) -> None:
    c = identifier(column.name)
    query = f"SELECT count(*), min(row_id), arg_min({c}::VARCHAR, row_id) FROM ({relation}) WHERE {test}"
    count, row, value = con.execute(query, values).fetchall()[0]
    if count:
        shown = "a cell" if value is None else f"'{value[:60]}'"
        more = f"; {count} cells in all do not fit" if count > 1 else ""
        failed = DatasetError(
            f"the real rows do not fit the column '{column.name}': {shown} in row {row} {said}{more}",
            "change the schema, or correct the data and import it again",
        )
        failed.cells = () if value is None else (shown,)
        raise failed
