"""Where a method gets its target statistics: counted over the train rows, read from a file, or counted with noise.

What a run is given is stored with it before the method sees it, and given again when the run is resumed: a file that has
changed since, and noise drawn anew, would make other rows. So the stored statistics count, and no hash of the file is part of
the run's fingerprint; a changed file is for a new run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from localsynth.align.association import mutual_information
from localsynth.core.contracts import Condition
from localsynth.core.dataset import Dataset
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Budget, Statistics, Table, TargetSource
from localsynth.store import budgets
from localsynth.store import statistics as counted
from localsynth.store.counting import Counting
from localsynth.store.given import Given, Name, put, read_all
from localsynth.store.session import Store

from .pairing import Choice, choose

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BookedTargets", "CountedTargets", "FileTargets", "KeptTargets", "NoisyTargets", "target_source"]

Groups: TypeAlias = Sequence[Sequence[str]]
Count: TypeAlias = Callable[[Sequence[Axis]], Any]
_FINER = 5
_BINS = 6  # where a method asks for tables and never said how many it wants


class CountedTargets:
    """Exact statistics of the train split. given : columns that rows have before they are made; tables over these alone are
    not worth aiming at. differences : columns that tell how far two others are apart, and are told in finer steps.
    """

    def __init__(
        self,
        counting: Counting,
        choice: Choice | None = None,
        given: frozenset[str] = frozenset(),
        differences: Collection[str] = (),
    ) -> None:
        self._counting, self._given, self._differences = counting, given, tuple(differences)
        self._choice = choice or Choice()

    def margins(self, bins: int) -> Statistics:
        return counted.margins(self._counting, bins, dict.fromkeys(self._differences, _FINER * bins))

    def tables(self, margins: Statistics, groups: Groups, pairs: int | None) -> Statistics:
        """margins : what was given before."""
        choice, rows = self._choice, float(self._counting.rows)
        strengths = {
            pair: mutual_information(counts)
            for pair, counts in counted.pair_counts(self._counting, margins, choice.rows_per_cell)
            if not self._given.issuperset(margins.columns[at] for at in pair)
        }
        groups = [group for group in groups if not self._given.issuperset(group)]
        chosen = choose(self._counting.schema, margins, rows, strengths, groups, pairs, choice)
        tables = counted.tables(self._counting, chosen.tables)
        few = counted.few_rows(tables)
        return replace(margins, tables=tables, notes=(*margins.notes, *chosen.notes, *([few] if few else [])))


class FileTargets:
    """Published statistics: the margins and tables there are, and what follows from them.

    A group that is part of a larger table is given as that table summed over its other columns. Only tables that were
    published, and the groups asked for, are given; ``bins`` and ``pairs`` change nothing.
    """

    def __init__(self, given: Statistics) -> None:
        self._given = given

    def margins(self, bins: int) -> Statistics:
        return replace(self._given, tables=())

    def tables(self, margins: Statistics, groups: Groups, pairs: int | None) -> Statistics:
        """margins : what was given before, which is of the same file."""
        tables = list(self._given.tables)
        there = {frozenset(table.columns) for table in tables}
        lacking: list[str] = []
        for group in groups:
            columns = tuple(dict.fromkeys(group))
            if len(columns) < 2 or frozenset(columns) in there:
                continue
            there.add(frozenset(columns))
            found = _summed(self._given.tables, columns)
            if found is None:
                lacking.append(", ".join(columns))
            else:
                tables.append(found)
        notes = self._given.notes
        if lacking:
            kind = "table" if len(lacking) == 1 else "tables"
            notes += (
                f"no joint {kind} of {'; of '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} published",
            )
        return replace(self._given, tables=tuple(tables), notes=notes)


def _summed(tables: Iterable[Table], columns: tuple[str, ...]) -> Table | None:
    """A table of these columns out of the smallest that has them all."""
    larger = [table for table in tables if set(columns) <= set(table.columns)]
    if not larger:
        return None
    table = min(larger, key=lambda one: (len(one.axes), len(one.shares)))
    kept = [at for at, name in enumerate(table.columns) if name in columns]
    shares = np.array(table.shares).reshape(table.shape)
    summed = shares.sum(axis=tuple(at for at in range(len(table.axes)) if at not in kept)).ravel()
    axes = tuple(table.axes[at] for at in kept)
    return Table(axes, tuple((summed / summed.sum()).tolist()), table.total, "model")


class NoisyTargets:
    """Statistics under differential privacy.

    The two callables draw the noise and answer each question once in the life of a run; see
    :mod:`localsynth.align.privacy`. They see exact counts through a :data:`~localsynth.align.privacy.Count` alone, such as
    :meth:`~localsynth.store.counting.Counting.count`.
    """

    def __init__(
        self,
        margins: Callable[[int], Statistics],
        tables: Callable[[Statistics, Groups, int | None], Statistics],
    ) -> None:
        self._margins, self._tables = margins, tables

    def margins(self, bins: int) -> Statistics:
        return self._margins(bins)

    def tables(self, margins: Statistics, groups: Groups, pairs: int | None) -> Statistics:
        """margins : what ``margins`` gave, read back where the run was resumed."""
        return self._tables(margins, groups, pairs)


class BookedTargets:
    """Noisy targets whose every draw is in the run's ledger before the first exact count is seen.

    make : the noisy source over counts. A refusal that came out of noise is kept, and given again without drawing. Where a
    draw was cut off before its answer was kept, the next one is drawn anew, since the first noise is gone, and booked anew:
    see :mod:`localsynth.store.budgets`.
    """

    def __init__(
        self, store: Store, run_id: str, budget: Budget, count: Count, make: Callable[[Count], NoisyTargets]
    ) -> None:
        self._store, self._run_id, self._budget = store, run_id, budget
        self._count, self._make = count, make

    def margins(self, bins: int) -> Statistics:
        return self._answer(lambda source: source.margins(bins))

    def tables(self, margins: Statistics, groups: Groups, pairs: int | None) -> Statistics:
        """margins : what ``margins`` gave, read back where the run was resumed."""
        return self._answer(lambda source: source.tables(margins, groups, pairs))

    def refuse_again(self) -> None:
        """Raise what the run was told before instead of statistics, if it was."""
        from localsynth.align.privacy import NoiseAlone

        told = budgets.refusal(self._store, self._run_id)
        if told is not None:
            raise NoiseAlone(*told)

    def _answer(self, ask: Callable[[NoisyTargets], Statistics]) -> Statistics:
        from localsynth.align.privacy import NoiseAlone

        self.refuse_again()
        try:
            return ask(self._make(self._booking()))
        except NoiseAlone as error:
            budgets.keep_refusal(self._store, self._run_id, error.message, error.hint)
            raise

    def _booking(self) -> Count:
        """Counts for one answer; what is refused before anything is counted (a package missing) costs nothing."""
        booked = False

        def count(axes: Sequence[Axis]) -> Any:
            nonlocal booked
            if not booked:
                budgets.book(self._store, self._run_id, self._budget)
                booked = True
            return self._count(axes)

        return count


class KeptTargets(TargetSource):
    """The target source that a method sees: whatever answers, the answers are kept with the run.

    kept : what the run was given so far. keep : stores one more answer; called before the method gets it. once : each of
    the two questions is answered once, whatever is asked for the second time. whole : all there is, kept first of all.
    part : which of several sources of a run this is; the others' answers are none of its own.

    Tables go with the margins asked for last.
    """

    def __init__(
        self,
        source: CountedTargets | FileTargets | NoisyTargets | BookedTargets,
        kept: Sequence[Given],
        keep: Callable[[Given], None],
        *,
        once: bool = False,
        whole: Statistics | None = None,
        part: str = "",
    ) -> None:
        self._source, self._keep = source, keep
        self._kept = [given for given in kept if given.part == part]
        self._once, self._whole, self._part = once, whole, part

    def margins(self, bins: int) -> Statistics:
        return self._answer("margins", {"bins": bins}, lambda: self._source.margins(bins))

    def tables(self, groups: Groups, pairs: int | None = None) -> Statistics:
        margins, bins = self._last_margins()
        question = {"bins": bins, "groups": [list(group) for group in groups], "pairs": pairs}
        return self._answer("tables", question, lambda: self._source.tables(margins, groups, pairs))

    def _last_margins(self) -> tuple[Statistics, int]:
        """The margins asked for last, and how many bins were asked for."""
        if not any(given.name == "margins" for given in self._kept):
            self.margins(_BINS)
        last = next(given for given in reversed(self._kept) if given.name == "margins")
        return last.statistics, int(json.loads(last.question)["bins"])

    def _answer(self, name: Name, asked: dict[str, Any], make: Callable[[], Statistics]) -> Statistics:
        question = json.dumps(asked, ensure_ascii=False)
        for given in self._kept:
            if given.name == name and (self._once or given.question == question):
                return given.statistics
        if self._whole is not None and not any(given.name == "given" for given in self._kept):
            self._add(Given("given", "", self._whole, self._part))
        return self._add(Given(name, question, make(), self._part)).statistics

    def _add(self, given: Given) -> Given:
        self._keep(given)
        self._kept.append(given)
        return given


@contextmanager
def target_source(
    store: Store,
    run: Run,
    recipe: Recipe,
    dataset: Dataset,
    condition: Condition | None = None,
    train: pa.Table | None = None,
) -> Iterator[KeptTargets]:
    """What a run's method asks for its targets, while the run is open; with what the run was given before.

    condition : counts only the train rows that meet it. train : these rows, as the method sees them.
    Raises where the statistics file is wrong, where the dataset's rows are no longer those it was got with, or where the run
    was refused statistics before.
    """
    kept = read_all(store, run.run_id)
    keep = partial(put, store, run.run_id, dataset.schema)
    if recipe.dataset.statistics is not None:
        before = [given.statistics for given in kept if given.name == "given"]
        whole = before[0] if before else _published(run, recipe.dataset.statistics, dataset.schema)
        yield KeptTargets(FileTargets(whole), kept, keep, whole=whole)
        return
    only = condition.met(train) if condition is not None and train is not None else None
    with Counting.of(store, dataset, only) as counting:
        budget = recipe.privacy.budget
        if budget is None:
            yield KeptTargets(CountedTargets(counting), kept, keep)
        else:
            source = BookedTargets(
                store, run.run_id, budget, counting.count, lambda count: _noisy(dataset, budget, count)
            )
            source.refuse_again()  # before a model is loaded
            yield KeptTargets(source, kept, keep, once=True)


def _published(run: Run, file: str, schema: Schema) -> Statistics:
    """A statistics file, its path relative to the recipe's folder."""
    from localsynth.core.statisticsfile import load_statistics

    folder = Path(run.recipe_path).parent if run.recipe_path else Path.cwd()
    return load_statistics(folder / file, schema)


def _noisy(dataset: Dataset, budget: Budget, count: Count) -> NoisyTargets:
    from localsynth.align.privacy import noisy_margins, noisy_tables

    schema, declared = dataset.schema, dataset.declared
    return NoisyTargets(
        lambda bins: noisy_margins(
            schema, count, epsilon=budget.epsilon, delta=budget.delta, bins=bins, declared=declared
        ),
        lambda margins, groups, pairs: noisy_tables(schema, margins, count, groups, pairs, declared=declared),
    )
