"""What each value determines, looked up in real rows: for rows that were drawn without being locked to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from localsynth.core.schema import Dependency, Schema

from .depending import Known, Plain, dependency_name, from_plain, plain

__all__ = ["Images", "images_of"]

Key: TypeAlias = tuple[Plain, ...]


@dataclass(frozen=True)
class Images:
    """Per dependency, in an order in which what is looked up is there already: the value for each determinant seen.

    Determinants with a missing value determine nothing, nor do those with several values.
    """

    schema: Schema
    found: tuple[tuple[Dependency, Mapping[Key, Plain]], ...]

    @property
    def known(self) -> Known:
        """The same as :func:`~localsynth.align.depending.depend` keeps it."""
        return {
            dependency_name(one): {
                json.dumps(key, ensure_ascii=False): value for key, value in images.items()
            }
            for one, images in self.found
        }

    def applied(self, table: pa.Table) -> pa.Table:
        """The rows with every dependent value that is known; others stay."""
        for one, images in self.found:
            column = self.schema.column(one.dependent)
            own = plain(column, table.column(one.dependent))
            keys = _keys(self.schema, table, one.determinant)
            new = [images.get(key, value) for key, value in zip(keys, own, strict=True)]
            if new != own:
                at = table.column_names.index(one.dependent)
                table = table.set_column(at, table.schema.field(at), from_plain(column, new))
        return table


def images_of(schema: Schema, dependencies: Sequence[Dependency], rows: pa.Table) -> Images:
    """dependencies : exact ones, that the rows keep; of texts and identifiers nothing is looked up."""
    able = {column.name for column in schema.columns if column.kind not in {"text", "identifier"}}
    left = [one for one in dependencies if {*one.determinant, one.dependent} <= able]
    found: list[tuple[Dependency, Mapping[Key, Plain]]] = []
    while left:
        later = {one.dependent for one in left}
        ready = next((one for one in left if not later & set(one.determinant)), left[0])
        left.remove(ready)
        found.append((ready, _images(schema, ready, rows)))
    return Images(schema, tuple(found))


def _images(schema: Schema, dependency: Dependency, rows: pa.Table) -> dict[Key, Plain]:
    values = plain(schema.column(dependency.dependent), rows.column(dependency.dependent))
    seen: dict[Key, set[Plain]] = {}
    for key, value in zip(_keys(schema, rows, dependency.determinant), values, strict=True):
        if None not in key:
            seen.setdefault(key, set()).add(value)
    return {key: next(iter(some)) for key, some in seen.items() if len(some) == 1}


def _keys(schema: Schema, rows: pa.Table, names: Sequence[str]) -> list[Key]:
    return list(zip(*(plain(schema.column(name), rows.column(name)) for name in names), strict=True))
