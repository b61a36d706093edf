"""Runs held against real rows: reference rows made, everything judged, the scores kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localsynth.core.columns import IdentifierColumn
from localsynth.core.contracts import Task
from localsynth.core.dataset import Dataset
from localsynth.core.errors import DatasetError, NotFound, RunError
from localsynth.core.evaluation import CAUTION, REFERENCES, Evaluation, Judged
from localsynth.core.judging import Case, Measure, Metric, Score
from localsynth.core.run import Exposure, Run
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods import registry as methods
from localsynth.metrics import registry as metrics
from localsynth.metrics.judge import Step, judge, without_identifiers
from localsynth.store import datasets
from localsynth.store import metrics as kept
from localsynth.store import runs as records
from localsynth.store.rules import RuleChecker
from localsynth.store.session import Store

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["MOST_REFERENCE_ROWS", "MOST_ROWS", "Choice", "evaluate", "reference_rows"]

MOST_ROWS = 250_000  # of one run; of a longer one, evenly spread rows are judged
MOST_REFERENCE_ROWS = 20_000


@dataclass(frozen=True)
class Choice:
    """What to evaluate, and how.

    against : another dataset to hold the runs against. metrics : names, default all. seed : of whatever metrics draw.
    threads : default one for each core.
    """

    against: str | None = None
    metrics: tuple[str, ...] | None = None
    seed: int = 0
    threads: int | None = None


def evaluate(
    store: Store,
    runs: Sequence[Run],
    choice: Choice,
    step: Step | None = None,
    check: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Judge runs beside reality and the reference methods; keep the scores.

    step : told before each piece of work. check : called often; what it raises ends the evaluation, nothing is kept then.
    Raises ``RunError`` (a run without rows), ``DatasetError`` (columns that differ from the dataset's).
    """
    step = step or _quiet
    step(0, 1, "", "loading")
    chosen = metrics.create_all(choice.metrics)
    dataset = datasets.get(store, choice.against or runs[0].dataset)
    schema = dataset.schema
    subjects = {run.run_id: without_identifiers(schema, _rows_of(store, run, dataset)) for run in runs}
    train, holdout = _real_rows(store, dataset)
    with closing(RuleChecker(schema)) as checker:

        def violations(table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
            return checker.violations(_with_identifiers(schema, table))

        case = Case(
            schema=schema,
            rows=without_identifiers(schema, train.slice(0, 0)),
            train=without_identifiers(schema, train),
            holdout=without_identifiers(schema, holdout),
            seed=choice.seed,
            violations=violations,
            check=check,
            threads=choice.threads or len(os.sched_getaffinity(0)),
        )
        most = max(table.num_rows for table in subjects.values())
        wanted = min(most, MOST_REFERENCE_ROWS) if train.num_rows else 0
        references = {}
        for name in REFERENCES if wanted else ():
            step(0, 1, name, "rows")
            # What copying looks like depends on how much is copied: as many rows as the longest run has.
            rows = most if name == "bootstrap" else wanted
            made = reference_rows(name, dataset, train, rows, choice.seed, checker.violations)
            references[name] = without_identifiers(schema, made)
            check()
        scores = [
            Judged(run.run_id, Score(CAUTION, None, note=text))
            for run, text in cautions(store, runs, dataset)
        ]
        scores += judge(case, {**references, **subjects}, chosen, step)
    evaluation = Evaluation(dataset, tuple(runs), tuple(scores), choice.seed, wanted, datetime.now(UTC))
    kept.put(store, evaluation, families(chosen))
    return evaluation


def cautions(store: Store, runs: Sequence[Run], dataset: Dataset) -> Iterator[tuple[Run, str]]:
    """What makes scores better than they are: a run that may have learned from the rows it is held against."""
    for run in runs:
        if run.exposure < Exposure.STATISTICS:
            continue
        if run.dataset == dataset.name:
            if dataset.imported_at > run.started_at:
                yield (
                    run,
                    (
                        f"'{dataset.name}' was imported anew after this run was made: rows held out now may have"
                        " been among those it learned from, and the scores look better than they are"
                    ),
                )
        elif (own := _own(store, run)) is not None and (known := _known(store, own, dataset)):
            yield (
                run,
                (
                    f"{known:,} of the {dataset.holdout_rows:,} rows held out of '{dataset.name}' are train rows of"
                    f" '{own.name}', from which this run was made: the scores look better than they are"
                ),
            )


def _own(store: Store, run: Run) -> Dataset | None:
    try:
        return datasets.get(store, run.dataset)
    except NotFound:
        return None


def _known(store: Store, own: Dataset, dataset: Dataset) -> int:
    """How many held-out rows of a dataset are train rows of another."""
    names = [column.name for column in dataset.schema.columns if not isinstance(column, IdentifierColumn)]
    if not set(names) <= set(own.schema.names):
        return 0
    train = datasets.train_table(store, own.name).select(names).to_pylist()
    seen = {tuple(row.values()) for row in train}
    held = datasets.holdout_table(store, dataset.name).select(names).to_pylist()
    return sum(tuple(row.values()) in seen for row in held)


def _quiet(done: int, total: int, subject: str, metric: str) -> None:
    """Tell nobody."""


def families(chosen: Sequence[Metric] | None = None) -> dict[str, Any]:
    """The family of every measure, by name."""
    return {
        measure.name: metric.family
        for metric in (metrics.create_all() if chosen is None else chosen)
        for measure in metric.measures
    }


def measures() -> dict[str, Measure]:
    """Every measure by name."""
    return metrics.measures()


def reference_rows(
    name: str,
    dataset: Dataset,
    train: pa.Table,
    rows: int,
    seed: int,
    violations: Callable[[pa.Table], np.ndarray[Any, np.dtype[np.bool_]]],
) -> pa.Table:
    """``rows`` rows of a method without a model, made for comparison and never kept."""
    import pyarrow as pa

    method = methods.create(name)
    own = derive(seed, "reference", name)
    method.prepare(Task(dataset.name, dataset.schema, rows, own, violations, train=lambda: train), None)
    method.learn(None, own)
    pieces: list[pa.Table] = []
    made = 0
    while made < rows:
        draft = method.batch(min(method.batch_rows(), rows - made), derive(own, "batch", len(pieces)), None)
        if not draft.rows.num_rows:
            raise RunError(f"the reference method '{name}' made no rows", "judge without it: see --metrics")
        pieces.append(draft.rows)
        made += draft.rows.num_rows
    return pa.concat_tables(pieces)


def _real_rows(store: Store, dataset: Dataset) -> tuple[pa.Table, pa.Table]:
    from localsynth.tables import arrow_schema

    if not dataset.rows:
        empty = arrow_schema(dataset.schema).empty_table()
        return empty, empty
    return datasets.train_table(store, dataset.name), datasets.holdout_table(store, dataset.name)


def _with_identifiers(schema: Schema, table: pa.Table) -> pa.Table:
    """The table with empty identifiers, which rules may name; NULL counts as met."""
    import pyarrow as pa

    from localsynth.tables import arrow_schema

    target = arrow_schema(schema)
    arrays = [
        table.column(field.name) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in target
    ]
    return pa.Table.from_arrays(arrays, schema=target)


def _rows_of(store: Store, run: Run, dataset: Dataset) -> pa.Table:
    if not run.rows_done:
        raise RunError(f"run {run.run_id} has no rows to judge", "localsynth runs list shows which have")
    table = records.run_rows(store, run.run_id, every=-(-run.rows_done // MOST_ROWS))
    return _as(dataset, table, run)


def _as(dataset: Dataset, table: pa.Table, run: Run) -> pa.Table:
    """The rows with the dataset's columns and types."""
    import pyarrow as pa

    from localsynth.tables import arrow_schema

    target = arrow_schema(dataset.schema)
    missing = [name for name in target.names if name not in table.column_names]
    extra = [name for name in table.column_names if name not in target.names]
    if missing or extra:
        has = f"lacks '{missing[0]}'" if missing else f"has '{extra[0]}', which '{dataset.name}' lacks"
        raise DatasetError(
            f"run {run.run_id} cannot be held against the dataset '{dataset.name}': it {has}",
            "both need the same columns; --against names another dataset",
        )
    for field in target:
        try:
            table.column(field.name).cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            # Arrow's own message quotes the cell.
            raise DatasetError(
                f"run {run.run_id} cannot be held against the dataset '{dataset.name}': '{field.name}' is"
                f" {table.column(field.name).type} there and {field.type} here",
                "its columns have other types by now; make a new run",
            ) from error
    return table.select(target.names).cast(target)
