"""Rules and dependencies kept by finished rows, with every margin as it is.

What a row breaks is mended by the mildest means that helps: its values are exchanged with rows in the same cells, which
leaves margins, tables and shapes alone; then drawn anew inside its cells; then exchanged with any rows, columns tied by a
dependency together, which leaves the margins alone. Only rows that break something, and some to trade with, are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.schema import Schema
from localsynth.tables import arrow_schema

from .depending import Held, Known, depend, undone
from .grid import Grid
from .reach import rule_columns, units_of
from .trading import Pace, trade

__all__ = ["Kept", "keep"]

Array: TypeAlias = np.ndarray[Any, Any]
Violations: TypeAlias = Callable[[pa.Table], Array]
_MOST_BROKEN = 100_000  # rows mended at once
_POOL, _POOL_TIMES = 20_000, 4  # rows to trade with: at least, and for each broken one
_PACE = Pace(rounds=16, idle=3, rows=50_000, trades=100_000, least=2, most=64)
_TRIES, _REDRAWN = 12, 20_000  # new draws for a row, rows drawn for at once


@dataclass(frozen=True)
class Kept:
    """table, codes : the rows as they are now. broken : which of them still break a rule or a dependency.
    known : what determines what, for the rows to come; JSON-able.
    """

    table: pa.Table
    codes: Array
    broken: Array
    known: Mapping[str, Mapping[str, int | str | None]]


def keep(
    schema: Schema,
    table: pa.Table,
    codes: Array,
    grid: Grid,
    violations: Violations,
    rng: np.random.Generator,
    *,
    check: Callable[[], None] = lambda: None,
    known: Known | None = None,
    frozen: Collection[str] = (),
) -> Kept:
    """Rows that keep the schema's dependencies and rules as far as they can be mended.

    Parameters
    ----------
    table : columns of ``grid.names``, as :meth:`Grid.decode` gives them. codes : their base cells; not changed.
    violations : of a table of all the schema's columns (what is not there yet is NULL), rows x rules.
    known : what :class:`Kept` told of the rows before. frozen : columns whose values stay where they are; no dependency names
        one.
    """
    rows = Held(schema, grid, table, np.array(codes, np.int32, order="F"))
    check()
    learnt = depend(rows, known or {}, rng)
    if not schema.rules or not table.num_rows:
        return Kept(rows.table, rows.codes, undone(rows, learnt, rng), learnt)
    broken = violations(_whole(schema, rows.table)).any(axis=1)
    if broken.any():
        check()
        _Mending(rows, violations, rng, check, frozen).run(
            rng.permutation(np.flatnonzero(broken))[:_MOST_BROKEN]
        )
        broken = violations(_whole(schema, rows.table)).any(axis=1)
    return Kept(rows.table, rows.codes, broken | undone(rows, learnt, rng), learnt)


def _whole(schema: Schema, table: pa.Table) -> pa.Table:
    """The table with all the schema's columns in order; those it lacks are NULL."""
    target = arrow_schema(schema)
    have = set(table.column_names)
    columns = [
        table.column(field.name) if field.name in have else pa.nulls(table.num_rows, field.type)
        for field in target
    ]
    return pa.Table.from_arrays(columns, schema=target)


