"""Scores in ``meta.metrics``: each run's own, and beside them those of reality and the reference methods.

Rows of a run's earlier stages have scores too, whose subject is the run's id and the stage with a space between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import DatasetError
from localsynth.core.evaluation import CAUTION, Evaluation, Judged, caution, staged, unseen
from localsynth.core.judging import Score
from localsynth.core.run import Run

from . import catalogue, clock, generations, names, runs
from .budgets import budgeted_in
from .rows import insert_arrow

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["put", "read"]

_SCORE = ("metric", "value", "column_a", "column_b", "item", "low", "high", "note")


def put(
    store: Store, evaluation: Evaluation, families: Mapping[str, str], timeout: float | None = None
) -> None:
    """Keep the scores of every run of the evaluation; those of the same metrics against the same dataset are replaced.

    families : of each metric that was computed, by name. A run's scores are its own, those of its stages, and those of all
    subjects that are no run, so that one run's rows make a whole report. Scores that were computed from real rows although
    the run has a privacy budget stand apart from those that the budget covers. timeout : seconds to wait for the file,
    default the store's.

    Raises ``StoreLocked``; ``DatasetError`` or ``NotFound`` where the dataset was replaced or removed, or a run deleted,
    after the evaluation had read their rows. Nothing is kept then.
    """
    import pyarrow as pa

    judged_runs = {run.run_id for run in evaluation.runs}
    with store.write(timeout) as con:
        _still_there(con, evaluation)
        budgeted = frozenset() if evaluation.covered else budgeted_in(con, evaluation.runs)
        for run in evaluation.runs:
            outside = run.run_id in budgeted
            kept = [
                *(judged for judged in evaluation.scores if judged.subject not in judged_runs - {run.run_id}),
                *(judged for scores in evaluation.stages.get(run.run_id, {}).values() for judged in scores),
            ]
            con.execute(
                "DELETE FROM meta.metrics WHERE run_id = ? AND dataset = ?"
                " AND (outside_budget = ? AND list_contains(?, metric) OR computed_at < ?)",
                [
                    run.run_id,
                    evaluation.dataset.name,
                    outside,
                    [CAUTION, *families],
                    clock.naive(evaluation.dataset.imported_at),
                ],
            )
            size = len(kept)
            columns = {
                "run_id": pa.array([run.run_id] * size, pa.string()),
                "dataset": pa.array([evaluation.dataset.name] * size, pa.string()),
                "subject": pa.array([judged.subject for judged in kept], pa.string()),
                "family": pa.array([families.get(judged.score.metric, "") for judged in kept], pa.string()),
                **{name: _column(kept, name) for name in _SCORE},
                "position": pa.array(range(size), pa.int32()),
                "seed": pa.array([evaluation.seed] * size, pa.int64()),
                "reference_rows": pa.array([evaluation.reference_rows] * size, pa.int64()),
                "computed_at": pa.array([clock.naive(evaluation.made_at)] * size, pa.timestamp("us")),
                "outside_budget": pa.array([outside] * size, pa.bool_()),
            }
            insert_arrow(con, "meta.metrics", pa.table(columns))


def _still_there(con: duckdb.DuckDBPyConnection, evaluation: Evaluation) -> None:
    """Scores of rows that are gone would pass for scores of those that took their place."""
    name = evaluation.dataset.name
    now = catalogue.read(con, generations.exact_name(con, name))
    if now.imported_at != evaluation.dataset.imported_at:
        raise DatasetError(f"the dataset '{name}' was imported anew while it was held against runs")
    for run in evaluation.runs:
        runs.require(con, run.run_id)


def _column(kept: Sequence[Judged], name: str) -> object:
    import pyarrow as pa

    kind = pa.float64() if name in {"value", "low", "high"} else pa.string()
    return pa.array([getattr(judged.score, name) for judged in kept], kind)


def read(
    store: Store, chosen: Sequence[Run], dataset: str | None = None, *, outside_budget: bool = False
) -> Evaluation | None:
    """What was kept of these runs, put together again; ``None`` where one of them was not evaluated.

    dataset : held against this one, by default the first run's own. outside_budget : of runs with a privacy budget the
    scores that were computed from real rows all the same; by default only those that it covers. Where figures were kept by
    evaluations with other settings, a caution says so.
    """
    with store.read() as con:
        held_against = catalogue.read(con, generations.exact_name(con, dataset or chosen[0].dataset))
        budgeted = budgeted_in(con, chosen)
        covered = not outside_budget and all(run.run_id in budgeted for run in chosen)
        found = {}
        for run in chosen:
            query = (
                f"SELECT subject, {names.columns_sql(_SCORE)}, seed, reference_rows, computed_at FROM meta.metrics"
                " WHERE run_id = ? AND dataset = ? AND computed_at >= ? AND outside_budget = ?"
                " ORDER BY computed_at, position"
            )
            since = clock.naive(held_against.imported_at)  # older scores are of other real rows
            apart = outside_budget and run.run_id in budgeted
            found[run.run_id] = con.execute(query, [run.run_id, held_against.name, since, apart]).fetchall()
            if not found[run.run_id]:
                return None
        latest = max(found.values(), key=lambda rows: rows[-1][-1])
        own = [row for run_id, rows in found.items() for row in rows if row[0] == run_id]
        of_stages = {run_id: [row for row in rows if _stage(run_id, row)] for run_id, rows in found.items()}
        beside = _newest(
            row
            for run_id, rows in found.items()
            for row in rows
            if row[0] not in found and not _stage(run_id, row)
        )
        return Evaluation(
            dataset=unseen(held_against, chosen[0]) if covered else held_against,
            runs=tuple(chosen),
            scores=(
                *map(_judged, (*beside, *own)),
                *_mixed([*beside, *own]),
            ),
            seed=latest[-1][-3],
            reference_rows=latest[-1][-2],
            made_at=clock.aware(latest[-1][-1]),
            covered=covered,
            stages={run_id: _by_stage(run_id, rows) for run_id, rows in of_stages.items() if rows},
        )


_Row = tuple[Any, ...]  # subject, the fields of a score, seed, reference rows, moment


def _judged(row: _Row) -> Judged:
    return Judged(row[0], Score(**dict(zip(_SCORE, row[1:-3], strict=True))))


def _stage(run_id: str, row: _Row) -> str:
    """The stage of the run that a row kept with it is of; empty for the run itself and whatever stands beside it."""
    subject: str = row[0]
    begins = staged(run_id, "")
    return subject[len(begins) :] if subject.startswith(begins) else ""


def _by_stage(run_id: str, rows: Sequence[_Row]) -> dict[str, tuple[Judged, ...]]:
    stages = dict.fromkeys(_stage(run_id, row) for row in rows)
    return {stage: tuple(_judged(row) for row in rows if _stage(run_id, row) == stage) for stage in stages}


def _newest(rows: Iterable[_Row]) -> list[_Row]:
    """REAL and the references stand beside every run; of figures kept with several runs the newest count.

    Cautions do not replace each other.
    """
    newest: dict[_Row, _Row] = {}
    for row in sorted(rows, key=lambda row: row[-1]):
        metric, _, column_a, column_b, item, _, _, note = row[1:-3]
        newest[(row[0], metric, column_a, column_b, item, note if metric == CAUTION else "")] = row
    return list(newest.values())


def _mixed(rows: Sequence[_Row]) -> list[Judged]:
    """A caution where not all figures are of one draw."""
    settings = sorted({(int(row[-3]), int(row[-2])) for row in rows if row[1] != CAUTION})
    if len(settings) < 2:
        return []
    told = "; ".join(f"seed {seed} with {rows:,} reference rows" for seed, rows in settings)
    return [
        caution(
            f"these figures were kept by evaluations with different settings ({told}), so that not all of them are of the"
            " same rows and draws: evaluate all runs and metrics at once to have them alike"
        )
    ]
