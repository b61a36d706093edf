"""Which runs have a privacy budget, and what was spent on a dataset.

``meta.budgets`` is written before noise is drawn and outlives its run. A draw that was cut off (a process killed, an error)
showed its noise to nobody, but nothing here can prove that: whoever draws again books again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import RunError
from localsynth.core.evaluation import Spent
from localsynth.core.run import Exposure, Run
from localsynth.core.targets import Budget

from . import audit, clock
from . import runs as records
from .rows import insert_records

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = [
    "book",
    "book_in",
    "booked",
    "bounded",
    "budgeted",
    "budgeted_in",
    "dataset_of",
    "keep_refusal",
    "refusal",
    "spent_on",
]


def book(store: Store, run_id: str, budget: Budget) -> None:
    """Record that a run is about to draw noise for its next statistics; committed when this returns.

    Raises ``RunError`` where there is no such run (yet).
    """
    with store.write() as con:
        book_in(con, run_id, budget)
        told = {"dataset": dataset_of(con, run_id), "epsilon": budget.epsilon, "delta": budget.delta}
        audit.note(store, con, "privacy budget drawn", run=run_id, **told)


def book_in(con: duckdb.DuckDBPyConnection, run_id: str, budget: Budget) -> None:
    """The same, inside a transaction of the caller."""
    dataset = dataset_of(con, run_id)
    ((answers,),) = con.execute("SELECT count(*) FROM meta.statistics WHERE run_id = ?", [run_id]).fetchall()
    record = {"dataset": dataset, "run_id": run_id, "answers": answers}
    spent = {"epsilon": budget.epsilon, "delta": budget.delta, "opened_at": clock.now()}
    insert_records(con, "meta.budgets", [{**record, **spent}])


def booked(con: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether a run is in the ledger; inside a transaction of the caller."""
    return bool(con.execute("SELECT 1 FROM meta.budgets WHERE run_id = ? LIMIT 1", [run_id]).fetchall())


def dataset_of(con: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """The dataset of a run that is about to be given statistics. Raises ``RunError`` where there is no such run (yet)."""
    found = con.execute("SELECT dataset FROM meta.runs WHERE run_id = ?", [run_id]).fetchall()
    if not found:
        raise RunError(
            f"run {run_id} was given statistics before it began",
            "this is a mistake in the method: it may ask for targets in `learn`, not in `prepare`",
        )
    return str(found[0][0])


def keep_refusal(store: Store, run_id: str, message: str, hint: str) -> None:
    """Keep what a run was told instead of statistics: it came out of noise as they do."""
    record = {"run_id": run_id, "message": message, "hint": hint, "made_at": clock.now()}
    with store.write() as con:
        insert_records(con, "meta.refusals", [record])


def refusal(store: Store, run_id: str) -> tuple[str, str] | None:
    """Message and hint that a run was told instead of statistics; ``None`` where it was not refused."""
    with store.read() as con:
        found = con.execute(
            "SELECT message, hint FROM meta.refusals WHERE run_id = ? ORDER BY made_at", [run_id]
        ).fetchall()
    return (str(found[0][0]), str(found[0][1])) if found else None


def budgeted(store: Store, runs: Sequence[Run]) -> frozenset[str]:
    """Ids of those runs that have a privacy budget: their recipe names one, or they drew noise under one."""
    with store.read() as con:
        return budgeted_in(con, runs)


def budgeted_in(con: duckdb.DuckDBPyConnection, runs: Sequence[Run]) -> frozenset[str]:
    """The same, inside a transaction of the caller."""
    booked = con.execute("SELECT DISTINCT run_id FROM meta.budgets").fetchall()
    known = {run_id for (run_id,) in booked}
    return frozenset(run.run_id for run in runs if run.run_id in known or _named(run.recipe_json))


def bounded(con: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether one run, which is recorded, has a privacy budget; inside a transaction of the caller."""
    ((recipe_json,),) = con.execute("SELECT recipe_json FROM meta.runs WHERE run_id = ?", [run_id]).fetchall()
    return booked(con, run_id) or _named(recipe_json)


def spent_on(store: Store, dataset: str) -> Spent:
    """What all runs of a dataset spent together: epsilons and deltas add up (Dwork et al. 2006, basic composition).

    A run counts from the moment before its noise was drawn, however it ended, and also when it or its dataset is deleted. Where
    it drew the same statistics several times, because it was cut off in between, its budget counts as often: the k-th draws of
    all its statistics stay within one budget, whatever is known of those before.
    """
    with store.read() as con:
        (row,) = con.execute(
            "SELECT coalesce(sum(epsilon), 0), coalesce(sum(delta), 0), count(*) FROM"
            " (SELECT max(epsilon * draws) AS epsilon, max(delta * draws) AS delta FROM"
            " (SELECT run_id, max(epsilon) AS epsilon, max(delta) AS delta, count(*) AS draws FROM meta.budgets"
            " WHERE lower(dataset) = lower(?) GROUP BY run_id, answers) GROUP BY run_id)",
            [dataset],
        ).fetchall()
    every = records.list_all(store, dataset)
    bounded = budgeted(store, every)
    unbounded = sum(run.run_id not in bounded and _saw_rows(run) for run in every)
    return Spent(float(row[0]), float(row[1]), int(row[2]), unbounded)


def _saw_rows(run: Run) -> bool:
    """Whether a run could depend on real rows: published statistics are none of them, but some methods need rows beside."""
    published = bool(_part(run.recipe_json, "dataset").get("statistics")) and run.exposure < Exposure.ROWS
    reads = run.exposure >= Exposure.STATISTICS and not published
    return reads or bool(_part(run.recipe_json, "privacy").get("drop_copies"))


def _named(recipe_json: str) -> bool:
    return isinstance(_part(recipe_json, "privacy").get("epsilon"), int | float)


def _part(recipe_json: str, name: str) -> dict[str, Any]:
    """A table of the recipe as recorded; empty where it cannot be read."""
    try:
        found = json.loads(recipe_json).get(name)
    except (ValueError, AttributeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
