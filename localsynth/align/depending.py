"""Functional dependencies on typed values: rows alike in the determinants become alike in the dependent column.

Nothing leaves its cell unless another row takes its place there, so every margin stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.columns import BooleanColumn, Column, IdentifierColumn, TextColumn
from localsynth.core.schema import Dependency, Schema
from localsynth.core.steps import range_of

from .grid import Grid
from .integers import ranks
from .values import from_whole, whole

__all__ = ["Held", "Known", "Plain", "depend", "dependency_name", "from_plain", "plain", "undone"]

Array: TypeAlias = np.ndarray[Any, Any]
#: A value that JSON can hold: ordered ones as whole numbers, nominal ones as labels.
Plain: TypeAlias = int | str | None
#: Per dependency (``a, b -> c``) the dependent value for each determinant seen (a JSON list); JSON-able.
Known: TypeAlias = Mapping[str, Mapping[str, Plain]]


class Held:
    """Rows while dependencies are made to hold. table : typed columns; codes : their base cells; at : column -> position."""

    def __init__(self, schema: Schema, grid: Grid, table: pa.Table, codes: Array) -> None:
        self.schema, self.grid, self.table, self.codes = schema, grid, table, codes
        self.at = {name: at for at, name in enumerate(table.column_names)}

    def put(self, name: str, rows: Array, source: pa.ChunkedArray | pa.Array, items: Array) -> None:
        """Give rows of a column other values: items of ``source``."""
        take = np.arange(self.table.num_rows)
        take[rows] = self.table.num_rows + np.arange(len(rows))
        old = self.table.column(name)
        new = pc.take(source, pa.array(items))
        both = pa.chunked_array(
            [*old.chunks, *(new.chunks if isinstance(new, pa.ChunkedArray) else [new])], old.type
        )
        self.table = self.table.set_column(self.at[name], name, pc.take(both, pa.array(take)))


def depend(rows: Held, known: Known, rng: np.random.Generator) -> dict[str, dict[str, Plain]]:
    """Make the schema's dependencies hold as far as can be; gives what is known from now on.

    A determinant keeps the value known for it; a new one takes the cell most of its rows have, and a value of it. Then rows
    that disagree (1) take the value where it lies in their own cell, (2) change places with each other, so that each gets the
    cell it needs, (3) take over, inside their own cells, determinants that ask for what they have.
    """
    learnt: dict[str, dict[str, Plain]] = {key: dict(found) for key, found in known.items()}
    dependencies = _usable(rows)
    if dependencies:
        _sort_inside(rows, dependencies, rng)
    for dependency in _ordered(dependencies):
        _Enforced(rows, dependency, learnt.setdefault(dependency_name(dependency), {}), rng).run()
    return learnt


def undone(rows: Held, known: Known, rng: np.random.Generator) -> Array:
    """Which rows break a dependency, by what is known (boolean)."""
    broken = np.zeros(rows.table.num_rows, np.bool_)
    for dependency in _usable(rows):
        broken |= _Enforced(rows, dependency, dict(known.get(dependency_name(dependency), {})), rng).wrong()
    return broken


def _usable(rows: Held) -> list[Dependency]:
    """The dependencies that can be looked at: between columns that are there, and not of texts, which are still to come."""
    if not rows.table.num_rows:
        return []
    return [
        d
        for d in rows.schema.dependencies
        if {d.dependent, *d.determinant} <= rows.at.keys()
        and not isinstance(rows.schema.column(d.dependent), TextColumn | IdentifierColumn)
    ]


def dependency_name(dependency: Dependency) -> str:
    return f"{', '.join(dependency.determinant)} -> {dependency.dependent}"


def _ordered(dependencies: Sequence[Dependency]) -> list[Dependency]:
    """Those first whose determinants depend on nothing that is still to be settled, as far as that can be."""
    left, done = list(dependencies), []
    while left:
        later = {d.dependent for d in left}
        ready = next((d for d in left if not later & set(d.determinant)), left[0])
        left.remove(ready)
        done.append(ready)
    return done


def _ids(cells: pa.ChunkedArray | pa.Array) -> tuple[Array, pa.Array]:
    """Which of the different values stands in each row, and those values; a missing value is one of them."""
    coded = pc.dictionary_encode(cells, null_encoding="encode")
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    if isinstance(coded, pa.ChunkedArray):  # no rows, no chunks
        return np.zeros(0, np.int64), pa.nulls(0, cells.type)
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64), coded.dictionary


def _groups(parts: Sequence[Array]) -> tuple[Array, Array]:
    """Rows alike in all parts have one number; and of each number a row that has it."""
    together = parts[0]
    for part in parts[1:]:
        _, together = np.unique(together * (int(part.max()) + 1) + part, return_inverse=True)
    _, first, found = np.unique(together, return_index=True, return_inverse=True)
    return found, first


class _Enforced:
    """One dependency over all rows. group : of rows alike in the determinants; value : which of ``values`` a row has."""

    def __init__(
        self, rows: Held, dependency: Dependency, known: dict[str, Plain], rng: np.random.Generator
    ) -> None:
        self._rows, self._dependency, self._known, self._rng = rows, dependency, known, rng
        self._own = rows.at[dependency.dependent]
        self._group, self._first = _groups(
            [_ids(rows.table.column(name))[0] for name in dependency.determinant]
        )
        self._value, self._values = _ids(rows.table.column(dependency.dependent))
        self._wanted, self._cell = self._wants()

    def wrong(self) -> Array:
        """Which rows do not have the value their determinant asks for."""
        return np.asarray(self._value != self._wanted[self._group])

    def run(self) -> None:
        """Set right what can be."""
        wrong = np.flatnonzero(self.wrong())
        have = self._rows.codes[:, self._own].copy()
        need = self._cell[self._group]
        mended = [
            wrong[have[wrong] == need[wrong]],
            self._swapped(wrong[have[wrong] != need[wrong]], have, need),
        ]
        rows = np.concatenate(mended)
        if len(rows):
            items = self._wanted[self._group[rows]]
            self._rows.put(self._dependency.dependent, rows, self._values, items)
            self._value[rows] = items
        self._moved(np.flatnonzero(self.wrong()))

    def _wants(self) -> tuple[Array, Array]:
        """Per group the value it asks for (an item of ``values``), and the base cell that lies in."""
        codes = self._rows.codes[:, self._own].astype(np.int64)
        size = int(codes.max()) + 1
        pairs, start, counts = np.unique(self._group * size + codes, return_index=True, return_counts=True)
        order = np.lexsort((pairs, -counts, pairs // size))
        _, best = np.unique(pairs[order] // size, return_index=True)
        wanted = self._value[
            start[order][best]
        ]  # what a row has in the cell that most of the group's rows have
        column = self._rows.schema.column(self._dependency.dependent)
        values = plain(column, self._values)
        place = {value: at for at, value in enumerate(values)}
        for group, key in enumerate(self._keys()):
            value = self._known.setdefault(key, values[wanted[group]])
            if value not in place:
                place[value] = len(values)
                values.append(value)
            wanted[group] = place[value]
        self._values = pa.chunked_array([from_plain(column, values)])
        cells = self._rows.grid.bases[self._own].encode(self._values).astype(np.int64)
        return wanted, cells[wanted]

    def _keys(self) -> list[str]:
        names = self._dependency.determinant
        rows = pa.array(self._first)
        cells = [
            plain(self._rows.schema.column(name), pc.take(self._rows.table.column(name), rows))
            for name in names
        ]
        return [json.dumps(key, ensure_ascii=False) for key in zip(*cells, strict=True)]

    def _swapped(self, rows: Array, have: Array, need: Array) -> Array:
        """Of rows in the wrong cell those that get the right one by changing places; their codes are changed."""
        rows = self._rng.permutation(rows)
        size = int(max(have.max(initial=0), need.max(initial=0))) + 1
        asked = need[rows] >= 0
        supply = np.bincount(have[rows], minlength=size)
        able = asked & (ranks(need[rows]) < supply[np.maximum(need[rows], 0)])
        lucky: Array = rows[able]
        left: Array = rows[~able]
        if not len(lucky):
            return lucky
        given = np.bincount(need[lucky], minlength=size)
        codes = self._rows.codes
        # What the lucky ones had and nobody took goes to the others, who are wrong either way.
        spare = np.repeat(np.arange(size), supply - given)
        order = self._rng.permutation(len(spare))
        holders = self._holders(rows, have, spare, order)
        codes[lucky, self._own] = need[lucky]
        if len(left):
            items = self._value[holders]
            codes[left, self._own] = have[holders]
            self._rows.put(self._dependency.dependent, left, self._values, items)
            self._value[left] = items
        return lucky

    def _holders(self, rows: Array, have: Array, spare: Array, order: Array) -> Array:
        """Rows that had the spare cells, one for each."""
        by_cell = rows[np.argsort(have[rows], kind="stable")]
        starts = np.searchsorted(have[by_cell], np.arange(int(have[rows].max()) + 2))
        return np.asarray(by_cell[starts[spare] + ranks(spare)][order])

    def _moved(self, rows: Array) -> None:
        """Rows take over the determinants of a group that asks for the very cell they have, within the cells they have."""
        names = self._dependency.determinant
        columns = [self._rows.at[name] for name in names]
        if not len(rows) or {self._dependency.dependent} & set(names):
            return
        codes = self._rows.codes
        key: dict[tuple[Any, ...], list[int]] = {}
        for group, row in enumerate(self._first):
            key.setdefault((*codes[row, columns].tolist(), int(self._cell[group])), []).append(group)
        found: list[tuple[int, int]] = []
        for row in rows.tolist():
            groups = key.get((*codes[row, columns].tolist(), int(codes[row, self._own])))
            if groups:
                found.append((row, groups[int(self._rng.integers(len(groups)))]))
        if not found:
            return
        moved, groups_of = np.array(found).T
        for name in names:
            self._rows.put(name, moved, self._rows.table.column(name), self._first[groups_of])
        items = self._wanted[groups_of]
        self._rows.put(self._dependency.dependent, moved, self._values, items)
        self._group[moved], self._value[moved] = groups_of, items


def plain(column: Column, cells: pa.ChunkedArray | pa.Array) -> list[Plain]:
    if range_of(column) is not None:
        values, missing = whole(column, cells)
        return [
            None if gone else value for value, gone in zip(values.tolist(), missing.tolist(), strict=True)
        ]
    words = cells.cast(pa.string()) if isinstance(column, BooleanColumn) else cells
    found: list[Plain] = words.to_pylist()
    return found


def from_plain(column: Column, values: Sequence[Plain]) -> pa.Array:
    if range_of(column) is not None:
        missing = np.array([value is None for value in values], np.bool_)
        return from_whole(column, np.array([value or 0 for value in values], np.int64), missing)
    words = pa.array(values, pa.string())
    return words.cast(pa.bool_()) if isinstance(column, BooleanColumn) else words


def _sort_inside(rows: Held, dependencies: Sequence[Dependency], rng: np.random.Generator) -> None:
    """Where one cell of an ordered determinant has several dependent cells, its low values go to those that are usual in the
    cells below, its high ones to those that are usual above: an age band begins at one age, not at many.

    Values change rows within a cell alone, and only within rows alike in the other determinants.
    """
    for name in rows.table.column_names:
        own = rows.at[name]
        if not rows.grid.edges(own):
            continue
        mine = [d for d in dependencies if name in d.determinant and _alone(rows, d, name)]
        if not mine:
            continue
        codes = rows.codes[:, own].astype(np.int64)
        key = np.zeros(len(codes))
        beside = [codes]
        for dependency in mine:
            dependent = rows.codes[:, rows.at[dependency.dependent]]
            held = np.maximum(np.bincount(dependent), 1)
            key += (np.bincount(dependent, codes) / held)[dependent]
            beside += [_ids(rows.table.column(n))[0] for n in dependency.determinant if n != name]
        group, _ = _groups(beside)
        low, high = _least(group, key), _most(group, key)
        mixed = np.flatnonzero((low < high)[group] & (codes < rows.grid.bases[own].axis.present))
        if not len(mixed):
            continue
        values, _missing = whole(rows.schema.column(name), rows.table.column(name))
        by_key = mixed[np.lexsort((rng.random(len(mixed)), key[mixed], group[mixed]))]
        by_value = mixed[np.lexsort((values[mixed], group[mixed]))]
        rows.put(name, by_key, rows.table.column(name), by_value)


def _alone(rows: Held, dependency: Dependency, name: str) -> bool:
    """Whether it is the only ordered determinant."""
    return not any(rows.grid.edges(rows.at[other]) for other in dependency.determinant if other != name)


def _least(group: Array, key: Array) -> Array:
    found = np.full(int(group.max()) + 1, np.inf)
    np.minimum.at(found, group, key)
    return found


def _most(group: Array, key: Array) -> Array:
    return -_least(group, -key)
