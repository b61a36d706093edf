"""Scores in ``meta.metrics``: each run's own, and beside them those of reality and the reference methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from localsynth.core.evaluation import CAUTION, Evaluation, Judged
from localsynth.core.judging import Score
from localsynth.core.run import Run

from . import catalogue, clock, generations, names
from .rows import insert_arrow

if TYPE_CHECKING:
    from .session import Store

__all__ = ["put", "read"]

_SCORE = ("metric", "value", "column_a", "column_b", "item", "low", "high", "note")


def put(store: Store, evaluation: Evaluation, families: Mapping[str, str]) -> None:
    """Keep the scores of every run of the evaluation; those of the same metrics against the same dataset are replaced.

    families : of each metric that was computed, by name. A run's scores are its own and those of all subjects that are no
    run, so that one run's rows make a whole report.
    """
    import pyarrow as pa

    runs = {run.run_id for run in evaluation.runs}
    with store.write() as con:
        for run in evaluation.runs:
            kept = [judged for judged in evaluation.scores if judged.subject not in runs - {run.run_id}]
            con.execute(
                "DELETE FROM meta.metrics WHERE run_id = ? AND dataset = ?"
                " AND (list_contains(?, metric) OR computed_at < ?)",
                [
                    run.run_id,
                    evaluation.dataset.name,
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
            }
            insert_arrow(con, "meta.metrics", pa.table(columns))


def _column(kept: Sequence[Judged], name: str) -> object:
    import pyarrow as pa

    kind = pa.float64() if name in {"value", "low", "high"} else pa.string()
    return pa.array([getattr(judged.score, name) for judged in kept], kind)


def read(store: Store, runs: Sequence[Run], dataset: str | None = None) -> Evaluation | None:
    """What was kept of these runs, put together again; ``None`` where one of them was not evaluated.

    dataset : held against this one, by default the first run's own.
    """
    with store.read() as con:
        held_against = catalogue.read(con, generations.exact_name(con, dataset or runs[0].dataset))
        found = {}
        for run in runs:
            query = (
                f"SELECT subject, {names.columns_sql(_SCORE)}, seed, reference_rows, computed_at FROM meta.metrics"
                " WHERE run_id = ? AND dataset = ? AND computed_at >= ? ORDER BY computed_at, position"
            )
            since = clock.naive(held_against.imported_at)  # older scores are of other real rows
            found[run.run_id] = con.execute(query, [run.run_id, held_against.name, since]).fetchall()
            if not found[run.run_id]:
                return None
        latest = max(found.values(), key=lambda rows: rows[-1][-1])
        own = [row for run_id, rows in found.items() for row in rows if row[0] == run_id]
        # REAL and the references stand beside every run; of figures kept with several runs the newest count.
        newest = {
            (row[0], row[1], *row[3:6]): row
            for row in sorted((row for rows in found.values() for row in rows), key=lambda row: row[-1])
            if row[0] not in found
        }
        beside = list(newest.values())
        return Evaluation(
            dataset=held_against,
            runs=tuple(runs),
            scores=tuple(
                Judged(row[0], Score(**dict(zip(_SCORE, row[1:-3], strict=True)))) for row in (*beside, *own)
            ),
            seed=latest[-1][-3],
            reference_rows=latest[-1][-2],
            made_at=clock.aware(latest[-1][-1]),
        )
