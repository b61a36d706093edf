"""Finish: open columns are written, asked again where a rule breaks, and what still breaks one is rejected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Task
from localsynth.core.run import Reject
from localsynth.core.seeds import derive
from localsynth.tables import arrow_type

from .anyvalue import candidates
from .cellcheck import fits
from .copied import Copied
from .frame import Frame, Judge, table_from
from .layout import Layout
from .locks import Locks
from .prompts import json_row
from .repair import trade
from .writer import Row, Writer

__all__ = ["Finisher", "table_of_dicts"]

_MANY = 0.2  # of the rows breaking a rule: then values are traded before the model is asked again
_VERSIONS = 4  # asked of a row that breaks a rule, each time
_TRIES = 48  # by code, when asking did not help
_AGAIN = 3  # times that copied texts are asked again


def table_of_dicts(task: Task, columns: Sequence[Column], rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table in canonical order, identifiers NULL."""
    arrays = {
        column.name: pa.array([row[column.name] for row in rows], type=arrow_type(column))
        for column in columns
    }
    return table_from(task.schema, arrays, len(rows))


class Finisher:
    """Turns rows with settled target columns into whole rows that keep every rule and dependency."""

    def __init__(self, layout: Layout, locks: Locks) -> None:
        self._task, self._layout = layout.task, layout
        self._locks = locks.copy()
        self._rules = layout.rules
        soft = [target.column for target in layout.targets.values() if target.soft]
        free = [column for column in layout.open if not isinstance(column, TextColumn)]
        self._movable = {
            column.name: column for column in (*free, *soft) if column.name not in locks.dependents
        }

    def broken(self, rows: Sequence[Row]) -> NDArray[np.bool_]:
        """Rows x rules."""
        if not self._rules or not rows:
            return np.zeros((len(rows), len(self._rules)), dtype=np.bool_)
        return self._task.violations(table_of_dicts(self._task, self._layout.columns, rows))

    def complete(
        self,
        rows: Sequence[Row],
        empty: Sequence[frozenset[str]],
        writer: Writer,
        rounds: int,
        seed: int,
        copied: Copied | None = None,
    ) -> list[Row]:
        """Whole rows; some may still break a rule.

        empty : per row the open columns decided to be empty. copied : texts that should not stay; ``None`` lets all be.
        """
        opened = self._layout.open
        names = [column.name for column in opened]
        written = writer.write(rows, opened, empty, 1, derive(seed, "first"))
        whole: list[Row] = [
            dict.fromkeys(names, None) | row | next(iter(found), {})
            for row, found in zip(rows, written, strict=True)
        ]
        for row in whole:
            self._locks.apply(row)
            self._locks.learn(row)
        broken = self.broken(whole)
        if broken.any(axis=1).mean() > _MANY if len(whole) else False:
            whole = self._trade(whole, np.random.default_rng(derive(seed, "trade")))
            broken = self.broken(whole)
        empty = [
            frozenset(
                column.name for column in opened if column.null_rate is not None and row[column.name] is None
            )
            for row in whole
        ]
        for turn in range(rounds if opened else 0):
            bad = np.flatnonzero(broken.any(axis=1)).tolist()
            if not bad:
                break
            asked = self._to_ask(broken[bad])
            nulls = [empty[at] for at in bad]
            again = writer.write(
                [whole[at] for at in bad], asked, nulls, _VERSIONS, derive(seed, "again", turn)
            )
            versions = [[whole[at] | cells for cells in found] for at, found in zip(bad, again, strict=True)]
            self._choose(whole, broken, bad, versions)
        self.settle(whole, broken, empty, np.random.default_rng(derive(seed, "settle")))
        if copied is not None:
            self._freshen(whole, copied, writer, seed)
        return whole

    def _freshen(self, whole: list[Row], copied: Copied, writer: Writer, seed: int) -> None:
        """Texts that repeat an example's are drawn again until they do not; no rule may come to be broken by that.

        Drawing again is drawing from what the model would write if it did not copy. Several versions at once: a small model
        may copy every second time, and what versions have in common costs nothing.
        """
        for column in (column for column in self._layout.open if isinstance(column, TextColumn)):
            name = column.name
            read = any(name in names for names in self._rules)
            for turn in range(_AGAIN):
                bad = [at for at, row in enumerate(whole) if copied(name, row[name])]
                if not bad:
                    break
                here = derive(seed, "fresh", name, turn)
                versions = writer.rewrite([whole[at] for at in bad], column, _VERSIONS, here)
                for at, some in zip(bad, versions, strict=True):
                    fresh = [whole[at] | cells for cells in some if not copied(name, cells[name])]
                    if fresh and read:
                        worse = self.broken([whole[at], *fresh])
                        fresh = [
                            row
                            for row, more in zip(fresh, worse[1:], strict=True)
                            if not (more & ~worse[0]).any()
                        ]
                    if fresh:
                        whole[at] = fresh[0]

    def _to_ask(self, broken: NDArray[np.bool_]) -> tuple[Column, ...]:
        """The open columns to write again: texts only where a broken rule reads one, for they are the dearest."""
        read = frozenset[str]().union(*(self._rules[rule] for rule in np.flatnonzero(broken.any(axis=0))))
        texts = {column.name for column in self._layout.open if isinstance(column, TextColumn)}
        short = tuple(column for column in self._layout.open if column.name not in texts)
        return short if short and not read & texts else self._layout.open

    def _trade(self, whole: list[Row], rng: np.random.Generator) -> list[Row]:
        """Open cells (dates, say) change places between rows.

        Where much of a batch breaks the rules, the model does not understand them, and asking again and again would
        cost more than it tells; values that it wrote are placed where they fit.
        """
        columns = self._layout.columns
        frame = Frame(columns, ())
        frame.pools = [[row[column.name] for row in whole] for column in columns]
        frame.tags = [[0] * len(whole) for _ in columns]
        frame.index = np.tile(np.arange(len(whole))[:, None], len(columns))
        tied = {name for d in self._task.schema.dependencies for name in (d.dependent, *d.determinant)}
        units = [
            (column.name,)
            for column in self._layout.open
            if column.name not in tied and not isinstance(column, TextColumn)
        ]
        if units:
            trade(frame, units, self._rules, Judge(self._task, frame, 1).broken, rng)
        return frame.rows()

    def settle(
        self,
        whole: list[Row],
        broken: NDArray[np.bool_],
        empty: Sequence[frozenset[str]],
        rng: np.random.Generator,
    ) -> None:
        """Last way out: values drawn by code, in columns that no declared distribution binds."""
        bad = [at for at in np.flatnonzero(broken.any(axis=1)).tolist() if self._ways(broken[at], empty[at])]
        tried: list[list[Row]] = []
        for at in bad:
            ways = self._ways(broken[at], empty[at])
            drawn = {column.name: candidates(column, whole[at], _TRIES, rng) for column in ways}
            versions = []
            for place in range(_TRIES):
                some = [column for column in ways if rng.random() < 0.5] or [
                    ways[int(rng.integers(len(ways)))]
                ]
                versions.append({**whole[at], **{column.name: drawn[column.name][place] for column in some}})
            may_be_empty = [column for column in ways if column.nullable and column.null_rate is None]
            versions += [{**whole[at], column.name: None} for column in may_be_empty]
            tried.append(versions)
        if bad:
            self._choose(whole, broken, bad, tried)

    def _ways(self, broken: NDArray[np.bool_], empty: frozenset[str]) -> list[Column]:
        names = frozenset[str]().union(*(self._rules[rule] for rule in np.flatnonzero(broken)))
        return [column for name, column in self._movable.items() if name in names and name not in empty]

    def _choose(
        self,
        whole: list[Row],
        broken: NDArray[np.bool_],
        bad: Sequence[int],
        versions: Sequence[Sequence[Row]],
    ) -> None:
        """Replace each bad row by its version that breaks least, if that is less; one question for all versions."""
        every = [dict(version) for some in versions for version in some]
        for version in every:
            self._locks.apply(version)
        found = self.broken(every)
        first = 0
        for at, some in zip(bad, versions, strict=True):
            if some:
                here = found[first : first + len(some)]
                best = int(np.argmin(here.sum(axis=1)))
                if here[best].sum() < broken[at].sum():
                    whole[at] = every[first + best]
                    broken[at] = here[best]
                    self._locks.apply(whole[at])
                    self._locks.learn(whole[at])
            first += len(some)

    def verdicts(self, whole: Sequence[Row], locks: Locks) -> list[Reject | None]:
        """Per row ``None``, or why it is rejected; ``locks`` learns from the rows kept.

        Everything is looked at once more: nothing that breaks a rule, a range or a dependency is handed on.
        """
        schema, columns = self._task.schema, self._layout.columns
        broken = self.broken(whole)
        wrong = {column.name: ~fits(column, [row[column.name] for row in whole]) for column in columns}
        found: list[Reject | None] = []
        for at, row in enumerate(whole):
            reason, detail = "", ""
            if broken[at].any():
                reason, detail = "rule", schema.rules[int(np.argmax(broken[at]))].label
            elif amiss := [name for name, where in wrong.items() if where[at]]:
                reason, detail = "range", amiss[0]
            elif (contradiction := locks.broken(row)) is not None:
                reason, detail = "dependency", contradiction
            if reason:
                found.append(Reject(reason, detail, json_row(columns, row)))
            else:
                locks.learn(row)
                found.append(None)
        return found
