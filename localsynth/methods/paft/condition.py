"""Rows under a condition: cells limited by the grammar, what that bends made good by weights, the rest tried row by row.

A grammar that leaves a column fewer values draws from the model renormalised token by token. Where other columns come before
it, or its values begin alike, rows drawn so are not distributed as the model's rows that meet the condition: each is too
frequent by the mass that was cut away on its way. So more rows are drawn than wanted, each is weighted with p / q (p: its
probability under the whole grammar, q: that of the draw; importance resampling, Rubin 1988), and rows are kept with inclusion
probabilities proportional to the weights (systematic sampling, Madow 1949), which is exact as long as no weight is above its
even share; a fiftieth of all weight may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.contracts import Ask, Condition, SampleRequest, ScoreRequest, Task
from localsynth.core.errors import RecipeError
from localsynth.core.grammar import Grammar
from localsynth.core.grammar import Sequence as Parts
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.where import single
from localsynth.methods.page import table_of

from .behind import Behind
from .locks import Locked
from .narrowing import Row, contradicted, narrow_row
from .structure import Structure
from .writer import Writer

__all__ = ["ConditionedWriter", "check_possible", "conditioned", "even_share", "picked"]

Array: TypeAlias = np.ndarray[Any, Any]
_ROUNDS = 12
_MOST = 40  # rows drawn for each row wanted, at most
_SPARE = 1.25
_FEW = 20  # rows of a round at least, or
_EACH = 8  # for each row wanted
_VAIN = 500  # a round of more rows than these, none of which can be kept, is the last
_LOST = 0.02  # part of the weights that may be above their share


# --- weights ----------------------------------------------------------------------------------------------------------


def even_share(weights: Array, lost: float = 0.0) -> float:
    """How many rows can be picked in proportion to their weights: as many as leave no weight above its share, or no more than
    the part ``lost`` of them all; 0 where all weights are.

    With nothing lost that is sum / largest.
    """
    total = float(weights.sum())
    if not total > 0:
        return 0.0
    tops = np.cumsum(np.sort(weights / total)[::-1])
    # With k rows the sum of the i largest shares, less i / k, is lost for that i for which it is most.
    room = tops - lost
    some = room > 0
    most = (np.arange(1, len(tops) + 1)[some] / room[some]).min()
    return float(min(most, (weights > 0).sum()))


def picked(weights: Array, k: int, rng: np.random.Generator) -> Array:
    """Numbers of ``k`` different rows, each with an inclusion probability proportional to its weight, in random order.

    Rows whose weight is above their share are taken for certain. Fewer where fewer weights are above 0.
    """
    open_ = np.flatnonzero(weights > 0)
    if len(open_) <= k:
        return np.asarray(rng.permutation(open_))
    sure: list[int] = []
    while True:
        share = weights[open_] * (k - len(sure)) / weights[open_].sum()
        over = share >= 1
        if not over.any() or len(sure) >= k:
            break
        sure += open_[over].tolist()
        open_ = open_[~over]
    left = k - len(sure)
    found: list[int] = []
    if left > 0:
        mixed = rng.permutation(open_)
        ends = np.cumsum(weights[mixed])
        at = (rng.random() + np.arange(left)) * ends[-1] / left
        found = mixed[np.minimum(np.searchsorted(ends, at, "right"), len(mixed) - 1)].tolist()
    return np.asarray(rng.permutation(np.array([*sure, *dict.fromkeys(found)], np.int64)))


# --- drawing ----------------------------------------------------------------------------------------------------------


@dataclass
class _Pool:
    """Rows that begin alike, drawn so far. wanted : how many are to be kept."""

    wanted: int
    texts: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    drawn: int = 0

    @property
    def has(self) -> float:
        return even_share(np.exp(_relative(self.weights)), _LOST)

    def missing(self, weighted: bool) -> int:
        """How many rows to draw next."""
        short = self.wanted - (self.has if weighted else len(self.rows))
        if short <= 0:
            return 0
        rate = max(self.has if weighted else len(self.rows), 0.5) / self.drawn if self.drawn else 1.0
        asked = ceil(short / rate * _SPARE) if self.drawn else self.wanted
        return min(max(asked, min(_FEW, _EACH * self.wanted)), _MOST * self.wanted + _FEW - self.drawn)


def _relative(logs: Sequence[float]) -> Array:
    found = np.array(logs, np.float64)
    most = found.max(initial=-np.inf)
    return found - most if np.isfinite(most) else np.full(len(found), -np.inf)


@dataclass(frozen=True)
class ConditionedWriter:
    """Draws rows that meet a condition, distributed as the writer's rows that meet it.

    writer : the one without it. full, narrow : the row without and with the condition. tied : columns of locked dependencies,
    whose limits bear on other columns.
    """

    writer: Writer
    schema: Schema
    condition: Condition
    full: Row
    narrow: Row
    tied: frozenset[str] = frozenset()
    told: set[str] = field(default_factory=set)

    def draw(self, n: int, seed: int, ask: Ask) -> tuple[list[dict[str, Any]], list[Reject]]:
        """``n`` rows, fewer where too few of those drawn meet the condition."""
        if n <= 0:
            return [], []
        starts = self.writer.leading(n, seed)
        narrow, full = self._tails(starts)
        pools = {start: _Pool(count) for start, count in self._counts(starts, narrow, n, seed).items()}
        weighted = self._weighted(led=starts is not None)
        rejects: list[Reject] = []
        vain = ""
        for turn in range(_ROUNDS):
            asked = {start: pool.missing(weighted) for start, pool in sorted(pools.items())}
            asked = {start: count for start, count in asked.items() if count > 0}
            if vain or not asked:
                break
            before = sum(len(pool.rows) for pool in pools.values())
            lost = self._round(asked, pools, narrow, full, derive(seed, "round", turn), ask, weighted)
            rejects += lost
            if sum(asked.values()) > _VAIN and sum(len(pool.rows) for pool in pools.values()) == before:
                vain = _why(lost, sum(asked.values()))
        rng = np.random.default_rng(derive(seed, "pick"))
        rows: list[dict[str, Any]] = []
        for _, pool in sorted(pools.items()):
            keep = picked(np.exp(_relative(pool.weights)), pool.wanted, rng)
            rows += [pool.rows[at] for at in keep]
        self._tell(pools, len(rows), n, weighted, ask, vain)
        return [rows[at] for at in rng.permutation(len(rows))], rejects

    def _tails(self, starts: Mapping[str, int] | None) -> tuple[dict[str, Grammar], dict[str, Grammar]]:
        """What may follow each beginning, with the condition and without; beginnings that nothing may follow are left out."""
        if starts is None:
            return {"": self.narrow.grammar}, {"": self.full.grammar}
        behind = Behind(self.narrow.grammar), Behind(self.full.grammar)
        found = {start: [one.after(start.removesuffix(",")) for one in behind] for start in starts}
        both = {start: (a, b) for start, (a, b) in found.items() if a is not None and b is not None}
        return {start: a for start, (a, _) in both.items()}, {start: b for start, (_, b) in both.items()}

    @staticmethod
    def _counts(
        starts: Mapping[str, int] | None, open_: Mapping[str, Grammar], n: int, seed: int
    ) -> dict[str, int]:
        """How many rows are to begin with each beginning; what the condition closes goes to the others."""
        if starts is None:
            return {"": n}
        kept = {start: count for start, count in sorted(starts.items()) if start in open_}
        lost = sum(starts.values()) - sum(kept.values())
        if not lost or not kept:
            return kept
        rng = np.random.default_rng(derive(seed, "closed"))
        shares = np.array(list(kept.values())) / sum(kept.values())
        more = rng.multinomial(lost, shares).tolist()
        return {start: count + extra for (start, count), extra in zip(kept.items(), more, strict=True)}

    def _weighted(self, *, led: bool) -> bool:
        """Whether the limits bend anything: not where they leave one cell each to the columns written first."""
        limits = self.condition.where.limits
        left = [column for column in self.writer.page.columns[led:] if column.name in limits]
        if not left:
            return bool(self.tied & set(limits))
        first = self.writer.page.columns[led : led + len(left)]
        alone = all(single(column, limits[column.name]) for column in left)
        return bool(self.tied & set(limits)) or list(first) != left or not alone

    def _round(
        self,
        asked: Mapping[str, int],
        pools: Mapping[str, _Pool],
        narrow: Mapping[str, Grammar],
        full: Mapping[str, Grammar],
        seed: int,
        ask: Ask,
        weighted: bool,
    ) -> list[Reject]:
        requests = [
            SampleRequest(
                self.writer.page.messages,
                narrow[start],
                count,
                self.writer.page.start + start,
                sampling=self.writer.sampling,
                seed=derive(seed, "rows", start),
                adapter=self.writer.adapter,
                likelihood=weighted,
            )
            for start, count in asked.items()
        ]
        samples = ask.sample("rows", requests)
        logs: dict[str, list[float]] = {start: [0.0] * count for start, count in asked.items()}
        if weighted:
            scored = ask.score(
                "weights",
                [
                    ScoreRequest(
                        self.writer.page.messages,
                        full[start],
                        sample.texts,
                        self.writer.page.start + start,
                        self.writer.sampling,
                        self.writer.adapter,
                    )
                    for start, sample in zip(asked, samples, strict=True)
                ],
            )
            for start, sample, score in zip(asked, samples, scored, strict=True):
                assert sample.logprobs is not None
                logs[start] = self._logs(sample.logprobs, score.values, led=start != "")
        rejects: list[Reject] = []
        for start, sample in zip(asked, samples, strict=True):
            pool = pools[start]
            pool.drawn += len(sample.texts)
            for text, log in zip(sample.texts, logs[start], strict=True):
                if log == -np.inf:
                    rejects.append(Reject("dependency", "not open without the condition", start + text))
                    continue
                rows, lost = self.writer.page.read([start + text])
                rejects += lost
                pool.rows += rows
                pool.weights += [log] * len(rows)
        return rejects + self._drop_unmet([pools[start] for start in asked])

    def _logs(
        self, drawn: Sequence[Sequence[float]], whole: Sequence[Sequence[float]], *, led: bool
    ) -> list[float]:
        """log p / q. Where both sides have the same values, over those that are limited, and those before them: the token that
        ends a value may begin the next. The others are the same twice, but for rounding.
        """
        limits = self.condition.where.limits
        some: list[int] | None = None
        if self.full.values == self.narrow.values and not self.tied & set(limits):
            names = self.full.values[led:]
            near = {at for at, value in enumerate(names) if set(value) & set(limits)}
            some = sorted(at for at in near | {at - 1 for at in near} if at >= 0)
        result = []
        for q, p in zip(drawn, whole, strict=True):
            if some is None or len(q) != len(p) or len(p) <= max(some, default=0):
                result.append(sum(p) - sum(q))
            else:
                cut = sum(p[at] - q[at] for at in some)
                result.append(-np.inf if sum(p) == -np.inf else cut)
        return result

    def _drop_unmet(self, pools: Iterable[_Pool]) -> list[Reject]:
        """Rows that the grammar allows and the condition does not."""
        rejects = []
        for pool in pools:
            if not pool.rows:
                continue
            met = self.condition.met(table_of(self.schema, pool.rows))
            if met.all():
                continue
            rejects += [Reject("where", self.condition.where.text)] * int((~met).sum())
            pool.rows = [row for row, good in zip(pool.rows, met, strict=True) if good]
            pool.weights = [weight for weight, good in zip(pool.weights, met, strict=True) if good]
        return rejects

    def _tell(
        self, pools: Mapping[str, _Pool], rows: int, n: int, weighted: bool, ask: Ask, vain: str
    ) -> None:
        """Once in a while of a run: how rare the condition is, where it is rare. vain : why no more rows were drawn, if so."""
        drawn = sum(pool.drawn for pool in pools.values())
        met = sum(len(pool.rows) for pool in pools.values())
        rate = met / drawn if drawn else 0.0
        if rows < n and "rare" not in self.told:
            self.told.add("rare")
            ask.notice(
                f"{rate:.2%} of {drawn:,} rows drawn meet '{self.condition.where.text}': {rows:,} of {n:,} wanted"
                f"{vain}",
                "warning",
            )
        bent = sum(1 for pool in pools.values() if pool.rows and pool.has < min(pool.wanted, len(pool.rows)))
        if weighted and bent and len(pools) == 1 and "bent" not in self.told:
            self.told.add("bent")
            (pool,) = pools.values()
            ask.notice(
                f"rows that the model finds likely under the condition are rare among those drawn: the {rows:,} kept count as"
                f" {pool.has:,.0f} independent ones",
                "warning",
            )


def _why(rejects: Sequence[Reject], drawn: int) -> str:
    """Why no further round is drawn: how the rows of this one were lost."""
    reasons = Counter(reject.reason for reject in rejects)
    most = max(reasons, key=lambda reason: (reasons[reason], reason), default="where")
    how = {
        "dependency": "keeps what is locked as well",
        "parse": "can be read",
    }.get(most, "meets it")
    return f"; no more are drawn, since none of the last {drawn:,} {how}"


def check_possible(condition: Condition, locks: Locked | None) -> None:
    """Raise ``RecipeError`` where no row meets the condition and keeps what is locked, naming the dependency."""
    broken = "" if locks is None else contradicted(locks, condition.where.limits)
    if broken:
        raise RecipeError(
            f"no row can meet the condition '{condition.where.text}' and keep {broken}: no values that it leaves go together in"
            " the train rows",
            "change the condition, or say lock = false in the recipe's [method] to let rows break the dependency",
        )


def conditioned(
    writer: Writer, task: Task, structure: Structure, train: pa.Table, locks: Locked | None
) -> ConditionedWriter:
    """The writer under the task's condition. locks : of the row it writes, if there are any.

    Raises ``RecipeError`` as :func:`check_possible` does.
    """
    assert task.condition is not None
    check_possible(task.condition, locks)
    columns = writer.page.columns
    whole = writer.page.whole()
    assert isinstance(whole, Parts)
    alone = tuple((column.name,) for column in columns)
    kept = [] if locks is None else [*locks.locked, *locks.boxed]
    return ConditionedWriter(
        writer,
        task.schema,
        task.condition,
        Row(whole, alone if locks is None else locks.values),
        narrow_row(
            columns,
            task.condition.where.limits,
            None if locks is None else structure.dependencies,
            train,
            () if locks is None else locks.outlines,
        ),
        frozenset(name for one in kept for name in (*one.determinant, one.dependent)),
    )
