"""A batch on its way: each cell points into its column's pool of values, so that trying out a change costs no copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from localsynth.core.columns import Column
from localsynth.core.contracts import Task
from localsynth.core.schema import Schema
from localsynth.tables import arrow_schema, arrow_type

from .layout import rule_columns

__all__ = ["Frame", "Index", "Judge", "table_from"]

Index = NDArray[np.int64]  # rows x columns: which item of a column's pool stands in a cell
Violations = Callable[[pa.Table], NDArray[np.bool_]]


def table_from(schema: Schema, arrays: dict[str, pa.Array], rows: int) -> pa.Table:
    """A table in canonical order; columns not given are NULL."""
    target = arrow_schema(schema)
    return pa.Table.from_arrays(
        [arrays[field.name] if field.name in arrays else pa.nulls(rows, field.type) for field in target],
        schema=target,
    )


class Frame:
    """``index`` is rows x columns; ``pools[c]`` holds the values and ``tags[c]`` the stratum of each (-1: missing).

    Open columns are not written yet. In their pools item 0 is the missing value and the others are ``guesses`` at what
    may come; an index of 0 says that the cell will be empty.
    """

    def __init__(self, columns: Sequence[Column], opened: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.names = tuple(column.name for column in columns)
        self.opened = frozenset(column.name for column in opened)
        self.pools: list[list[Any]] = []
        self.tags: list[list[int]] = []
        self.index: Index = np.zeros((0, len(columns)), dtype=np.int64)
        self._arrays: dict[int, pa.Array] = {}

    def at(self, name: str) -> int:
        """The position of a column."""
        return self.names.index(name)

    def values(self, name: str) -> list[Any]:
        """The values of a column, row by row."""
        at = self.at(name)
        return [self.pools[at][item] for item in self.index[:, at]]

    def tag(self, name: str) -> NDArray[np.int64]:
        """The strata of a column, row by row."""
        at = self.at(name)
        return np.array([self.tags[at][item] for item in self.index[:, at]], dtype=np.int64)

    def add(self, name: str, values: Sequence[Any], tags: Sequence[int]) -> NDArray[np.int64]:
        """Put more values into a column's pool; gives their items."""
        at = self.at(name)
        first = len(self.pools[at])
        self.pools[at].extend(values)
        self.tags[at].extend(tags)
        self._arrays.pop(at, None)
        return np.arange(first, first + len(values))

    def arrays(self, index: Index, names: Sequence[str] | None = None) -> dict[str, pa.Array]:
        """The cells of any rows (an index of the frame's width) as Arrow arrays."""
        found = {}
        for at, column in enumerate(self.columns):
            if names is not None and column.name not in names:
                continue
            if at not in self._arrays:
                self._arrays[at] = pa.array(self.pools[at], type=arrow_type(column))
            found[column.name] = self._arrays[at].take(pa.array(index[:, at]))
        return found

    def rows(self) -> list[dict[str, Any]]:
        """The settled cells, row by row."""
        names = [name for name in self.names if name not in self.opened]
        columns = [self.values(name) for name in names]
        if not columns:
            return [{} for _ in self.index]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]

    def empty(self) -> list[frozenset[str]]:
        """Per row the open columns decided to be empty."""
        opened = [(name, self.at(name)) for name in self.names if name in self.opened]
        return [frozenset(name for name, at in opened if row[at] == 0) for row in self.index]

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Keep these rows, in this order."""
        self.index = self.index[rows]


class Judge:
    """Tells which rules rows break while some of their columns are still open.

    A rule over open columns counts as broken where none of several guesses at them keeps it: then something settled
    (a value, or that a cell is empty) stands in its way. A rule that no guess keeps in any row says nothing yet; the
    finished rows will be asked.
    """

    def __init__(self, task: Task, frame: Frame, guesses: int) -> None:
        self._task, self._frame, self._guesses = task, frame, guesses
        self.rules = rule_columns(task.schema)
        self.pending = np.array([bool(names & frame.opened) for names in self.rules], dtype=np.bool_)
        self.silent = np.zeros(len(self.rules), dtype=np.bool_)
        self._open = [frame.at(name) for name in frame.names if name in frame.opened]

    @property
    def settled(self) -> bool:
        """Whether there is a rule without open columns."""
        return bool((~self.pending).any())

    def broken(self, index: Index) -> NDArray[np.bool_]:
        """Rows x rules; only rules without open columns."""
        if not self.settled or not len(index):
            return np.zeros((len(index), len(self.rules)), dtype=np.bool_)
        return self._violations(index) & ~self.pending

    def hopeless(self, index: Index) -> NDArray[np.bool_]:
        """Rows x rules; rules with open columns too, by guesses."""
        if not self.pending.any() or not len(index):
            return self.broken(index)
        rows, tries = len(index), self._guesses
        spread = np.repeat(index, tries, axis=0)
        guess = np.tile(np.arange(1, tries + 1), rows)
        for at in self._open:
            spread[:, at] = np.where(spread[:, at] > 0, guess, 0)
        found = self._violations(spread).reshape(rows, tries, len(self.rules)) & ~self.silent
        best = np.argmin((found & self.pending).sum(axis=2), axis=1)
        chosen: NDArray[np.bool_] = found[np.arange(rows), best]
        return chosen

    def _violations(self, index: Index) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self._task.violations(
            table_from(self._task.schema, self._frame.arrays(index), len(index))
        )
        return found
