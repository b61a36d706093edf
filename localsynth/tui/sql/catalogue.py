"""What can be named in a query: tables, views, their columns, functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localsynth.core.columns import CategoricalColumn

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = ["Catalogue", "Relation", "read_catalogue"]

_COLUMNS = """
SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema NOT IN ('information_schema', 'pg_catalog')
ORDER BY table_schema <> 'main', table_schema, table_name, ordinal_position
"""
_FUNCTIONS = r"""
SELECT DISTINCT function_name FROM duckdb_functions()
WHERE regexp_full_match(function_name, '[a-z][a-z0-9_]*') AND NOT starts_with(function_name, 'pg_')
ORDER BY ALL
"""


@dataclass(frozen=True)
class Relation:
    """A table or view. columns : pairs of name and DuckDB's type."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """relations : those of schema ``main`` first. functions : their names. words : dataset -> its columns of categories."""

    relations: tuple[Relation, ...] = ()
    functions: tuple[str, ...] = field(default=(), repr=False)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def relation(self, name: str, schema: str | None = None) -> Relation | None:
        """The table or view of that name, in any case; without a schema one of ``main`` comes first."""
        for one in self.relations:
            if one.name.lower() == name.lower() and schema in (None, one.schema, one.schema.upper()):
                return one
        return None


def read_catalogue(space: Workspace, functions: tuple[str, ...] = ()) -> Catalogue:
    """What the workspace has just now. functions : those known already, which do not change.

    Raises ``StoreLocked`` and the like; a workspace that is not there yet has nothing.
    """
    if not space.exists:
        return Catalogue(functions=functions)
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, name, kind in zip(
        *(one.to_pylist() for one in space.sql_arrow(_COLUMNS).columns), strict=True
    ):
        columns.setdefault((schema, table), []).append((name, kind))
    if not functions:
        functions = tuple(space.sql_arrow(_FUNCTIONS).column(0).to_pylist())
    relations = (Relation(schema, table, tuple(of)) for (schema, table), of in columns.items())
    words = {
        one.name: tuple(column.name for column in one.schema.columns if isinstance(column, CategoricalColumn))
        for one in space.datasets()
    }
    return Catalogue(tuple(relations), functions, words)
