"""Missing cells filled by the fitted model, given all that is known of their row.

A model that writes from left to right knows only what it has written. So some candidates of the missing cells are drawn with
the known ones fixed in place, each is weighted with p / q (p: the probability of the whole row, q: that of the draw, which
leaves out how likely the known cells are that come later), and one is drawn by these weights (sampling importance resampling,
Rubin 1988). Candidates that break fewer rules and dependencies than others of their row go before them, whatever they weigh:
known cells may break some by themselves, and the rest still counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.cells import write_cell
from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Adapter, Ask, Filled, SampleRequest, Sampling, ScoreRequest
from localsynth.core.grammar import Grammar
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.page import Page, table_of
from localsynth.tables import arrow_schema

from .given import given_row, writable
from .locks import Locked

__all__ = ["CANDIDATES", "Filler"]

Array: TypeAlias = np.ndarray[Any, Any]
Row: TypeAlias = dict[str, Any]
CANDIDATES = 8
_AGAIN = 4  # times as many where all of them broke something
_ROWS = 64  # rows at once


@dataclass(frozen=True)
class _Candidate:
    """A row, its line as it is scored, and log q."""

    row: Row
    line: str
    drawn: float


@dataclass(frozen=True)
class _Choice:
    """A row, and how many rules and dependencies it breaks."""

    row: Row
    breaks: int


@dataclass
class Filler:
    """Fills rows. locked : what they keep, of the columns in the page's order. violations : as in a task (rows x rules)."""

    schema: Schema
    page: Page
    locked: Locked
    sampling: Sampling
    adapter: Adapter | None
    violations: Callable[[pa.Table], Array]

    def fill(self, rows: pa.Table, seed: int, ask: Ask) -> Filled:
        """See :class:`~localsynth.core.contracts.Filling`. Raises ``Cancelled``."""
        plain = rows.to_pylist()
        names = [column.name for column in self.page.columns]
        todo = [at for at, row in enumerate(plain) if any(row[name] is None for name in names)]
        for first in range(0, len(todo), _ROWS):
            ask.working("filling", first, len(todo))
            some = todo[first : first + _ROWS]
            asked = self._candidates([plain[at] for at in some], CANDIDATES, derive(seed, "fill", first), ask)
            made = self._chosen(asked, derive(seed, "choose", first), ask)
            again = [place for place, one in enumerate(made) if one.breaks]
            if again:
                more = self._candidates(
                    [plain[some[place]] for place in again],
                    _AGAIN * CANDIDATES,
                    derive(seed, "again", first),
                    ask,
                )
                found = self._chosen(more, derive(seed, "choose again", first), ask)
                for place, one in zip(again, found, strict=True):
                    # More candidates need not hold a better one.
                    made[place] = one if one.breaks <= made[place].breaks else made[place]
            for at, one in zip(some, made, strict=True):
                plain[at] = one.row
        ask.working("filling", len(todo), max(1, len(todo)))
        target = arrow_schema(self.schema)
        table = pa.table([self._column(rows, plain, column) for column in self.schema.columns], schema=target)
        return Filled(table, self._breaks(plain) > 0)

    def _column(self, rows: pa.Table, plain: Sequence[Row], column: Column) -> pa.ChunkedArray:
        """Known cells as they came, the others as they were made."""
        import pyarrow.compute as pc

        old = rows.column(column.name)
        if not old.null_count:
            return old
        new = pa.array([row[column.name] for row in plain], old.type)
        return pa.chunked_array([pc.if_else(old.combine_chunks().is_valid(), old.combine_chunks(), new)])

    def _candidates(self, rows: Sequence[Row], k: int, seed: int, ask: Ask) -> list[list[_Candidate]]:
        """Some ways to fill each row."""
        requests, heads = [], []
        for at, row in enumerate(rows):
            head, grammar = given_row(self.locked, self._texts(row))
            heads.append(head)
            requests.append(
                SampleRequest(
                    self.page.messages,
                    grammar,
                    k,
                    self.page.start + head,
                    sampling=self.sampling,
                    seed=derive(seed, "row", at),
                    adapter=self.adapter,
                    likelihood=True,
                )
            )
        found = []
        for row, head, sample in zip(rows, heads, ask.sample("filling", requests), strict=True):
            assert sample.logprobs is not None
            own = []
            stand_ins = self._stand_ins(row)
            for text, logprobs in zip(sample.texts, sample.logprobs, strict=True):
                read, _ = self.page.read([head + text])
                if read:
                    whole = {
                        name: read[0].get(name) if value is None else value for name, value in row.items()
                    }
                    line = self.page.line(whole | stand_ins) if stand_ins else head + text
                    own.append(_Candidate(whole, line, sum(logprobs)))
            found.append(own)
        return found

    def _texts(self, row: Row) -> dict[str, str | None]:
        return {
            column.name: None if row[column.name] is None else write_cell(column, row[column.name])
            for column in self.page.columns
        }

    def _stand_ins(self, row: Row) -> Row:
        """Texts to score known ones as that no row is written with (quotes, line breaks): alike in all candidates of a row,
        they cancel from p / q.
        """
        found = {}
        for column in self.page.columns:
            if isinstance(column, TextColumn) and row[column.name] is not None:
                text = writable(column, str(row[column.name]))
                if text != row[column.name]:
                    found[column.name] = text
        return found

    def _chosen(self, candidates: Sequence[Sequence[_Candidate]], seed: int, ask: Ask) -> list[_Choice]:
        """One candidate of each row."""
        rng = np.random.default_rng(seed)
        flat = [one for own in candidates for one in own]
        logs = self._weights(flat, self.page.whole(), ask)
        ends = np.cumsum([0, *map(len, candidates)])
        parts = [slice(begin, end) for begin, end in pairwise(ends.tolist())]
        # Where known cells break what is locked, no candidate is open under the locks.
        closed = np.zeros(len(flat), np.bool_)
        for part in parts:
            closed[part] = not np.isfinite(logs[part]).any()
        if closed.any():
            some = [one for one, shut in zip(flat, closed, strict=True) if shut]
            logs[closed] = self._weights(some, self.page.plain(), ask)
        breaks = self._breaks([one.row for one in flat])
        return [_one(own, logs[part], breaks[part], rng) for own, part in zip(candidates, parts, strict=True)]

    def _weights(self, some: Sequence[_Candidate], grammar: Grammar, ask: Ask) -> Array:
        """log p / q, up to a constant for each row. Lines that are alike are scored once."""
        lines = list(dict.fromkeys(one.line for one in some))
        request = ScoreRequest(
            self.page.messages, grammar, tuple(lines), self.page.start, self.sampling, self.adapter
        )
        (score,) = ask.score("weights", [request]) if lines else (None,)
        known = dict(zip(lines, score.logprobs, strict=True)) if score is not None else {}
        return np.array([known[one.line] - one.drawn for one in some], np.float64)

    def _breaks(self, rows: Sequence[Row]) -> Array:
        """How many rules and dependencies each row breaks."""
        if not rows:
            return np.zeros(0, np.int64)
        table = table_of(self.schema, rows)
        rules = self.violations(table).sum(axis=1)
        return np.asarray(rules + (~self.locked.kept(table)).sum(axis=1), np.int64)


def _one(own: Sequence[_Candidate], logs: Array, breaks: Array, rng: np.random.Generator) -> _Choice:
    """Drawn by weight among those that break least."""
    some = np.flatnonzero(breaks == breaks.min())
    weighed = some[np.isfinite(logs[some])]
    if len(weighed):
        some, weights = weighed, np.exp(logs[weighed] - logs[weighed].max())
    else:  # the model can write none of them
        weights = np.ones(len(some))
    at = int(rng.choice(some, p=weights / weights.sum()))
    return _Choice(own[at].row, int(breaks[at]))
