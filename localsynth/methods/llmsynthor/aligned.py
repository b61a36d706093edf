"""The better mode: the model names groups and writes plans, code drafts rows by them and aligns these to the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.anchoring import anchored
from localsynth.align.grid import Grid
from localsynth.align.keeping import keep
from localsynth.align.rows import make
from localsynth.align.shrinking import shrunk
from localsynth.align.spacing import spaced
from localsynth.align.triples import candidates, twin_triples, with_interacting
from localsynth.core.contracts import Ask, Draft, Sampling, Task
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.targets import Statistics, TargetSource
from localsynth.engine.uniform import UniformEngine

from .columns import planned
from .completing import begun, with_given, without
from .groups import Group, ask_groups
from .leaning import leaning, moved
from .missed import missed, told_of_missed
from .params import LLMSynthorParams
from .picking import neediest
from .plan import Paper
from .planning import PLANNED_ROWS, Plans, Sampler, make_plans
from .texts import Texts
from .told import told_of_groups, told_of_leaning, told_of_plans
from .typedrows import json_text, whole_table

__all__ = ["Aligned"]

Array: TypeAlias = np.ndarray[Any, Any]
_BINS, _LARGEST_GROUP = 10, 3
_BATCH, _BATCH_WITH_TEXTS = 250_000, 100
_MANY = 20_000  # rows: so many meet tables on average, and few sweeps of swaps are enough
_SWEEPS, _SWEEPS_OF_MANY = 400, 60
_SOME = 3000  # rows to be completed that get all sweeps
_ENOUGH = 200  # rows that tell whether a margin is missed
_FEWEST_GIVEN = (
    48  # the same of rows to be completed: who asked mends what is left, and margins of more are not theirs
)
_FEWEST = 256  # rows made at once where rules or dependencies must be kept


class Aligned:
    """One run in the better mode."""

    def __init__(self, params: LLMSynthorParams, task: Task, targets: TargetSource) -> None:
        self._params, self._task, self._targets = params, task, targets
        self._sampling = Sampling(params.temperature, params.top_k, params.top_p)
        self._texts = Texts(params, task)
        self._groups: list[Group] = []
        self._triples: list[Group] = []
        self._factors: dict[int, Array] = {}
        self._plans: Plans | None = None
        self._done: list[Array] | None = None
        self._missed: list[str] = []  # columns whose missed margin was told
        self._known: Mapping[str, Any] | None = None
        self._grid: Grid | None = None
        self._counted: Statistics | None = None  # as the source gave them
        self._aims: Statistics | None = None

    def batch_rows(self) -> int:
        """All rows at once up to some hundred thousand."""
        return self._params.batch_rows or (_BATCH_WITH_TEXTS if self._texts else _BATCH)

    def learn(self, ask: Ask, seed: int) -> None:
        """Groups, then plans. Raises ``ContextTooSmall``."""
        params, schema = self._params, self._task.schema
        self._texts.check(ask)
        named = []
        if params.groups != "strongest":
            named = ask_groups(
                schema, planned(schema), ask, self._sampling, most=params.most_groups, largest=_LARGEST_GROUP,
                samples=params.group_samples, seed=derive(seed, "groups"),
            )  # fmt: skip
        self._groups = [group for group, _ in named]
        self._triples = self._worth_a_look()
        grid = self._ready()
        for note in dict.fromkeys(grid.statistics.notes):
            ask.notice(note, "warning")
        if self._counted is not None and (said := told_of_groups(named, self._counted)):
            ask.notice(said)
        sampler = self._sampler(ask)
        order = _order(schema.target, grid, self._groups)
        if params.context.strip() and params.context_weight > 0:
            self._factors = leaning(schema, grid, order, params.context, ask, derive(seed, "leaning"))
            for name in self._given_names():
                self._factors.pop(grid.names.index(name), None)
            self._grid = None
            before, grid = grid, self._ready()
            ask.notice(told_of_leaning(before, grid))
        elif params.context.strip() and params.plans != "model":
            ask.notice(
                "the context changes nothing: the model plans nothing, and context_weight is 0", "warning"
            )
        rows = min(self._task.rows, PLANNED_ROWS)
        self._plans = Plans.none(rows, len(grid.names))
        if params.plans != "none" and self._counted is not None:
            paper = Paper(schema, grid, order[: params.plan_columns], params.context)
            self._plans = make_plans(
                grid, self._counted, paper, rows, self._sampling, ask, sampler, rounds=params.rounds,
                proposals=params.proposals, share=params.plan_share, shuffle=params.shuffle_plans, seed=derive(seed, "plans"),
            )  # fmt: skip
            ask.notice(told_of_plans(self._plans, params.plans))

    def _sampler(self, ask: Ask) -> Sampler:
        """Who answers questions for plans: the model, or chance under the same grammars."""
        if self._params.plans == "model":
            return ask.sample
        chance = UniformEngine(ask.info.context)

        return lambda _, requests: chance.sample(requests)[0]

    def dump(self) -> Mapping[str, Any]:
        """JSON-able."""
        grid = self._ready()
        return {
            "groups": [list(group) for group in self._groups],
            "triples": [list(triple) for triple in self._triples],
            "factors": {grid.names[at]: factor.tolist() for at, factor in self._factors.items()},
            "plans": self._planned().dump(),
            "done": None if self._done is None else [counts.tolist() for counts in self._done],
            "known": self._known,
            "missed": self._missed,
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self._groups = [tuple(group) for group in data["groups"]]
        self._triples = [tuple(triple) for triple in data["triples"]]
        names = self._ready().names
        self._factors = {names.index(name): np.array(factor) for name, factor in data["factors"].items()}
        self._grid = None
        self._plans = Plans.load(data["plans"], len(names))
        done = data["done"]
        self._done = None if done is None else [np.array(counts, np.int64) for counts in done]
        self._known = data["known"]
        self._missed = list(data.get("missed", []))

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """``n`` rows, less those that no change could bring to keep the rules."""
        grid, schema = self._ready(), self._task.schema
        rng = np.random.default_rng(derive(seed, "align"))
        # So few rows cannot trade values with each other to keep a rule: more are made, and the neediest of the good ones kept.
        rows = max(n, _FEWEST) if schema.rules or schema.dependencies else n
        made = make(
            grid, rows, rng, draft=self._planned().draft(rows), start=self._params.start, done=self._done,
            most_sweeps=_SWEEPS if rows <= _MANY else _SWEEPS_OF_MANY,
        )  # fmt: skip
        held = keep(
            schema,
            grid.decode(made.codes, rng),
            made.codes,
            grid,
            self._task.violations,
            rng,
            known=self._known,
        )
        self._known = held.known
        good = np.flatnonzero(~held.broken)
        if rows > n:
            good = good[neediest(held.codes[good], grid.margins(n, self._done), n)]
        bad = np.flatnonzero(held.broken)[: n - len(good)]
        table = _whole(schema, held.table.take(pa.array(good)))
        codes = held.codes[good]
        table = self._texts.fill(table, self._no_texts(grid, codes), ask, derive(seed, "texts"))
        table, kept, rejects = self._judge(table)
        rejects += self._broken(_whole(schema, held.table.take(pa.array(bad))))
        self._count(grid, codes[kept])
        # Where no row at all was good there will be none later either.
        self._tell_missed(grid, ask, n - table.num_rows if table.num_rows else 0)
        return Draft(table, tuple(rejects))

    def complete(self, given: pa.Table, seed: int, ask: Ask) -> pa.Table:
        """The given rows, in order, with the columns they lack; what breaks a rule and cannot be mended is among them."""
        grid, schema = self._ready(), self._task.schema
        if not given.num_rows:
            return _whole(schema, given)
        rng = np.random.default_rng(derive(seed, "align"))
        # Too few to trade values among themselves: they stand several times, and the first of each counts.
        rows = given.take(pa.array(np.arange(max(given.num_rows, _FEWEST_GIVEN)) % given.num_rows))
        frozen = [at for at, name in enumerate(grid.names) if name in given.column_names]
        draft = begun(grid, rows, self._planned(), rng)
        # Who asked places whole rows once more: of many, a rough alignment is enough.
        sweeps = max(60, int(400 * min(1.0, _SOME / len(draft))))
        made = make(
            grid, len(draft), rng, draft=draft, start=self._params.start, done=self._done, frozen=frozen,
            most_sweeps=sweeps,
        )  # fmt: skip
        table = with_given(grid.decode(made.codes, rng), rows)
        table = spaced(schema, table, made.codes, grid, self.aims(), self._differences(), rng)
        held = keep(
            schema, table, made.codes, grid, self._task.violations, rng,
            known=self._known, frozen=given.column_names,
        )  # fmt: skip
        self._known = held.known
        codes = held.codes[: given.num_rows]
        table = _whole(schema, held.table.slice(0, given.num_rows))
        table = self._texts.fill(table, self._no_texts(grid, codes), ask, derive(seed, "texts"))
        self._count(grid, codes)
        return table

    def aims(self) -> Statistics:
        """What ``complete`` aims at, and what the differences between columns should be."""
        self._ready()
        assert self._aims is not None
        return self._aims

    def _broken(self, table: pa.Table) -> list[Reject]:
        """Rejects for rows that could not be mended."""
        rules = self._task.schema.rules
        broken = self._task.violations(table)
        return [
            Reject("rule", rules[int(np.argmax(which))].label, json_text(row))
            if which.any()
            else Reject("dependency", "", json_text(row))
            for which, row in zip(broken, table.to_pylist(), strict=True)
        ]

    def _no_texts(self, grid: Grid, codes: Array) -> dict[str, Array]:
        """Which rows have no text, column by column."""
        return {
            name: codes[:, at] >= grid.bases[at].axis.present
            for at, name in enumerate(grid.names)
            if grid.bases[at].column.kind == "text"
        }

    def _judge(self, table: pa.Table) -> tuple[pa.Table, Array, list[Reject]]:
        """The rows that keep every rule now that their texts stand there, which they are, and rejects for the others."""
        good: Array = np.ones(table.num_rows, np.bool_)
        if self._texts and self._task.schema.rules and table.num_rows:
            good = np.logical_not(self._task.violations(table).any(axis=1))
        return table.filter(pa.array(good)), good, self._broken(table.filter(pa.array(~good)))

    def _count(self, grid: Grid, codes: Array) -> None:
        """Take note of kept rows, so that margins are met over all batches: within 1.5 rows or so where rows are rejected."""
        before = self._done or [np.zeros(size, np.int64) for size in grid.sizes]
        self._done = [
            counts + np.bincount(codes[:, at], minlength=len(counts)) for at, counts in enumerate(before)
        ]

    def _tell_missed(self, grid: Grid, ask: Ask, short: int) -> None:
        """Say once per column which margins rules and dependencies leave no room for. short : rows of this batch refused."""
        schema, done = self._task.schema, self._done
        if not done or not (schema.rules or schema.dependencies):
            return
        rows = int(done[0].sum())
        if rows < min(_ENOUGH, self._task.rows):
            return
        found = missed(grid, done, max(short, 0))
        for name, said in told_of_missed(schema, found, self._missed).items():
            ask.notice(said, "warning")
            self._missed.append(name)

    def _worth_a_look(self) -> list[Group]:
        """Triples of columns. Noisy statistics cost budget, and published ones are what they are."""
        if "strongest" not in self._params.groups or not self._params.triples:
            return []
        found = self._statistics()
        named = [set(group) for group in self._groups]
        if found.origin != "rows":
            return []
        wanted = candidates(found, self._params.triples, self._given_names())
        wanted += [triple for triple in self._twins(found) if set(triple) not in map(set, wanted)]
        return [triple for triple in wanted if set(triple) not in named]

    def _statistics(self) -> Statistics:
        params = self._params
        self._targets.margins(params.bins or _BINS)
        pairs = 0 if params.groups == "model" else params.pairs
        found = self._targets.tables([*self._groups, *self._triples], pairs)
        self._counted = found
        if self._triples:
            found = with_interacting(found, self._triples, params.triples, self._twins(found))
        if params.shrink:
            found = shrunk(found, self._task.schema.target, self._groups, self._differences())
        given = self._task.given
        return found if given is None else anchored(found, self._task.schema, given.names, given.known)

    def _twins(self, found: Statistics) -> list[Group]:
        given = self._task.given
        return [] if given is None or not self._params.triples else twin_triples(found, given)

    def _differences(self) -> Mapping[str, tuple[str, str]]:
        return {} if self._task.given is None else self._task.given.differences

    def _given_names(self) -> frozenset[str]:
        return frozenset(self._task.given.names if self._task.given is not None else ())

    def _ready(self) -> Grid:
        if self._grid is None:
            self._aims = self._statistics()
            statistics = without(self._aims, self._differences())
            self._grid = Grid(self._task.schema, statistics)
            if self._factors:
                leant = moved(self._grid.statistics, self._grid, self._factors, self._params.context_weight)
                self._grid = Grid(self._task.schema, leant)
        return self._grid

    def _planned(self) -> Plans:
        if self._plans is None:
            self._plans = Plans.none(0, len(self._ready().names))
        return self._plans


def _whole(schema: Schema, table: pa.Table) -> pa.Table:
    return whole_table(schema, {name: table[name] for name in table.column_names}, table.num_rows)


def _order(target: str | None, grid: Grid, groups: Sequence[Group]) -> list[int]:
    """Columns, those first that plans should fix: the target, those the model named, then by how many tables have them."""
    tables = [sum(at in table.columns for table in grid.tables) for at in range(len(grid.names))]
    named = [name for group in groups for name in group]
    return sorted(
        range(len(grid.names)),
        key=lambda at: (grid.names[at] != target, grid.names[at] not in named, -tables[at], at),
    )
