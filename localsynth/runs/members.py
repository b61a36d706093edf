"""Members of rows that are there: each parent gets as many as it says, first members first, the others beside theirs.

Both passes are a method's own work (:class:`~localsynth.core.contracts.Completing`) on wide rows: the parent's columns, the
member's number and, in the second pass, the first member's columns are given, the member's own are made. Rules over all
members of a parent are then brought to hold by exchanging whole members between parents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.exchange import exchange, slots_of
from localsynth.align.placing import place
from localsynth.core.contracts import (
    Ask,
    Completing,
    Draft,
    EngineInfo,
    Likelihood,
    Method,
    MethodParams,
    Sample,
    SampleRequest,
    ScoreRequest,
    Task,
    Trace,
)
from localsynth.core.errors import RunError
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.targets import Table, TargetSource
from localsynth.core.widening import Wide
from localsynth.tables import arrow_schema, arrow_type

from .steps import learn_all
from .widerows import Judge, WideRows

__all__ = ["Members", "Parents", "Pass"]

Array: TypeAlias = np.ndarray[Any, Any]
_BATCH = 20_000  # members
_BINS = 10
_SWEEPS = 200
_FEW = 4000  # members that get all of them


@dataclass(frozen=True)
class Parents:
    """What members are made for. table : the wide columns of the parent. keys, sizes : of each row."""

    table: pa.Table
    keys: pa.Array
    sizes: Array


@dataclass(frozen=True)
class Pass:
    """A method and what it is asked to do in one pass. name : for people."""

    name: str
    method: Method
    task: Task

    def complete(self, given: pa.Table, seed: int, ask: Ask | None) -> pa.Table:
        """See :class:`~localsynth.core.contracts.Completing`."""
        assert isinstance(self.method, Completing)  # whoever built the pass saw to it
        return self.method.complete(given, derive(seed, self.name), self._told(ask))

    def learn(self, seed: int, ask: Ask | None) -> None:
        learn_all(self.method, self._told(ask), derive(seed, self.name))

    def _told(self, ask: Ask | None) -> Ask | None:
        return None if ask is None else _Told(ask, self.name)


class Members:
    """A method whose rows belong to given ones. others : the second pass; ``None`` where no parent has more than one member.

    schema : of the members; key : their column that takes the parents' keys. targets : of all members by themselves, kept with
    the run for whoever judges it.
    """

    name: ClassVar[str] = "members"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.STATISTICS
    needs_model: ClassVar[bool] = True
    summary: ClassVar[str] = "Members of rows that are there."
    Params: ClassVar[type[MethodParams]] = MethodParams

    def __init__(
        self,
        schema: Schema,
        key: str,
        wide: Wide,
        parents: Parents,
        judge: Judge,
        firsts: Pass,
        others: Pass | None,
        targets: TargetSource | None = None,
    ) -> None:
        self._schema, self._key, self._wide = schema, key, wide
        self._parents, self._judge = parents, judge
        self._passes = [firsts] if others is None else [firsts, others]
        self._targets = targets
        self._done = 0
        self._broken: Counter[str] = Counter()

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        for one in self._passes:
            one.method.prepare(one.task, info)

    def batch_rows(self) -> int:
        """Whole parents go into a batch."""
        least = int(self._parents.sizes.max(initial=1))
        return max(least, min(_BATCH, *(one.method.batch_rows() for one in self._passes), _BATCH))

    def learn(self, ask: Ask | None, seed: int) -> None:
        if self._targets is not None:
            self._targets.margins(_BINS)
            self._targets.tables([])
        for one in self._passes:
            one.learn(seed, ask)

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        """The members of the next parents, as many as ``n`` rows hold."""
        sizes = self._parents.sizes[self._done :]
        count = int(np.searchsorted(np.cumsum(sizes), n, side="right"))
        if not count:
            raise RunError(f"the next row has {int(sizes[0])} members, and only {n} are asked for")
        parents = np.arange(self._done, self._done + count)
        above = self._parents.table.slice(self._done, count)
        rows = self._made(above, sizes[:count], seed, ask)
        rows = self._settled(rows, np.random.default_rng(derive(seed, "settle")))
        self._done += count
        self._tell(rows, ask)
        return Draft(self._members(rows.table, np.repeat(parents, sizes[:count])))

    def state(self) -> Mapping[str, Any]:
        return {
            "done": self._done,
            "broken": dict(self._broken),
            "passes": [dict(one.method.state()) for one in self._passes],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises ``RunError`` where the state is of another run."""
        passes = state.get("passes")
        if not isinstance(passes, list) or len(passes) != len(self._passes):
            raise RunError("the stored state of the run does not fit its members", "start a new run")
        self._done, self._broken = int(state["done"]), Counter(state["broken"])
        for one, stored in zip(self._passes, passes, strict=True):
            one.method.restore(stored)

    def _made(self, above: pa.Table, sizes: Array, seed: int, ask: Ask | None) -> WideRows:
        """Members as the method makes them: all first ones, then the others beside theirs."""
        wide, own = self._wide, list(self._wide.own)
        heads = np.flatnonzero(sizes > 0)
        ones = WideRows(
            wide, above.take(pa.array(heads)), np.ones(len(heads), np.int64), _nothing(wide, len(heads))
        )
        given = ones.given().select([*wide.parent, wide.member])
        firsts = self._passes[0].complete(given, seed, ask).select(own)
        if len(self._passes) == 1 or sizes.max(initial=0) < 2:
            return WideRows(wide, above, sizes, firsts)
        # First members stand in for the others until these are made.
        rows = WideRows(
            wide, above, sizes, firsts.take(pa.array(np.repeat(np.arange(len(heads)), sizes[heads])))
        )
        later = np.flatnonzero(rows.number > 1)
        others = self._passes[1].complete(rows.given().take(pa.array(later)), seed, ask).select(own)
        place = np.cumsum(rows.number == 1) - 1
        place[later] = len(heads) + np.arange(len(later))
        return WideRows(wide, above, sizes, pa.concat_tables([firsts, others]).take(pa.array(place)))

    def _settled(self, rows: WideRows, rng: np.random.Generator) -> WideRows:
        """Members where they fit best: by the tables of what rules over members read (who is whose spouse), by the rules, then
        by all tables across both levels as far as the rules allow.
        """
        aims = self._aims()
        if not aims:
            return self._exchanged(rows, rng)
        # More rows are met better by fewer sweeps: what is left of a table's gap is a row here and there.
        part = max(0.125, min(1.0, _FEW / max(1, rows.table.num_rows)))
        if not self._judge.labels:
            return self._placed(rows, rng, aims, int(_SWEEPS * part))
        rows = self._placed(rows, rng, rows.telling(self._judge, aims), _SWEEPS)
        rows = self._exchanged(rows, rng)
        rows = self._placed(rows, rng, aims, int(_SWEEPS * part), keep_rules=True)
        return self._exchanged(rows, rng)

    def _placed(
        self,
        rows: WideRows,
        rng: np.random.Generator,
        tables: Sequence[Table],
        sweeps: int,
        *,
        keep_rules: bool = False,
    ) -> WideRows:
        """Other members than the first placed beside what is given, so that the tables come nearest.

        keep_rules : members change places only with others that are alike for the rules over members, and break no other.
        """
        later = np.flatnonzero(rows.number > 1)
        given = self._passes[-1].task.given
        assert given is not None
        records, beside = rows.table.take(pa.array(later)), rows.given().take(pa.array(later))

        def refuse(record: Array, row: Array) -> Array:
            table = beside.take(pa.array(row))
            for name in self._wide.own:
                table = table.append_column(name, records.column(name).take(pa.array(record)))
            return np.asarray(self._judge.rows(table).any(axis=1))

        placed = place(
            self._wide.schema,
            records,
            beside,
            tables,
            given.differences,
            rng,
            alike=rows.members_alike(self._judge)[later] if keep_rules else None,
            refuse=refuse if keep_rules else None,
            most_sweeps=sweeps,
        )
        members = np.arange(rows.table.num_rows)
        members[later] = later[placed.order]
        return rows.with_members(members)

    def _exchanged(self, rows: WideRows, rng: np.random.Generator) -> WideRows:
        """Members exchanged, where a rule is broken, until none is."""
        if not rows.broken(self._judge).any():
            return rows
        slots = slots_of(rows.sizes)

        def broken(some: Array) -> Array:
            return rows.part(some[:, 0], some[:, 1:]).broken(self._judge)

        moved = exchange(slots, broken, rows.alike(self._judge), rows.near(), rng)
        return rows.with_members(moved[slots >= 0])

    def _aims(self) -> Sequence[Table]:
        """The tables that other members than the first are placed by."""
        method = self._passes[-1].method
        assert isinstance(method, Completing)
        return method.aims().tables if len(self._passes) > 1 else ()

    def _tell(self, rows: WideRows, ask: Ask | None) -> None:
        """Count what is still broken, and say so when the last members are made."""
        found = rows.violations(self._judge)
        counts = [int(one.sum()) for part in found for one in part.T]
        self._broken.update({label: n for label, n in zip(self._judge.labels, counts, strict=True) if n})
        if ask is None or self._done < len(self._parents.sizes) or not self._broken:
            return
        told = "; ".join(f"'{label}': {n:,}" for label, n in self._broken.most_common())
        ask.notice(f"members, or parents with all their members, that break a rule: {told}", "warning")

    def _members(self, table: pa.Table, parent: Array) -> pa.Table:
        """Rows of the members' schema; identifiers but the key are left to the runner."""
        target = arrow_schema(self._schema)
        columns = []
        for field in target:
            if field.name == self._key:
                columns.append(self._parents.keys.take(pa.array(parent)).cast(field.type))
            elif field.name in table.column_names:
                columns.append(table.column(field.name).cast(field.type))
            else:
                columns.append(pa.nulls(table.num_rows, field.type))
        return pa.Table.from_arrays(columns, schema=target)


