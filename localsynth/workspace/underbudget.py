"""Judging runs under a privacy budget: by default nothing is read that the budget does not cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from localsynth.core.dataset import Dataset
from localsynth.core.errors import PolicyError
from localsynth.core.evaluation import OUTSIDE, Evaluation, Judged, Spent, caution, unseen
from localsynth.core.run import Run
from localsynth.core.targets import Statistics
from localsynth.store import datasets
from localsynth.store.budgets import budgeted, spent_on
from localsynth.store.given import latest
from localsynth.store.session import Store
from localsynth.tables import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Background",
    "Sight",
    "background_of",
    "look",
    "outside_cautions",
    "refuse_mixed",
    "refuse_nearest",
]

_OPTION = "--outside-budget"
Read: TypeAlias = "Callable[[Store, str], tuple[Dataset, pa.Table, pa.Table]]"


@dataclass(frozen=True)
class Sight:
    """What runs may be judged by. covered : no real row was read, and the tables are empty. budgeted : runs with a budget."""

    dataset: Dataset
    train: pa.Table
    holdout: pa.Table
    covered: bool
    budgeted: frozenset[str]


def look(store: Store, runs: Sequence[Run], against: str | None, read: Read, *, outside: bool) -> Sight:
    """The real rows to hold runs against, or none of them where all runs have a privacy budget.

    read : gives a dataset with its real rows, train and held out; called only where they may be seen. outside : read real
        rows whatever the budget.
    Raises ``PolicyError`` as :func:`refuse_mixed` does.
    """
    bounded = budgeted(store, runs)
    name = against or runs[0].dataset
    if outside or not bounded:
        return Sight(*read(store, name), covered=False, budgeted=bounded)
    refuse_mixed(runs, bounded, against)
    dataset = unseen(datasets.get(store, name), runs[0])
    nothing = arrow_schema(dataset.schema).empty_table()
    return Sight(dataset, nothing, nothing, covered=True, budgeted=bounded)


def refuse_mixed(runs: Sequence[Run], bounded: frozenset[str], against: str | None) -> None:
    """Raise ``PolicyError`` where figures that no budget covers would stand beside those of a run that has one."""
    if not bounded:
        return
    other = next((run for run in runs if run.run_id not in bounded), None)
    if other is not None:
        raise PolicyError(
            f"run {min(bounded)} has a privacy budget and run {other.run_id} has none: figures of the second are not covered"
            " by any budget and would stand in the same report",
            f"take runs with a budget by themselves; {_OPTION} judges all of them by real rows, for your eyes only",
        )
    own = {run.dataset.casefold() for run in runs}
    if against is not None and own != {against.casefold()}:
        raise PolicyError(
            f"run {runs[0].run_id} has a privacy budget, which does not cover figures from the rows of '{against}'",
            f"leave out --against, or add {_OPTION}, for your eyes only",
        )


def refuse_nearest(store: Store, run: Run) -> None:
    """Raise ``PolicyError`` where a run has a privacy budget, which does not cover a look at the real rows beside its own."""
    if budgeted(store, [run]):
        raise PolicyError(
            f"run {run.run_id} has a privacy budget, which does not cover real rows looked up by its own",
            "in Python, nearest(RUN, ROW, outside_budget=True) shows them all the same, for your eyes only",
        )


def outside_cautions(sight: Sight, runs: Sequence[Run]) -> Iterator[Judged]:
    """That figures of runs with a budget come from real rows."""
    if sight.covered or not sight.dataset.rows:
        return
    words = (
        "this run has a privacy budget, and these figures come from real rows, which the budget does not cover: they are for"
        " whoever may see the real rows; do not release them with the synthetic ones"
    )
    for run in runs:
        if run.run_id in sight.budgeted:
            yield caution(words, run.run_id, OUTSIDE)


@dataclass(frozen=True)
class Background:
    """aims : what runs aimed at, by run id. spent : on their dataset, where one of them has a budget."""

    aims: dict[str, Statistics]
    spent: Spent | None

    def behind(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation with it."""
        return replace(evaluation, aims=self.aims, spent=self.spent)


def background_of(store: Store, runs: Sequence[Run]) -> Background:
    """What a report tells of runs beside their scores."""
    given = {run.run_id: latest(store, run.run_id) for run in runs}
    aims = {run_id: statistics for run_id, statistics in given.items() if statistics is not None}
    return Background(aims, spent_on(store, runs[0].dataset) if budgeted(store, runs) else None)
