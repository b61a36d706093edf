"""SQL text made of people's names: identifiers quoted, types chosen, nothing else of theirs ever pasted in."""

from __future__ import annotations

from collections.abc import Iterable

from localsynth.core.columns import (
    BooleanColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from localsynth.core.schema import Schema

__all__ = [
    "columns_sql",
    "identifier",
    "literal",
    "old_synth_table",
    "real_table",
    "real_view",
    "shape",
    "sql_type",
    "synth_table",
    "synth_view",
]


def identifier(name: str) -> str:
    """A name quoted: ``a "b"`` becomes ``"a ""b""\"``."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL constant, for the few statements that take no parameters (views)."""
    return "'" + text.replace("'", "''") + "'"


def columns_sql(names: Iterable[str]) -> str:
    """Names quoted and joined by commas."""
    return ", ".join(identifier(name) for name in names)


def real_table(dataset: str) -> str:
    """Where the dataset's real rows are."""
    return f"real.{identifier(dataset)}"


def synth_table(dataset: str) -> str:
    """Where the rows of the dataset's runs are."""
    return f"synth.{identifier(dataset)}"


def old_synth_table(dataset: str, generation: int) -> str:
    """Where the rows of runs of an earlier shape are. Only digits follow the last ``#``, so no two datasets meet."""
    return f"synth_old.{identifier(f'{dataset}#{generation}')}"


def real_view(dataset: str) -> str:
    """The view of the real rows, canonical columns."""
    return f"main.{identifier(dataset + '_real')}"


def synth_view(dataset: str) -> str:
    """The view of the latest finished run's rows, canonical columns."""
    return f"main.{identifier(dataset + '_synth')}"


def sql_type(column: Column) -> str:
    """The type a column is stored as; the twin of :func:`localsynth.tables.arrow_type`."""
    match column:
        case IntegerColumn():
            return "BIGINT"
        case FloatColumn():
            return "DOUBLE"
        case BooleanColumn():
            return "BOOLEAN"
        case DateColumn():
            return "DATE"
        case DatetimeColumn():
            return "TIMESTAMP"
        case _:
            return "VARCHAR"


def shape(schema: Schema) -> list[tuple[str, str]]:
    """Names and types of the columns, canonical order: what a table of rows must agree with."""
    return [(column.name, sql_type(column)) for column in schema.columns]
