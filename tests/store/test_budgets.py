"""The ledger of privacy budgets: written before noise is drawn, and longer-lived than runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localsynth.core.errors import RunError
from localsynth.core.evaluation import Spent
from localsynth.core.targets import Axis, Budget, Margin, Statistics
from localsynth.store import budgets, datasets, given, reading, runs
from localsynth.store.given import Given
from localsynth.store.session import Store

from .store_kit import SCHEMA, make_run

BUDGET = Budget(0.5, 1e-6)
NOISY = Statistics((Margin(Axis("age", edges=(0, 111)), (1.0,), 8.0),), origin="noisy", budget=BUDGET)


@pytest.fixture
def run(store: Store) -> str:
    datasets.declare(store, "clinic", SCHEMA)
    runs.create(store, make_run("r1"))
    return "r1"


def spent(store: Store) -> tuple[float, float, int]:
    found = budgets.spent_on(store, "clinic")
    return found.epsilon, found.delta, found.releases


def test_a_draw_is_booked_before_anything_is_kept(store: Store, run: str) -> None:
    assert budgets.spent_on(store, "clinic") == Spent(0.0, 0.0, 0, 0)
    budgets.book(store, run, BUDGET)
    assert spent(store) == (0.5, 1e-6, 1)
    assert budgets.budgeted(store, [runs.get(store, run)]) == {run}
    given.put(store, run, SCHEMA, Given("margins", "", NOISY))
    budgets.book(store, run, BUDGET)  # the tables are of the same budget
    given.put(store, run, SCHEMA, Given("tables", "", NOISY))
    assert spent(store) == (0.5, 1e-6, 1)


def test_draws_that_were_cut_off_count_each(store: Store, run: str) -> None:
    for _ in range(3):
        budgets.book(store, run, BUDGET)
    given.put(store, run, SCHEMA, Given("margins", "", NOISY))
    for _ in range(2):
        budgets.book(store, run, BUDGET)
    # three pairs of draws, one of them without tables: three budgets hold them
    assert spent(store) == (1.5, 3e-6, 1)


def test_the_ledger_outlives_runs_and_a_new_import_and_the_dataset(store: Store, run: str) -> None:
    budgets.book(store, run, BUDGET)
    budgets.keep_refusal(store, run, "too little", "more")
    assert budgets.refusal(store, run) == ("too little", "more")
    runs.delete(store, run)
    assert budgets.refusal(store, run) is None
    assert spent(store) == (0.5, 1e-6, 1)
    runs.create(store, make_run("r2"))
    budgets.book(store, "r2", replace(BUDGET, epsilon=0.25))
    assert spent(store) == (0.75, 2e-6, 2)
    datasets.declare(store, "Clinic", SCHEMA, replace=True)
    assert budgets.spent_on(store, "Clinic").epsilon == 0.75
    datasets.drop(store, "Clinic", with_runs=True)
    assert budgets.spent_on(store, "clinic").epsilon == 0.75
    datasets.declare(store, "clinic", SCHEMA)
    assert budgets.spent_on(store, "clinic").epsilon == 0.75


def test_nothing_is_booked_for_a_run_that_is_not_there(store: Store) -> None:
    with pytest.raises(RunError, match="before it began"):
        budgets.book(store, "r9", BUDGET)
    assert reading.sql(store, "SELECT * FROM meta.budgets").num_rows == 0


def test_nothing_is_kept_under_a_budget_that_is_not_booked(store: Store, run: str) -> None:
    given.put(store, run, SCHEMA, Given("margins", "", NOISY))
    assert spent(store) == (0.5, 1e-6, 1)
