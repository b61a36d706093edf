"""Types of columns: what a column of text holds, and what other types become.

Six types are kept: BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP, VARCHAR. A column of text takes another type only where every cell
of it says so, and only where nothing is lost: ``007`` stays text, and so does a date that could be read in two ways.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import DatasetError

from .names import identifier

if TYPE_CHECKING:
    import duckdb

__all__ = ["from_relation", "from_text", "refuse_nested", "refuse_not_finite"]

_INTEGER = r"[+-]?(0|[1-9][0-9]{0,18})"
_NUMBER = r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_NO_NUMBER = r"[+-]?(nan|inf|infinity)"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = _DAY + r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?"
_LIKE_A_DAY = r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?"
_DAY_FORMATS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d")
_CLOCKS = (("", "DATE"), (" %H:%M", "TIMESTAMP"), (" %H:%M:%S", "TIMESTAMP"))


def from_text(con: duckdb.DuckDBPyConnection, header: list[str]) -> None:
    """Make ``staged`` from ``named``, whose columns are all text; in the order of ``named``, which DuckDB keeps by itself."""
    chosen = [f"{_from_text(con, name)} AS {identifier(name)}" for name in header]
    con.execute(f"CREATE TABLE staged AS SELECT row_id, {', '.join(chosen)} FROM named")


def _from_text(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """The expression that gives a text column its type."""
    c = identifier(name)
    query = (
        f"SELECT count({c}) > 0,"
        f" bool_and(regexp_full_match({c}, '{_INTEGER}') AND try_cast({c} AS BIGINT) IS NOT NULL),"
        f" bool_and(regexp_full_match({c}, '{_NUMBER}') OR regexp_full_match(lower({c}), '{_NO_NUMBER}')),"
        f" bool_or(regexp_full_match({c}, '{_NUMBER}')),"
        # Long strings of digits are codes: as numbers they would lose their last digits.
        f" bool_and(regexp_full_match({c}, '[+-]?[0-9]+')),"
        f" bool_and(lower({c}) IN ('true', 'false')),"
        f" bool_and(regexp_full_match({c}, '{_DAY}') AND year(try_cast({c} AS DATE)) >= 1),"
        f" bool_and(regexp_full_match({c}, '{_MOMENT}') AND year(try_cast({c} AS TIMESTAMP)) >= 1),"
        f" bool_and(regexp_full_match({c}, '{_LIKE_A_DAY}')) FROM (SELECT {c} FROM named WHERE {c} IS NOT NULL)"
    )
    filled, whole, number, some_number, digits, truth, day, moment, like_day = con.execute(query).fetchall()[
        0
    ]
    if not filled:
        return f"{c}::VARCHAR"
    for fits, kind in (
        (whole, "BIGINT"),
        (number and some_number and not digits, "DOUBLE"),
        (truth, "BOOLEAN"),
    ):
        if fits:
            return f"{c}::{kind}"
    if day:
        return f"{c}::DATE"
    if moment:
        return f"{c}::TIMESTAMP"
    return (_other_date(con, c) if like_day else None) or f"{c}::VARCHAR"


def _other_date(con: duckdb.DuckDBPyConnection, c: str) -> str | None:
    """A day or moment in another order than ISO, where exactly one order reads all cells."""
    for clock, kind in _CLOCKS:
        reads = [f"try_strptime({c}, '{day}{clock}')" for day in _DAY_FORMATS]
        tests = ", ".join(
            f"bool_and(coalesce(year({read}) >= 1, false)) FILTER ({c} IS NOT NULL)" for read in reads
        )
        fitting = [
            read
            for read, fits in zip(reads, con.execute(f"SELECT {tests} FROM named").fetchall()[0], strict=True)
            if fits
        ]
        if len(fitting) == 1:
            return f"{fitting[0]}::{kind}"
        if len(fitting) == 2 and _agree(con, *fitting):
            return f"{fitting[0]}::{kind}"
    return None


def _agree(con: duckdb.DuckDBPyConnection, one: str, two: str) -> bool:
    (same,) = con.execute(f"SELECT bool_and({one} IS NOT DISTINCT FROM {two}) FROM named").fetchall()[0]
    return bool(same)


_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_LARGE = {"UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM", "VARINT"}
_AS_TEXT = {"VARCHAR", "UUID", "TIME", "TIME WITH TIME ZONE", "TIME_NS", "INTERVAL", "BIT"}
_SAME = {"DOUBLE", "BOOLEAN", "DATE"}
_MOMENTS = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}


def from_relation(con: duckdb.DuckDBPyConnection, query: str, source: str) -> None:
    """Make ``staged`` from a query with typed columns. Raises ``DatasetError`` on a type that no column can hold."""
    relation = con.sql(query)
    chosen = [
        f"{_canonical(con, query, name, str(kind), source)} AS {identifier(name)}"
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]
    con.execute(
        f"CREATE TABLE staged AS SELECT row_number() OVER () AS row_id, {', '.join(chosen)} FROM ({query})"
    )


def _canonical(con: duckdb.DuckDBPyConnection, query: str, name: str, kind: str, source: str) -> str:
    """The expression that turns a column of any type into one of the six."""
    c = identifier(name)
    base = kind.partition("(")[0]
    if kind in _SAME:
        return c
    if kind in _WHOLE:
        return f"{c}::BIGINT"
    if kind in _LARGE or base == "DECIMAL":
        return _number(con, query, c, kind)
    if kind == "FLOAT":
        # By way of text, so that 0.1 in 32 bits becomes 0.1 and not 0.10000000149.
        return f"{c}::VARCHAR::DOUBLE"
    if kind in _MOMENTS:
        return f"{c}::TIMESTAMP"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({c} AT TIME ZONE 'UTC')"
    if kind == "JSON":
        return f"({c} ->> '$')"
    if kind in _AS_TEXT or base == "ENUM":
        return f"{c}::VARCHAR"
    if kind == '"NULL"':
        return "NULL::VARCHAR"
    raise DatasetError(
        f"{source}: the column '{name}' is of type {kind[:60]}, which a table cell cannot hold",
        "turn it into text or numbers, or leave it out",
    )


def _number(con: duckdb.DuckDBPyConnection, query: str, c: str, kind: str) -> str:
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if decimal and int(decimal[2]) > 0:
        return f"{c}::DOUBLE"
    found = con.execute(
        f"SELECT 1 FROM ({query}) WHERE {c} IS NOT NULL AND try_cast({c} AS BIGINT) IS NULL LIMIT 1"
    ).fetchall()
    return f"{c}::BIGINT" if not found else f"{c}::VARCHAR"


def refuse_nested(con: duckdb.DuckDBPyConnection, table: str, source: str) -> None:
    """Lists, structs, maps and the like have no place in a cell. Raises ``DatasetError`` naming the column."""
    relation = con.sql(f"SELECT * FROM {table}")
    for name, kind in zip(relation.columns, relation.types, strict=True):
        nested = kind.id in {"list", "struct", "map", "array", "union", "variant"}
        if str(kind) == "JSON":
            c = identifier(name)
            query = f"SELECT 1 FROM {table} WHERE json_type({c}) IN ('OBJECT', 'ARRAY') LIMIT 1"
            nested = bool(con.execute(query).fetchall())
        if nested:
            raise DatasetError(
                f"{source}: the column '{name}' holds nested values ({str(kind)[:60]}), not one value per cell",
                "give each part a column of its own, or leave the column out",
            )


def refuse_not_finite(con: duckdb.DuckDBPyConnection, source: str) -> None:
    """A number that is none cannot be described or made. Raises ``DatasetError`` naming column and first row."""
    relation = con.sql("SELECT * FROM staged")
    for name, kind in zip(relation.columns, relation.types, strict=True):
        c = identifier(name)
        bad: list[Any] = []
        if str(kind) == "DOUBLE":
            what = "NOT isfinite"
            bad = con.execute(
                f"SELECT row_id, {c}::VARCHAR FROM staged WHERE {what}({c}) ORDER BY 1 LIMIT 1"
            ).fetchall()
        elif str(kind) in {"DATE", "TIMESTAMP"}:
            bad = con.execute(
                f"SELECT row_id, {c}::VARCHAR FROM staged WHERE NOT isfinite({c}) OR year({c}) NOT BETWEEN 1 AND 9999"
                " ORDER BY 1 LIMIT 1"
            ).fetchall()
        if bad:
            failed = DatasetError(
                f"{source}: row {bad[0][0]} of the column '{name}' holds {bad[0][1]}",
                "leave the cell empty where the value is missing, or correct it",
            )
            failed.cells = (str(bad[0][1]),)
            raise failed
