"""Drawn rows made into rows to keep: the best of a surplus are selected, aligned, and made to keep what the schema asks for.

What a model brings is how a row's cells go together; how often and how much is counted. Rows that alignment brought to break a
rule or a dependency, or too near to a real one, are replaced by other rows of the surplus as they were drawn, those that are
lacking most. What was made before is known, so that batches make up one table together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.run import Reject
from localsynth.core.schema import Dependency, Schema
from localsynth.tables import arrow_schema

from .following import Follower, followed
from .grid import Grid
from .guarding import NearGuard
from .keeping import keep
from .reach import rule_columns
from .refining import chosen_rows, refined

__all__ = ["Finished", "Finisher", "Tally", "with_dependencies"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass
class Tally:
    """What happened to drawn rows so far.

    drawn, unreadable : rows that were read, and could not be. near : of these and of rows that were made from them, how many
    came too near to a real one. changed : share of cells whose value is another now, of the last rows made. selected_gap, gap :
    mean total variation distance of these to the grid's tables, as selected and as aligned.
    """

    drawn: int = 0
    near: int = 0
    unreadable: int = 0
    changed: float = 0.0
    selected_gap: float = 0.0
    gap: float = 0.0


@dataclass(frozen=True)
class Finished:
    """Rows to keep.

    table : all the schema's columns; every row keeps every rule. selected : the best rows of the pool before any value was
    swapped; ``None`` where nothing was aligned. rejects : rows passed over because they break a rule; none where rows were
    aligned. near : rows that came too near to a real one by what was made of them. changed, before, after : as
    :class:`~.refining.Refined` tells them, 0 where nothing was aligned.
    """

    table: pa.Table
    selected: pa.Table | None = None
    rejects: tuple[Reject, ...] = ()
    near: int = 0
    changed: float = 0.0
    before: float = 0.0
    after: float = 0.0


@dataclass
class Finisher:
    """Finishes drawn rows, batch after batch.

    Parameters
    ----------
    schema : with the dependencies that rows are to keep; see :func:`with_dependencies`.
    violations : of a table of all the schema's columns, rows x rules: those of ``schema.rules``, in their order.
    grid : what rows are aligned to, ``None`` for nothing. Columns without a margin stay as they were drawn; of those, none but
        texts and columns that follow may be tied by a dependency to one with a margin: see
        :func:`~.following.aligned_with`.
    guard : knows the rows that must not come back; ``None`` where any may.
    dealt : columns whose values are drawn anew within their cells. following : columns without a margin that follow others.
    done : per column of the grid the counts of the rows made before, by base cell. known : what determines what in them.

    Raises ``ValueError`` where the grid leaves out a column that a dependency ties to one it has.
    """

    schema: Schema
    violations: Callable[[pa.Table], Array]
    grid: Grid | None = None
    guard: NearGuard | None = None
    dealt: tuple[str, ...] = ()
    following: tuple[Follower, ...] = ()
    done: list[Array] | None = None
    known: Mapping[str, Any] | None = None
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        if self.grid is not None:
            _check_tied(self.schema, self.grid.names, {one.dependent for one in self.following})

    def fresh(self, rows: pa.Table, unreadable: int = 0) -> pa.Table:
        """Rows just drawn without those too near to a real one; all are counted, and those that could not be read."""
        self.tally.drawn += rows.num_rows
        self.tally.unreadable += unreadable
        if self.guard is None:
            return rows
        near = self.guard.near(rows)
        self.tally.near += int(near.sum())
        return rows.filter(pa.array(~near))

    def finished(
        self, pool: pa.Table, n: int, rng: np.random.Generator, check: Callable[[], None] = lambda: None
    ) -> Finished:
        """At most ``n`` rows; they count as made from now on. A function of the finisher's state, the pool, ``n`` and ``rng``.

        pool : all the schema's columns, as :meth:`fresh` gives them, more rows than ``n`` where there is to be a choice; its
        order tells nothing. check : called now and then, may raise; nothing is counted then.
        """
        if self.grid is None or not pool.num_rows:
            return self._first(pool, n)
        return self._aligned(self.grid, pool, n, rng, check)

    def _first(self, pool: pa.Table, n: int) -> Finished:
        """The first rows of the pool that keep every rule, and rejects for those passed over."""
        broken = self.violations(pool)
        bad = broken.any(axis=1)
        good = np.flatnonzero(~bad)
        passed = broken[: good[n - 1]] if 0 < n <= len(good) else broken
        rules = self.schema.rules
        told = [Reject("rule", rules[int(np.argmax(which))].label) for which in passed[passed.any(axis=1)]]
        return Finished(pool.take(pa.array(good[:n])), rejects=tuple(told))

    def _aligned(
        self, grid: Grid, pool: pa.Table, n: int, rng: np.random.Generator, check: Callable[[], None]
    ) -> Finished:
        """The best rows of the pool, aligned; what alignment spoilt is replaced by other rows as they were drawn."""
        codes = grid.encode(pool)
        best = chosen_rows(grid, codes, min(n, pool.num_rows), rng, done=self.done, check=check)
        drawn = pool.take(pa.array(best))
        aligned = drawn.select(grid.names)
        made = refined(grid, aligned, codes[best], rng, done=self.done, dealt=self.dealt, check=check)
        seen = self._seen(grid)
        held = keep(self.schema, made.table, made.codes, grid, seen, rng, check=check, known=self.known)
        table = _whole(self.schema, followed(held.table, self.following, drawn), drawn)
        near = self.guard.near(table, check) if self.guard is not None else np.zeros(table.num_rows, np.bool_)
        good = np.flatnonzero(~(held.broken | near | self.violations(table).any(axis=1)))
        spare = self._spare(grid, pool, codes, best, n - len(good), held.codes[good], rng, check)
        self.known = held.known
        self._count(grid, np.concatenate([held.codes[good], codes[spare]]))
        self.tally.near += int(near.sum())
        self.tally.changed, self.tally.selected_gap, self.tally.gap = made.changed, made.before, made.after
        whole = pa.concat_tables([table.take(pa.array(good)), pool.take(pa.array(spare))])
        return Finished(whole, drawn, (), int(near.sum()), made.changed, made.before, made.after)

    def _seen(self, grid: Grid) -> Callable[[pa.Table], Array]:
        """What aligned columns alone break: of a rule that reads another column nothing can be said then."""
        away = {column.name for column in self.schema.columns if column.kind != "identifier"} - {*grid.names}
        blind = [at for at, read in enumerate(rule_columns(self.schema)) if read & away]

        def broken(table: pa.Table) -> Array:
            found = np.array(self.violations(table))
            found[:, blind] = False
            return found

        return broken

    def _spare(
        self,
        grid: Grid,
        pool: pa.Table,
        codes: Array,
        taken: Array,
        n: int,
        beside: Array,
        rng: np.random.Generator,
        check: Callable[[], None],
    ) -> Array:
        """At most ``n`` of the other rows of the pool, none that breaks a rule: what the rows ``beside`` them lack most."""
        some = np.setdiff1d(np.flatnonzero((codes >= 0).all(axis=1)), taken)
        if n <= 0 or not len(some):
            return some[:0]
        some = some[~self.violations(pool.take(pa.array(some))).any(axis=1)]
        n = min(n, len(some))
        return some[chosen_rows(grid, codes[some], n, rng, done=self.done, beside=beside, check=check)]

    def _count(self, grid: Grid, codes: Array) -> None:
        before = self.done or [np.zeros(size, np.int64) for size in grid.sizes]
        self.done = [
            counts + np.bincount(codes[:, at], minlength=len(counts)) for at, counts in enumerate(before)
        ]

    def dump(self) -> dict[str, Any]:
        """JSON-able. Which columns are ``dealt`` is told and not read again: whoever builds a finisher knows."""
        return {
            "done": None if self.done is None else [counts.tolist() for counts in self.done],
            "known": self.known,
            "tally": asdict(self.tally),
            "dealt": self.dealt,
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave. Raises ``KeyError``, ``TypeError``, ``ValueError`` for anything else."""
        done = data["done"]
        self.done = None if done is None else [np.array(counts, np.int64) for counts in done]
        self.known = data["known"]
        self.tally = replace(Tally(), **data["tally"])


def with_dependencies(schema: Schema, found: Iterable[Dependency]) -> Schema:
    """The schema with what was found to depend: it is kept as if it were declared."""
    more = [one for one in found if one not in schema.dependencies]
    return schema.model_copy(update={"dependencies": (*schema.dependencies, *more)})


def _check_tied(schema: Schema, names: Sequence[str], following: set[str]) -> None:
    """A column that stays as it was drawn while what it depends on moves would break the dependency in most rows, unseen."""
    free = {column.name for column in schema.columns if column.kind in {"text", "identifier"}} | following
    for dependency in schema.dependencies:
        tied = {*dependency.determinant, dependency.dependent} - free
        if tied & set(names) and (left := sorted(tied - set(names))):
            raise ValueError(f"'{left[0]}' has no margin, and is tied to {sorted(tied & set(names))}")


def _whole(schema: Schema, table: pa.Table, drawn: pa.Table) -> pa.Table:
    """All the schema's columns: aligned ones and what follows them, the others as the model wrote them."""
    aligned = set(table.column_names)
    arrays = [
        (table if field.name in aligned else drawn).column(field.name).cast(field.type)
        for field in arrow_schema(schema)
    ]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(schema))
