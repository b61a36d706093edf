"""A recipe run to be measured: for real, in a workspace of its own that is deleted afterwards."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.cells import write_row
from localsynth.core.contracts import Engine, Method, ProgressCallback
from localsynth.core.errors import EngineDied, NotFound, PolicyError, RunError, StoreError
from localsynth.core.events import BatchCommitted, BatchStarted, Event, Notice, Progress
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Status, Usage
from localsynth.core.schema import Schema
from localsynth.runs.control import Control
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.session import FILE, Store

from .benchtables import BenchTable, table_of
from .benchturns import Sight, Step, Turn, Weights, peak_mb, prefill_rate, weights_of
from .choosing import Overrides, build_method, choose_model, overridden
from .launch import Place, start
from .packaged import find_recipe

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MeasuredRun", "run_recipe"]


@dataclass(frozen=True)
class MeasuredRun:
    """What a run tells.

    turn : its rows, from the first batch to the last; its ``first`` counts from the open engine. valid_share : of the rows
    that hold what the schema says. sight : of the engine, if there was one. weights : the file it used, if it used one.
    load_seconds : until the method could ask its first question. learn_seconds : what it did once before the first batch.
    """

    table: BenchTable
    method: str
    weights: Weights | None
    turn: Turn
    valid_share: float
    sight: Sight | None
    load_seconds: float
    learn_seconds: float
    notes: tuple[str, ...] = ()


def run_recipe(
    recipe: str | os.PathLike[str],
    workspace: Path | None,
    overrides: Overrides,
    most: int,
    seconds: float,
    step: Step,
) -> MeasuredRun:
    """Run a recipe to measure it.

    workspace : the folder that may hold its dataset; nothing is written to it. most : rows, where ``overrides`` names no
    number. seconds : after which the run stops with the batch under way.
    Raises what a run raises, ``RunError`` where not one row was made, and ``PolicyError`` where the recipe has a privacy
    budget.
    """
    path = find_recipe(recipe)
    written = Recipe.load(path)
    chosen = overridden(written, overrides)
    if chosen.privacy.epsilon is not None:
        # The workspace of the run is deleted, and its ledger with it.
        raise PolicyError(
            "the recipe names a privacy budget (epsilon), and a run to be measured would spend it without a record",
            "measure a copy of the recipe without epsilon: noise changes the time little",
        )
    if overrides.rows is None:
        overrides = replace(overrides, rows=min(chosen.rows, most))
        chosen = overridden(written, overrides)
    method = build_method(chosen, path)
    model = choose_model(method, chosen.model.name).model
    with _passing_store() as store:
        _bring_dataset(workspace, store, chosen, method)
        watch = _Watch(seconds, step)
        try:
            run = start(Place(store, [watch], watch), chosen, path, overrides)
        except EngineDied as error:
            # The log goes with the workspace; what it ends with is what a person can do something with.
            raise EngineDied(error.message, _last_line(store.folder / "logs" / "engine.log")) from error
        if not watch.rows:
            raise RunError(f"the recipe made no row to time: {run.message}")
        notes = watch.notes
        if run.status is Status.SHORT:
            notes = (*notes, run.message)
        weights = weights_of(model, run.setup_json) if model is not None else None
        table = table_of(run.dataset, Schema.model_validate_json(run.schema_json))
        return MeasuredRun(
            table=table,
            method=run.method,
            weights=weights,
            turn=watch.turn(),
            valid_share=_valid_share(table, records.run_rows(store, run.run_id)),
            sight=watch.sight,
            load_seconds=watch.load_seconds,
            learn_seconds=watch.learn_seconds,
            notes=notes,
        )


@contextmanager
def _passing_store() -> Iterator[Store]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="localsynth-bench-")  # only its owner may look into it
    except OSError as error:
        raise StoreError(
            f"no temporary workspace can be made: {error.strerror}",
            "set TMPDIR to a folder with free space that you may write to",
        ) from error
    with folder:
        yield Store.create(Path(folder.name) / "workspace")


def _bring_dataset(workspace: Path | None, store: Store, recipe: Recipe, method: Method) -> None:
    """Put what the run may look at of the recipe's dataset into ``store``, if the person's workspace has it.

    Real rows come along only where the method or the recipe's copy guard reads them, and of those only the train split.
    """
    if workspace is None or not (workspace / FILE).exists():
        return
    theirs = Store.open(workspace)
    try:
        found = datasets.get(theirs, recipe.dataset.name)
    except NotFound:
        return
    reads = method.exposure >= Exposure.STATISTICS or recipe.privacy.drop_copies
    if not (reads and found.train_rows):
        datasets.declare(store, found.name, found.schema, policy=found.policy)
        return
    table = datasets.train_table(theirs, found.name)
    datasets.import_table(
        store,
        table,
        found.name,
        holdout=0.0,
        policy=found.policy,
        schema=found.schema,
        declared=found.declared,
    )


def _valid_share(table: BenchTable, rows: pa.Table) -> float:
    """Of stored rows, the share that holds what the schema says."""
    made = rows.select([column.name for column in table.columns]).to_pylist()
    lines = (write_row(table.columns, tuple(row.values())) for row in made)
    return sum(table.holds("plain", line) for line in lines) / len(made)


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return f"its log ends with: {lines[-1]}" if lines else "it left no log"


class _Watch(Control):
    """Control and listener of the run in one: it is handed the engine, hears of every call and of every batch."""

    def __init__(self, seconds: float, step: Step) -> None:
        super().__init__()
        self._seconds, self._step = seconds, step
        self._stage = "learning"
        self._usage, self._native, self._waiting = Usage(), 0.0, 0.0
        self._begun = self._opened = self._ended = time.perf_counter()
        self._rows_begun = self._first = 0.0
        self.rows = 0
        self.notes: tuple[str, ...] = ()
        self.sight: Sight | None = None
        step("loading the model", 0.0)

    @property
    def load_seconds(self) -> float:
        """From the start until the method could ask its first question."""
        return self._opened - self._begun

    @property
    def learn_seconds(self) -> float:
        """From then until the first batch."""
        return self._rows_begun - self._opened

    def turn(self) -> Turn:
        """The batches together."""
        has_model = self.sight is not None and self.sight.roof is not None
        return Turn(
            self.rows,
            self._ended - self._rows_begun,
            self._usage.prompt_tokens + self._usage.decoded_tokens,
            self._usage.decoded_tokens,
            self._native if has_model else None,
            self._first - self._opened,
            self._waiting,
        )

    def attach(self, engine: Engine | None) -> None:
        """The run begins to listen, and its engine is open: the time to ask it for its roof."""
        self._begun += self._measure_roof(engine)
        super().attach(engine)
        self._opened = time.perf_counter()

    def _measure_roof(self, engine: Engine | None) -> float:
        """Gives the seconds it took, which are no part of the run."""
        if engine is None:
            return 0.0
        started = time.perf_counter()
        self.sight = Sight(engine.info(), None, prefill_rate(engine, self._step))
        engine.sample = self._heard(engine, engine.sample)  # type: ignore[method-assign]
        engine.score = self._heard(engine, engine.score)  # type: ignore[method-assign]
        return time.perf_counter() - started

    def detach(self) -> None:
        """The run is over, its engine still open."""
        if self._engine is not None and self.sight is not None:
            self.sight = Sight(self._engine.info(), peak_mb(self._engine), self.sight.roof)
        super().detach()

    def _heard(self, engine: Engine, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, with what it took added up."""

        def asked(requests: Sequence[Any], progress: ProgressCallback | None = None) -> Any:
            answer, usage = call(requests, progress)
            timing = getattr(engine, "timing", None)
            self._usage += usage
            if timing is not None:
                self._native += timing.native_seconds
                self._waiting += timing.waiting_seconds
            return answer, usage

        return asked

    def __call__(self, event: Event) -> None:
        match event:
            case Notice(level="warning"):
                self.notes = (*self.notes, event.text)
            case Progress():
                self._step(self._stage, event.rows_done / max(1, event.rows_wanted))
            case BatchStarted() if self._stage == "learning":
                self._stage, self._rows_begun = "rows", time.perf_counter()
                self._usage, self._native, self._waiting = Usage(), 0.0, 0.0
            case BatchCommitted() if event.rows:
                self._batch(event.rows_done)
            case _:
                pass

    def _batch(self, rows: int) -> None:
        self._ended = time.perf_counter()
        if not self.rows:
            self._first = self._ended
        self.rows = rows
        if self._ended - self._rows_begun >= self._seconds:
            self.stop()