class _Told:
    """An :class:`~localsynth.core.contracts.Ask` whose notices and numbers say which pass they are of."""

    def __init__(self, ask: Ask, name: str) -> None:
        self._ask, self._name = ask, name

    @property
    def info(self) -> EngineInfo:
        return self._ask.info

    def sample(self, purpose: str, requests: Sequence[SampleRequest]) -> list[Sample]:
        return self._ask.sample(purpose, requests)

    def score(self, purpose: str, requests: Sequence[ScoreRequest]) -> list[Likelihood]:
        return self._ask.score(purpose, requests)

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        return self._ask.trace(requests)

    def working(self, stage: str, done: float, wanted: float) -> None:
        self._ask.working(stage, done, wanted)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._ask.count_tokens(texts)

    def prompt_tokens(self, request: SampleRequest) -> int:
        return self._ask.prompt_tokens(request)

    def notice(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        self._ask.notice(f"{self._name}: {text}", level)

    def measured(
        self, name: str, step: float, value: float, between: tuple[float, float] | None = None,
        *, per: str = "step", unit: str = "",
    ) -> None:  # fmt: skip
        self._ask.measured(f"{self._name}: {name}", step, value, between, per=per, unit=unit)


def _nothing(wide: Wide, rows: int) -> pa.Table:
    """The members' own columns, with nothing in them yet."""
    kinds = {name: arrow_type(wide.schema.column(name)) for name in wide.own}
    return pa.table({name: pa.nulls(rows, kind) for name, kind in kinds.items()})