class _Mending:
    """Some rows and others to trade with, cut out of the table; ``index`` tells which of them each cell's value is from."""

    def __init__(
        self,
        rows: Held,
        violations: Violations,
        rng: np.random.Generator,
        check: Callable[[], None],
        frozen: Collection[str],
    ) -> None:
        self._rows, self._violations, self._rng, self._check = rows, violations, rng, check
        names = rows.table.column_names
        schema = rows.schema
        self._reads = rule_columns(schema)
        self._units = [unit for unit in units_of(names, schema.dependencies) if not set(unit) & set(frozen)]
        self._at = [np.array([rows.at[name] for name in unit]) for unit in self._units]
        self._touches = np.array([[bool(read & set(unit)) for read in self._reads] for unit in self._units])

    def run(self, bad: Array) -> None:
        """Mend rows that break rules."""
        total = self._rows.table.num_rows
        pool = self._rng.permutation(total)[: max(_POOL, _POOL_TIMES * len(bad))]
        chosen = np.concatenate([bad, np.setdiff1d(pool, bad)])
        self._trade(chosen, self._same_cells)
        self._redraw(chosen)
        self._trade(chosen, None)

    def _trade(self, chosen: Array, partners: Any) -> None:
        self._check()
        part = self._rows.table.take(pa.array(chosen))
        codes = self._rows.codes[chosen]
        index = np.tile(np.arange(len(chosen))[:, None], part.num_columns)

        def broken(some: Array) -> Array:
            columns = [part.column(at).take(pa.array(some[:, at])) for at in range(part.num_columns)]
            table = pa.Table.from_arrays(columns, names=part.column_names)
            return self._violations(_whole(self._rows.schema, table))

        choose = None if partners is None else partners(codes)
        trade(
            index,
            self._at,
            self._touches,
            broken,
            self._rng,
            partners=choose,
            pace=_PACE,
            check=self._check,
        )
        for at, name in enumerate(part.column_names):
            moved = np.flatnonzero(index[:, at] != np.arange(len(chosen)))
            if len(moved):
                self._rows.put(name, chosen[moved], part.column(at), index[moved, at])
                self._rows.codes[chosen[moved], at] = codes[index[moved, at], at]

    def _same_cells(self, codes: Array) -> Callable[[Array, Array, int, np.random.Generator], Array]:
        """Chooses partners that are in the same cells of what is traded."""
        order, place, first, size = [], [], [], []
        for columns in self._at:
            _, group = np.unique(codes[:, columns], axis=0, return_inverse=True)
            by_group = np.argsort(group.ravel(), kind="stable")
            starts = np.searchsorted(group.ravel()[by_group], np.arange(int(group.max()) + 2))
            order.append(by_group)
            place.append(group.ravel())
            first.append(starts[:-1])
            size.append(np.diff(starts))

        def choose(row: Array, unit: Array, _each: int, rng: np.random.Generator) -> Array:
            partner = row.copy()
            for at in range(len(order)):
                mine = np.flatnonzero(unit == at)
                group = place[at][row[mine]]
                step = (rng.random(len(mine)) * size[at][group]).astype(np.int64)
                partner[mine] = order[at][first[at][group] + step]
            return partner

        return choose

    def _redraw(self, chosen: Array) -> None:
        """Rows still broken get the best of some new draws inside their cells, in ordered columns that no dependency ties."""
        self._check()
        rows, grid = self._rows, self._rows.grid
        part = _whole(rows.schema, rows.table.take(pa.array(chosen)))
        found = self._violations(part)
        bad = np.flatnonzero(found.any(axis=1))[:_REDRAWN]
        read = frozenset().union(*[names for at, names in enumerate(self._reads) if found[:, at].any()])
        free = [
            unit[0]
            for unit in self._units
            if len(unit) == 1 and unit[0] in read and grid.edges(rows.at[unit[0]])
        ]
        if not len(bad) or not free:
            return
        tried = part.take(pa.array(np.repeat(bad, _TRIES)))
        for name in free:
            at = rows.at[name]
            drawn = grid.bases[at].decode(np.repeat(rows.codes[chosen[bad], at], _TRIES), self._rng)
            tried = tried.set_column(tried.column_names.index(name), name, drawn)
        cost = self._violations(tried).sum(axis=1).reshape(len(bad), _TRIES)
        best = cost.argmin(axis=1)
        better = np.flatnonzero(cost[np.arange(len(bad)), best] < found[bad].sum(axis=1))
        for name in free:
            items = better * _TRIES + best[better]
            rows.put(name, chosen[bad[better]], tried.column(name), items)
