"""Members of some parents beside what they belong to: how rules and tables across both levels see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localsynth.align.values import whole
from localsynth.core.steps import range_of
from localsynth.core.targets import Table
from localsynth.core.widening import Wide

__all__ = ["Judge", "WideRows", "counted_up"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Judge:
    """rows : of wide rows, which rule each breaks. groups : the same of all members of a parent, given each row's group.
    labels : of the rules, those of rows first. reads : columns that rules over members read.
    """

    rows: Callable[[pa.Table], Array]
    groups: Callable[[pa.Table, Array], Array]
    labels: tuple[str, ...]
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True)
class WideRows:
    """above : the parents' wide columns. sizes : members of each. table : the members' own columns, parent by parent."""

    wide: Wide
    above: pa.Table
    sizes: Array
    table: pa.Table

    def with_members(self, members: Array) -> WideRows:
        """The same parents with other members. members : of each place the number of the one that stands there."""
        return replace(self, table=self.table.take(pa.array(members)))

    def part(self, which: Array, slots: Array) -> WideRows:
        """Some of the parents, with any of the members. slots : parents x places, numbers of members or -1."""
        there = slots >= 0
        above, table = self.above.take(pa.array(which)), self.table.take(pa.array(slots[there]))
        return WideRows(self.wide, above, there.sum(axis=1), table)

    @property
    def group(self) -> Array:
        """The parent of each member."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def number(self) -> Array:
        """The number of each member, from 1."""
        return 1 + counted_up(self.sizes)

    def given(self) -> pa.Table:
        """What stands beside each member: its parent, its number, the first of its parent's members."""
        group, number = self.group, self.number
        rows = self.above.take(pa.array(group)).append_column(self.wide.member, pa.array(number, pa.int64()))
        first = pa.array((np.cumsum(self.sizes) - self.sizes)[group], mask=number == 1)
        for name, column in self.wide.first.items():
            rows = rows.append_column(name, self.table.column(column).take(first))
        return rows

    def whole(self) -> pa.Table:
        """Wide rows."""
        rows = self.given()
        for name in self.wide.own:
            rows = rows.append_column(name, self.table.column(name))
        return rows

    def violations(self, judge: Judge) -> tuple[Array, Array]:
        """Members x rules of rows, and parents that have members x rules over members."""
        rows = self.whole()
        _, dense = np.unique(self.group, return_inverse=True)
        return judge.rows(rows), judge.groups(rows, dense)

    def broken(self, judge: Judge) -> Array:
        """Parents x rules: whether any member, or all together, break it."""
        of_rows, of_groups = self.violations(judge)
        out = np.zeros((len(self.sizes), of_rows.shape[1] + of_groups.shape[1]), np.bool_)
        np.logical_or.at(out[:, : of_rows.shape[1]], self.group, of_rows)
        out[self.sizes > 0, of_rows.shape[1] :] = of_groups
        return out

    def alike(self, judge: Judge) -> Array:
        """A number for each parent: of those of one size that are alike in every nominal column a rule over members reads."""
        return _numbered([self.sizes, *_coded(self.wide, self.above, judge.reads)], len(self.sizes))

    def members_alike(self, judge: Judge) -> Array:
        """A number for each member: of those alike in every nominal column that a rule over members reads."""
        return _numbered(_coded(self.wide, self.table, judge.reads), self.table.num_rows)

    def telling(self, judge: Judge, tables: Sequence[Table]) -> list[Table]:
        """Of target tables those that have a nominal column of the members which rules over members read; else all."""
        read = {
            name
            for name in self.wide.own
            if name in judge.reads and range_of(self.wide.schema.column(name)) is None
        }
        return [table for table in tables if read & set(table.columns)] or list(tables)

    def near(self) -> Array:
        """A number for each parent by which some are nearer to each other: its first member's first ordered column."""
        found = np.zeros(len(self.sizes))
        first = (np.cumsum(self.sizes) - self.sizes)[self.sizes > 0]
        for name in self.wide.own:
            column = self.wide.schema.column(name)
            if range_of(column) is not None:
                found[self.sizes > 0] = whole(column, self.table.column(name).take(pa.array(first)))[0]
                break
        return found


def counted_up(sizes: Array) -> Array:
    """0, 1, ... for each size, one after the other."""
    ends = np.cumsum(sizes)
    return np.asarray(np.arange(int(sizes.sum())) - np.repeat(ends - sizes, sizes))


def _coded(wide: Wide, table: pa.Table, names: frozenset[str]) -> list[Array]:
    """The nominal columns among these, as numbers."""
    found = []
    for name in table.column_names:
        if name in names and range_of(wide.schema.column(name)) is None:
            coded = pc.dictionary_encode(table.column(name).combine_chunks(), null_encoding="encode")
            found.append(coded.indices.to_numpy(zero_copy_only=False))
    return found


def _numbered(parts: list[Array], rows: int) -> Array:
    """Rows alike in all parts have one number."""
    if not rows or not parts:
        return np.zeros(rows, np.int64)
    _, number = np.unique(np.column_stack(parts), axis=0, return_inverse=True)
    return np.asarray(number.ravel())
