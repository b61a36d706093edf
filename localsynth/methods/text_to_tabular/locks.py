"""Locks: rows alike in a dependency's determinant get the dependent value first seen with it."""

from __future__ import annotations

import json
from collections.abc import Collection, MutableMapping, Sequence
from typing import Any

from localsynth.core.cells import read_cell, write_cell
from localsynth.core.columns import Column
from localsynth.core.schema import Schema

__all__ = ["Locks"]

Row = MutableMapping[str, Any]


class Locks:
    """The maps from determinant to dependent, one per dependency, kept as cell texts."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._dependencies = schema.dependencies
        self._columns: dict[str, Column] = {column.name: column for column in schema.columns}
        self._maps: list[dict[str, str | None]] = [{} for _ in schema.dependencies]

    def __bool__(self) -> bool:
        return bool(self._dependencies)

    @property
    def dependents(self) -> frozenset[str]:
        """Columns whose value may be dictated."""
        return frozenset(dependency.dependent for dependency in self._dependencies)

    def copy(self, among: Collection[str] | None = None) -> Locks:
        """Locks that learn on their own; only dependencies that lie wholly ``among`` these columns."""
        other = Locks(self._schema)
        kept = [
            (dependency, found)
            for dependency, found in zip(self._dependencies, self._maps, strict=True)
            if among is None or {*dependency.determinant, dependency.dependent} <= set(among)
        ]
        other._dependencies = tuple(dependency for dependency, _ in kept)
        other._maps = [dict(found) for _, found in kept]
        return other

    def apply(self, row: Row) -> None:
        """Overwrite dependents whose determinant is known."""
        for _ in self._dependencies:
            changed = False
            for at, dependency in enumerate(self._dependencies):
                key = self._key(dependency.determinant, row)
                if key in self._maps[at]:
                    value = self._read(dependency.dependent, self._maps[at][key])
                    changed |= value != row[dependency.dependent]
                    row[dependency.dependent] = value
            if not changed:
                return

    def learn(self, row: Row) -> None:
        """Remember the row's values where its determinant is new."""
        for at, dependency in enumerate(self._dependencies):
            key = self._key(dependency.determinant, row)
            self._maps[at].setdefault(key, self._text(dependency.dependent, row[dependency.dependent]))

    def broken(self, row: Row) -> str | None:
        """The first dependency the row contradicts, as ``a, b -> c``."""
        for at, dependency in enumerate(self._dependencies):
            key = self._key(dependency.determinant, row)
            mine = self._text(dependency.dependent, row[dependency.dependent])
            if self._maps[at].get(key, mine) != mine:
                return f"{', '.join(dependency.determinant)} -> {dependency.dependent}"
        return None

    def dump(self) -> list[dict[str, str | None]]:
        """JSON-able."""
        return [dict(found) for found in self._maps]

    def load(self, maps: Sequence[dict[str, str | None]]) -> None:
        """What ``dump`` gave."""
        self._maps = [dict(found) for found in maps]

    def _key(self, determinant: Sequence[str], row: Row) -> str:
        return json.dumps([self._text(name, row[name]) for name in determinant], ensure_ascii=False)

    def _text(self, name: str, value: Any) -> str | None:
        return None if value is None else _bare(write_cell(self._columns[name], value))

    def _read(self, name: str, text: str | None) -> Any:
        return None if text is None else read_cell(self._columns[name], text, quoted=True)


def _bare(cell: str) -> str:
    return str(json.loads(cell)) if cell.startswith('"') else cell
