"""The better mode: the fitted model draws a surplus of rows, the best of them are selected and aligned to the train split.

What the model brings is how a row's cells go together; how often and how much is counted. What selection and alignment are
worth is told by two stages of each batch: ``drawn``, rows as the model wrote them (the first column's values as often as in
the train split, where they are drawn from its margin), and ``selected``, the best of the surplus before any value was swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.grid import Grid
from localsynth.align.guarding import NearGuard
from localsynth.align.keeping import keep
from localsynth.align.reach import rule_columns
from localsynth.align.refining import chosen_rows, refined
from localsynth.core.contracts import Ask, Draft, Stage, Task
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.tables import arrow_schema

from .condition import ConditionedWriter
from .following import Follower, followed
from .page import table_of
from .params import PAFTParams
from .structure import Structure
from .writer import Writer

__all__ = ["Aligned"]

Array: TypeAlias = np.ndarray[Any, Any]
_AGAIN = 3  # times that rows are drawn where too few were good
_FEWEST = 64  # rows drawn at least: few leave no choice
_NEAR = "too near to a real row (drop_near)"


@dataclass
class _Tally:
    """What happened to drawn rows so far."""

    drawn: int = 0
    near: int = 0
    unreadable: int = 0
    changed: float = 0.0  # share of cells, of the last batch
    selected_gap: float = 0.0
    gap: float = 0.0


@dataclass
class Aligned:
    """Makes batches.

    dealt : columns whose values are drawn anew within their cells. following : columns that are not aligned but follow
    another. done : per column the counts of the rows made before, by base cell.
    """

    params: PAFTParams
    task: Task
    structure: Structure
    writer: Writer | ConditionedWriter
    grid: Grid | None
    guard: NearGuard | None
    dealt: tuple[str, ...] = ()
    following: tuple[Follower, ...] = ()
    done: list[Array] | None = None
    known: Mapping[str, Any] | None = None
    tally: _Tally = field(default_factory=_Tally)

    @property
    def schema(self) -> Schema:
        """The schema with what was found to depend: it is kept as if it were declared."""
        found = [one for one in self.structure.dependencies if one not in self.task.schema.dependencies]
        return self.task.schema.model_copy(update={"dependencies": (*self.task.schema.dependencies, *found)})

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """``n`` rows, fewer where too few that the model drew can be kept."""
        before = self.tally.near
        surplus = self.params.surplus if self.grid is not None else 1.0
        pool, bare, rejects = self._pool(n, max(ceil(n * surplus), _FEWEST), seed, ask)
        # Without alignment and guard the rows kept are the rows drawn, less those that break a rule.
        stages = [Stage("drawn", bare)] if self.grid is not None or self.guard is not None else []
        table = pool.slice(0, n)
        if self.grid is not None and pool.num_rows:
            table = self._made(self.grid, pool, n, np.random.default_rng(derive(seed, "align")), stages)
        table, broken = self._judged(table)
        short = min(n - table.num_rows, self.tally.near - before)
        return Draft(table, (*rejects, *broken, *[Reject("near", _NEAR, "")] * short), tuple(stages))

    def _made(
        self, grid: Grid, pool: pa.Table, n: int, rng: np.random.Generator, stages: list[Stage]
    ) -> pa.Table:
        """The best rows of the pool, aligned; what alignment spoilt is replaced by other rows as they were drawn."""
        codes = grid.encode(pool)
        best = chosen_rows(grid, codes, min(n, pool.num_rows), rng, done=self.done)
        drawn = pool.take(pa.array(best))
        stages.append(Stage("selected", drawn))
        made = refined(grid, drawn.select(grid.names), codes[best], rng, done=self.done, dealt=self.dealt)
        self.tally.changed, self.tally.selected_gap, self.tally.gap = made.changed, made.before, made.after
        held = keep(self.schema, made.table, made.codes, grid, self._seen(), rng, known=self.known)
        self.known = held.known
        table = _whole(self.task.schema, followed(held.table, self.following, drawn), drawn)
        near = self.guard.near(table) if self.guard is not None else np.zeros(table.num_rows, np.bool_)
        good = np.flatnonzero(~(held.broken | near | self.task.violations(table).any(axis=1)))
        spare = self._spare(pool, codes, best, n - len(good), held.codes[good], rng)
        self._count(np.concatenate([held.codes[good], codes[spare]]))
        self.tally.near += int(near.sum())
        return pa.concat_tables([table.take(pa.array(good)), pool.take(pa.array(spare))])

    def _seen(self) -> Callable[[pa.Table], Array]:
        """What rows without their texts break: of a rule that reads texts nothing can be said then."""
        texts = {column.name for column in self.task.schema.columns if column.kind == "text"}
        blind = [at for at, read in enumerate(rule_columns(self.task.schema)) if read & texts]

        def broken(table: pa.Table) -> Array:
            found = np.array(self.task.violations(table))
            found[:, blind] = False
            return found

        return broken

    def _spare(
        self, pool: pa.Table, codes: Array, taken: Array, n: int, beside: Array, rng: np.random.Generator
    ) -> Array:
        """At most ``n`` of the other rows of the pool, none that breaks a rule: what the rows ``beside`` them lack most."""
        assert self.grid is not None
        some = np.setdiff1d(np.flatnonzero((codes >= 0).all(axis=1)), taken)
        if n <= 0 or not len(some):
            return some[:0]
        some = some[~self.task.violations(pool.take(pa.array(some))).any(axis=1)]
        n = min(n, len(some))
        return some[chosen_rows(self.grid, codes[some], n, rng, done=self.done, beside=beside)]

    def _pool(self, n: int, wanted: int, seed: int, ask: Ask) -> tuple[pa.Table, pa.Table, list[Reject]]:
        """Rows as the model writes them, none too near to a real one; and the first ``n`` of them, with those that are.

        Rows come in an order that tells nothing, so that the first are like all.
        """
        parts: list[pa.Table] = []
        bare: pa.Table | None = None
        rejects: list[Reject] = []
        have = 0
        for turn in range(_AGAIN):
            rows, unread = self.writer.draw(wanted - have, derive(seed, "draw", turn), ask)
            table = table_of(self.task.schema, rows)
            bare = table.slice(0, n) if bare is None else bare
            self.tally.drawn += table.num_rows
            self.tally.unreadable += len(unread)
            rejects += unread
            if self.guard is not None:
                near = self.guard.near(table)
                self.tally.near += int(near.sum())
                table = table.filter(pa.array(~near))
            parts.append(table)
            have += table.num_rows
            if have >= max(n, wanted // 2):
                break
        assert bare is not None
        return pa.concat_tables(parts), bare, rejects

    def _judged(self, table: pa.Table) -> tuple[pa.Table, list[Reject]]:
        """Rows that keep every rule, and rejects for the others."""
        rules = self.task.schema.rules
        broken = self.task.violations(table)
        bad = broken.any(axis=1)
        told = [Reject("rule", rules[int(np.argmax(which))].label) for which in broken[bad]]
        return table.filter(pa.array(~bad)), told

    def _count(self, codes: Array) -> None:
        assert self.grid is not None
        before = self.done or [np.zeros(size, np.int64) for size in self.grid.sizes]
        self.done = [
            counts + np.bincount(codes[:, at], minlength=len(counts)) for at, counts in enumerate(before)
        ]

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "done": None if self.done is None else [counts.tolist() for counts in self.done],
            "known": self.known,
            "tally": self.tally.__dict__,
            "dealt": self.dealt,
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        done = data["done"]
        self.done = None if done is None else [np.array(counts, np.int64) for counts in done]
        self.known = data["known"]
        self.tally = replace(_Tally(), **data["tally"])


def _whole(schema: Schema, table: pa.Table, drawn: pa.Table) -> pa.Table:
    """All the schema's columns: aligned ones and what follows them, the others as the model wrote them."""
    aligned = set(table.column_names)
    arrays = [
        (table if field.name in aligned else drawn).column(field.name).cast(field.type)
        for field in arrow_schema(schema)
    ]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(schema))
