"""Runs held against real rows: reference rows made, everything judged, the scores kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localsynth.core.contracts import Task
from localsynth.core.dataset import Dataset
from localsynth.core.errors import Cancelled, DatasetError, LocalsynthError, RunError, StoreLocked
from localsynth.core.evaluation import NOTE, REAL, REFERENCES, WITHHELD, Evaluation, Judged, NotKept, caution
from localsynth.core.judging import Case, Family, Measure, Metric, not_applicable
from localsynth.core.run import Run
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

from .aiming import aims_of
from .belonging import belonging_of
from .cautioning import cautions, other_kind
from .conditions import compared_under
from .stages import apart, stages_of
from .underbudget import background_of, look, outside_cautions

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = [
    "MOST_REFERENCE_ROWS",
    "MOST_ROWS",
    "Choice",
    "Warn",
    "evaluate",
    "families",
    "measures",
    "reference_rows",
]

MOST_ROWS = 250_000  # of one run; of a longer one, evenly spread rows are judged
MOST_REFERENCE_ROWS = 20_000
#: Seconds to wait at the end for a workspace that somebody else holds: what is at stake took minutes to compute.
PATIENCE = 60.0

#: Told at once of what is left out, and of what is waited for.
Warn = Callable[[LocalsynthError], None]


@dataclass(frozen=True)
class Choice:
    """What to evaluate, and how.

    against : another dataset to hold the runs against. metrics : names, default every one that can be used. seed : of
    whatever metrics draw. threads : default one for each core. outside_budget : judge runs with a privacy budget by real
    rows too, which it does not cover.
    """

    against: str | None = None
    metrics: tuple[str, ...] | None = None
    seed: int = 0
    threads: int | None = None
    outside_budget: bool = False


def evaluate(
    store: Store,
    runs: Sequence[Run],
    choice: Choice,
    step: Step | None = None,
    check: Callable[[], None] = lambda: None,
    warn: Warn = lambda _: None,
) -> Evaluation:
    """Judge runs beside reality and the reference methods; keep the scores.

    runs : of one dataset, unless the choice names one. step : told before each piece of work. check : called often; what
    it raises ends the evaluation, nothing is kept then. warn : told of metrics and reference methods that fail: they are
    left out, and cautions of the evaluation say so.
    Rows of earlier stages that a run has are judged as its own are, against the same real rows.
    Of runs with a privacy budget only what it covers is judged, and no real row is read, unless the choice says otherwise.
    Raises ``RunError`` (a run without rows), ``DatasetError`` (columns that differ from the dataset's), ``PolicyError``
    (runs with a privacy budget and others), and ``NotKept``, with the evaluation, where the scores could not be stored.
    """
    step = step or _quiet
    step(0, 1, "", "loading")
    trouble = _Trouble(warn)
    known = metrics.survey()
    chosen = metrics.create_all(choice.metrics, known)
    if choice.metrics is None:
        for error in known.broken.values():
            trouble.left_out(error)
    read_real = datasets.train_and_holdout_tables
    sight = look(store, runs, choice.against, read_real, outside=choice.outside_budget)
    dataset, train, holdout = sight.dataset, sight.train, sight.holdout
    schema = dataset.schema
    train, holdout, conditions = compared_under(runs, schema, train, holdout)
    read = [_run_of(store, run, dataset) for run in runs]
    runs = tuple(run for run, _ in read)
    # Read before anything is computed: a workspace that is locked by then takes nothing away.
    aims, background = aims_of(store, runs, schema), background_of(store, runs)
    ties = belonging_of(store, runs)
    subjects = {run.run_id: without_identifiers(schema, table) for run, table in read}
    # A budget covers a run's rows, not those they came from.
    stages = () if sight.covered else stages_of(store, runs, lambda run, rows: _as(dataset, rows, run))
    earlier = {stage.subject: without_identifiers(schema, stage.rows) for stage in stages}
    aims |= {stage.subject: aims[stage.run_id] for stage in stages if stage.run_id in aims}
    most = max(table.num_rows for table in subjects.values())
    wanted = min(most, MOST_REFERENCE_ROWS) if train.num_rows else 0
    with closing(RuleChecker(schema)) as checker:
        case = Case(
            schema=schema,
            rows=without_identifiers(schema, train.slice(0, 0)),
            train=without_identifiers(schema, train),
            holdout=without_identifiers(schema, holdout),
            seed=choice.seed,
            violations=lambda table: checker.violations(_with_identifiers(schema, table)),
            check=check,
            threads=choice.threads or len(os.sched_getaffinity(0)),
            withheld=WITHHELD if sight.covered else "",
        )
        references: dict[str, pa.Table] = {}
        missing: list[str] = []
        for name in REFERENCES if wanted else ():
            step(0, 1, name, "rows")
            # What copying looks like depends on how much is copied: as many rows as the longest run has.
            rows = most if name == "bootstrap" else wanted
            try:
                made = reference_rows(name, dataset, train, rows, choice.seed, checker.violations)
                references[name] = without_identifiers(schema, made)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001 - told; the runs can be judged without it
                missing.append(name)
                trouble.without_reference(name, error)
            check()
        everybody = {**references, **subjects, **earlier}
        scores = list(judge(case, everybody, chosen, step, trouble.failed, aims, ties))
    scores, staged = apart(scores, stages)
    # Otherwise figures of an earlier evaluation would stand in their place.
    scores += [
        Judged(name, not_applicable(measure.name, f"the reference method '{name}' could not be made"))
        for name in missing
        for metric in chosen
        for measure in metric.measures
    ]
    warned = [
        *outside_cautions(sight, runs),
        *conditions,
        *cautions(store, runs, dataset, None if sight.covered else holdout),
        *trouble.cautions(),
    ]
    order = {name: place for place, name in enumerate((REAL, *REFERENCES, *subjects))}
    whole = sorted((*warned, *scores), key=lambda judged: order.get(judged.subject, len(REFERENCES) + 0.5))
    made_at = datetime.now(UTC)
    bare = Evaluation(dataset, runs, tuple(whole), choice.seed, wanted, made_at, covered=sight.covered)
    evaluation = background.behind(replace(bare, stages=staged))
    step(1, 1, "", "keeping the scores")
    _keep(store, evaluation, families(chosen), check, warn)
    return evaluation


class _Trouble:
    """What was left out: told at once, and kept as cautions."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._notes: list[Judged] = []
        self._failed: dict[str, list[str]] = {}

    def left_out(self, error: LocalsynthError) -> None:
        """A metric that cannot be used; no figure of the others is touched by that."""
        self._warn(error)
        self._notes.append(caution(f"{error.message}; it was left out", item=NOTE))

    def without_reference(self, name: str, error: Exception) -> None:
        """A reference method that could not be made. A foreign error's words may quote a cell and are not repeated."""
        why = error.message if isinstance(error, LocalsynthError) else type(error).__name__
        told = LocalsynthError(f"the reference method '{name}' could not be made on this dataset: {why}")
        told.__cause__ = error
        self._warn(told)
        self._notes.append(caution(f"{told.message}; nothing stands beside the runs in its place"))

    def failed(self, subject: str, error: LocalsynthError) -> None:
        """A metric that failed over somebody's rows."""
        if error.message not in self._failed:
            told = LocalsynthError(error.message, "--debug shows where it failed")
            told.__cause__ = error.__cause__
            self._warn(told)
        self._failed.setdefault(error.message, []).append(subject)

    def cautions(self) -> Iterator[Judged]:
        """Of no run in particular."""
        yield from self._notes
        for message, subjects in self._failed.items():
            yield caution(f"{message} ({', '.join(subjects)}); what it measures is missing there")


def _keep(
    store: Store, evaluation: Evaluation, families: dict[str, Family], check: Callable[[], None], warn: Warn
) -> None:
    """Store the scores, and wait for it where somebody else holds the file. Raises ``NotKept``, and what ``check`` does."""
    end = time.monotonic() + PATIENCE
    waiting = False
    while True:
        try:
            kept.put(store, evaluation, families, timeout=min(1.0, PATIENCE))
        except LocalsynthError as error:
            if not isinstance(error, StoreLocked) or time.monotonic() >= end:
                note = caution("these scores are shown without being kept in the workspace", item=NOTE)
                unkept = replace(evaluation, scores=(*evaluation.scores, note))
                raise NotKept.of(error, unkept) from error
            if not waiting:
                warn(StoreLocked(f"{error.message}; waiting up to {PATIENCE:.0f} seconds to keep the scores"))
            waiting = True
            check()
        else:
            return


def _quiet(done: int, total: int, subject: str, metric: str) -> None:
    """Tell nobody."""


def families(chosen: Sequence[Metric] | None = None) -> dict[str, Family]:
    """The family of every measure, by name."""
    return {
        measure.name: metric.family
        for metric in (metrics.create_all() if chosen is None else chosen)
        for measure in metric.measures
    }


def measures() -> dict[str, Measure]:
    """Every measure of every metric that can be used, by name."""
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


def _run_of(store: Store, run: Run, dataset: Dataset) -> tuple[Run, pa.Table]:
    """The run as it stands, and its rows with the dataset's columns and types."""
    run, table = records.run_with_rows(store, run.run_id, MOST_ROWS)
    if not run.rows_done:
        raise RunError(f"run {run.run_id} has no rows to judge", "localsynth runs list shows which have")
    return run, _as(dataset, table, run)


def _as(dataset: Dataset, table: pa.Table, run: Run) -> pa.Table:
    """The rows with the dataset's columns and types: the same columns, each of the same kind, or ``DatasetError``."""
    from localsynth.tables import arrow_schema

    target = arrow_schema(dataset.schema)
    cannot = f"run {run.run_id} cannot be held against the dataset '{dataset.name}'"
    missing = [name for name in target.names if name not in table.column_names]
    extra = [name for name in table.column_names if name not in target.names]
    if missing or extra:
        has = f"lacks '{missing[0]}'" if missing else f"has '{extra[0]}', which '{dataset.name}' lacks"
        raise DatasetError(
            f"{cannot}: it {has}", "both need the same columns; --against names another dataset"
        )
    made = Schema.model_validate_json(run.schema_json)
    if (name := other_kind(made, dataset.schema)) is not None:
        kinds = f"{_kind(made, name)} in the run and {_kind(dataset.schema, name)} in the dataset"
        own = run.dataset == dataset.name
        raise DatasetError(
            f"{cannot}: the column '{name}' is {kinds}",
            "its schema has changed since; make a new run"
            if own
            else "both need the same kinds of columns; `localsynth schema set` gives a dataset another schema",
        )
    return table.select(target.names).cast(target)


def _kind(schema: Schema, name: str) -> str:
    return schema.column(name).kind
