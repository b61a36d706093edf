"""The better mode: the model drafts, code aligns and repairs, the model completes.

What a language model knows is how the cells of a row go together; what it does not know is how often and how much. So
rows are drafted by the model, their columns are given the wanted values in the drafted order, rules are kept by trading
values between rows, and texts and dates are written by the model after the cells that are settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localsynth.core.cells import write_row
from localsynth.core.contracts import Ask, Draft, Sampling, Task
from localsynth.core.run import Reject
from localsynth.core.seeds import derive

from .align import aligned_frame, lead_values
from .anyvalue import anything
from .copied import Copied
from .elicit import elicit
from .examples import given_rows, invent, lines_of, pick, rows_of, typical_row
from .finish import Finisher, table_of_dicts
from .fit import make_plan, told_of
from .frame import Frame, Judge
from .keep_rules import repair
from .params import TextToTabularParams
from .prompts import json_row
from .state import Plan, State
from .writer import Row, Writer

__all__ = ["Aligned"]

_GUESSES = 12
_FEWEST = 16  # rows aligned at once


class Aligned:
    """One run in the aligned mode."""

    def __init__(self, params: TextToTabularParams, task: Task) -> None:
        self._params, self._task = params, task
        self._sampling = Sampling(temperature=params.temperature, top_p=params.top_p)
        self._state = State(task)

    def learn(self, ask: Ask, seed: int) -> None:
        """Lay everything out in the context, elicit, invent examples. Raises ``ContextTooSmall``."""
        typical = [typical_row(self._task)] * self._params.examples
        level = self._plan(self._state, typical, ask).level  # refuses before the first question
        if self._params.elicit:
            rounds = self._params.elicit_rounds
            told = elicit(self._task.schema, ask, rounds, self._sampling, level, seed)
            self._state = State(self._task, told)
        state = self._state
        # The schema's own examples first: what is invented beside them is written with them in sight. Where they are
        # many enough to rotate, nothing is invented.
        own = given_rows(state, [])
        pool: list[Row] = []
        if len(own) < 2 * self._params.examples:
            state.plan = self._plan(state, own, ask)
            writer = Writer(state.layout, state.plan, own, self._params, ask)
            pool = invent(state, writer, self._params.repair_rounds, seed, self._copied(own))
        if self._params.examples:
            state.given = lines_of(state.layout, given_rows(state, pool, ask))
            state.pool = lines_of(state.layout, pool)
        rows = rows_of(state.layout, [*state.given, *state.pool])
        state.plan = self._plan(state, rows, ask)
        for said in told_of(state.plan, state.layout, rows, self._params.examples, ask):
            ask.notice(said, "warning")

    def _plan(self, state: State, rows: Sequence[Row], ask: Ask) -> Plan:
        return make_plan(state.layout, rows, self._params.examples, ask, shorten=self._params.shorten_texts)

    def _copied(self, rows: Sequence[Row]) -> Copied | None:
        return Copied(self._state.layout.open, rows) if self._params.fresh_texts else None

    def dump(self) -> Mapping[str, Any]:
        """JSON-able."""
        return self._state.dump()

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self._state = State.load(self._task, data)

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """Up to ``n`` rows, every one valid."""
        state, wanted = self._state, n
        # So few rows cannot trade values with each other to keep a rule: more are drafted, and the fittest completed.
        n = max(n, _FEWEST)
        layout, rng = state.layout, np.random.default_rng(derive(seed, "align"))
        writer = Writer(layout, state.plan, pick(state, seed), self._params, ask)
        examples = rows_of(layout, [*state.given, *state.pool])
        lead = None
        if (first := layout.lead) is not None:
            lead = lead_values(first, state.counts[first.column.name], first.column.null_rate, n)
        drafted, rejects = writer.draft(lead, n, derive(seed, "draft"))
        frame = self._align(drafted, rng)
        rejects += self._drop_broken(frame, repair(self._task, layout, frame, rng))
        if len(frame.index) > wanted:
            frame.keep(self._neediest(frame, wanted))
        rows = frame.rows()
        finisher = Finisher(layout, state.locks)
        tags = {column.name: frame.tag(column.name) for column in layout.aimed}
        whole = finisher.complete(
            rows,
            frame.empty(),
            writer,
            self._params.repair_rounds,
            derive(seed, "complete"),
            self._copied(examples),
        )
        verdicts = finisher.verdicts(whole, state.locks)
        kept = []
        for at, row in enumerate(whole):
            verdict = verdicts[at] or self._duplicate(row)
            if verdict is None:
                kept.append(at)
            else:
                rejects.append(verdict)
        self._count(rows, whole, tags, kept)
        return Draft(table_of_dicts(self._task, layout.columns, [whole[at] for at in kept]), tuple(rejects))

    def _align(self, drafted: list[Row], rng: np.random.Generator) -> Frame:
        layout, n = self._state.layout, len(drafted)
        guesses: dict[str, list[Any]] = {}
        for column in layout.open:
            guesses[column.name] = anything(column, _GUESSES, rng)
            if column.nullable and column.null_rate is None:
                guesses[column.name][-2:] = [None, None]
        # The draft comes sorted by its first column; rows are handed on in no order.
        drafted = [drafted[int(i)] for i in rng.permutation(n)]
        cells = {column.name: [row[column.name] for row in drafted] for column in layout.aimed}
        frame = aligned_frame(layout.columns, layout.targets, self._state.counts, cells, guesses, n, rng)
        if self._state.locks:
            self._lock(frame)
        return frame

    def _lock(self, frame: Frame) -> None:
        """Dependent target columns follow their determinant, before rules are looked at."""
        targets = self._state.layout.targets
        locks = self._state.locks.copy(among=frozenset(targets))
        names = [name for name in frame.names if name in targets]
        columns = [frame.values(name) for name in names]
        for at, cells in enumerate(zip(*columns, strict=True)):
            row = dict(zip(names, cells, strict=True))
            locks.apply(row)
            locks.learn(row)
            for name, before in zip(names, cells, strict=True):
                if row[name] != before:
                    items = frame.add(name, [row[name]], targets[name].tags([row[name]]))
                    frame.index[at, frame.at(name)] = items[0]

    def _drop_broken(self, frame: Frame, judge: Judge) -> list[Reject]:
        """Drop rows that break a rule whatever is written into their open columns."""
        broken = judge.broken(frame.index)
        lost, rows = np.flatnonzero(broken.any(axis=1)), frame.rows()
        labels = [rule.label for rule in self._task.schema.rules]
        rejects = [
            Reject("rule", labels[int(np.argmax(broken[at]))], json_row(self._state.layout.aimed, rows[at]))
            for at in lost
        ]
        frame.keep(np.flatnonzero(~broken.any(axis=1)))
        return rejects

    def _neediest(self, frame: Frame, n: int) -> NDArray[np.int64]:
        """The ``n`` rows whose strata are missed most so far."""
        score = np.zeros(len(frame.index))
        for name, target in self._state.layout.targets.items():
            have = np.array(self._state.counts[name].strata, dtype=np.float64)
            missed = np.append(
                target.shares * (have.sum() + n) - have, 0.0
            )  # the last place: missing values, tag -1
            score += missed[frame.tag(name)]
        return np.sort(np.argsort(-score, kind="stable")[:n])

    def _duplicate(self, row: Row) -> Reject | None:
        if not self._params.drop_duplicates:
            return None
        columns = self._state.layout.columns
        text = write_row(columns, [row[column.name] for column in columns])
        digest = blake2b(text.encode(), digest_size=10).hexdigest()
        if digest in self._state.seen:
            return Reject("duplicate", "", json_row(columns, row))
        self._state.seen[digest] = None
        return None

    def _count(
        self, aligned: list[Row], whole: list[Row], tags: dict[str, NDArray[np.int64]], kept: list[int]
    ) -> None:
        """What was kept decides what the next batch asks for; cells changed after alignment are counted anew."""
        for name, counts in self._state.counts.items():
            target = self._state.layout.targets.get(name)
            if target is None:
                found = np.array([-1 if whole[at][name] is None else 0 for at in kept], dtype=np.int64)
            else:
                found = tags[name][kept]
                changed = [place for place, at in enumerate(kept) if whole[at][name] != aligned[at][name]]
                found[changed] = target.tags([whole[kept[place]][name] for place in changed])
            counts.add(found)
