"""Starting a run and taking it up again: everything that must be right before the first prompt is built."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.contracts import Engine, Method, Task
from localsynth.core.dataset import Dataset
from localsynth.core.errors import RecipeError, RunError, StoreError
from localsynth.core.limits import Limits
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Run, Status
from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.runs.bus import Bus, Listener
from localsynth.runs.control import Control
from localsynth.runs.copies import CopyGuard
from localsynth.runs.lock import RunLock
from localsynth.runs.runner import Making, make_rows
from localsynth.store import datasets
from localsynth.store import runs as records
from localsynth.store.budgets import spent_on
from localsynth.store.finding import explore
from localsynth.store.pacing import Pace, paces
from localsynth.store.rules import RuleChecker, check_satisfiable
from localsynth.store.session import Store

from .changes import same_layout, same_recipe, same_tools
from .choosing import Chosen, Overrides, build_method, choose_model, new_run_id, overridden
from .conditions import condition_of, counted_under
from .estimate import alike
from .learning import Learning, finished, learning
from .limits import refuse_too_little, time_warning, within
from .nested import check_members, members_method, with_parent
from .permission import (
    allow,
    allow_condition,
    may_have_rows,
    may_have_targets,
    reads_targets,
    seen_by,
    sees_targets_alone,
)
from .sources import ensure_dataset
from .targets import target_source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Place", "resume", "start", "working"]


@dataclass(frozen=True)
class Place:
    """Where a run happens, who listens, who may stop it, and how long it may take."""

    store: Store
    listeners: Sequence[Listener]
    control: Control
    limits: Limits = field(default_factory=Limits)


@contextmanager
def working(
    store: Store, limits: Limits, listener: Listener | None, control: Control | None
) -> Iterator[Place]:
    """A place to work at, within limits. Raises ``OverMemory``."""
    control = control or Control()
    with within(store, limits, control, "the run") as own:
        yield Place(own, [listener] if listener is not None else [], control, limits)


def start(
    place: Place,
    recipe: Recipe,
    path: Path | None,
    overrides: Overrides,
    *,
    written: Recipe | None = None,
    run_id: str | None = None,
) -> Run:
    """Make a new run. ``path`` is the recipe's file, if it has one; ``written`` what it says, where that is another recipe.
    run_id : by default a new one.

    Raises before anything is recorded when the recipe, dataset, policy, rules, method or model do not allow the run.
    """
    as_written, recipe = written or recipe, overridden(recipe, overrides)
    if recipe.parent is not None and overrides.rows is not None:
        raise RecipeError("how many members there are is said by the rows they belong to", "leave out --rows")
    method = build_method(recipe, path)
    if recipe.where is not None:
        allow_condition(method)
    chosen = choose_model(method, recipe.model.name).laid_out(recipe.model.threads)
    run_id = run_id or new_run_id(recipe.dataset.name)
    folder = place.store.run_folder(run_id)
    with ExitStack() as refused:  # a run that is refused leaves no folder behind
        refused.callback(shutil.rmtree, folder, ignore_errors=True)
        with _maker(place, run_id, folder) as bus:
            beside = path.parent if path else Path.cwd()
            if recipe.parent is not None:
                recipe, _ = with_parent(place.store, recipe)
            dataset = ensure_dataset(place.store, recipe, beside, bus.notice)
            if recipe.members is not None:
                check_members(place.store, recipe, dataset, beside, bus.notice)
            _tell_spent(place.store, recipe, dataset, method, bus)
            run = _record(run_id, recipe, path, dataset, method, chosen)
            earlier = records.list_all(place.store, dataset.name)
            proven = any(old.schema_json == run.schema_json for old in earlier)
            with _opened(place, run, recipe, dataset, method, chosen, bus, proven=proven) as making:
                if path is not None:
                    _keep(folder / "recipe.toml", as_written.to_toml())
                records.create(place.store, run)
                refused.pop_all()
                return finished(place.store, make_rows(making), bus.notice)


def resume(place: Place, run_id: str, *, as_recorded: bool) -> Run:
    """Go on where a run stopped; the rows are those of a run that was never stopped. A finished run is given as it is.

    Raises ``RecipeChanged`` when recipe, schema, model or method are no longer those the run was started with.
    """
    folder = place.store.run_folder(run_id)
    with _maker(place, run_id, folder) as bus:
        run = finished(place.store, records.get(place.store, run_id), bus.notice)
        if run.status is Status.FINISHED:
            return run
        if run.status is Status.SHORT:
            raise RunError(
                f"run {run.run_id} ended short: {run.message}",
                "asking again would give the same; loosen the rules or the schema and start a new run",
            )
        recipe = Recipe.model_validate_json(run.recipe_json)
        schema = Schema.model_validate_json(run.schema_json)
        if not as_recorded:
            same_recipe(place.store, run, recipe, schema, folder)
        method = build_method(recipe, None)
        chosen = choose_model(method, run.model)
        same_tools(run, method, chosen)
        chosen = same_layout(run, recipe, chosen)
        dataset = replace(datasets.get(place.store, run.dataset), schema=schema)
        published = recipe.dataset.statistics is not None and method.exposure < Exposure.ROWS
        of_rows = seen_by(method) >= Exposure.STATISTICS and not published
        if of_rows and dataset.imported_at > run.started_at:
            raise RunError(
                f"the rows of '{dataset.name}' were imported anew after run {run.run_id} began",
                "its rows would be of two tables; start a new run",
            )
        with _opened(place, run, recipe, dataset, method, chosen, bus, proven=True) as making:
            records.reopen(place.store, run.run_id)
            return finished(place.store, make_rows(making), bus.notice)


@contextmanager
def _maker(place: Place, run_id: str, folder: Path) -> Iterator[Bus]:
    """The right to make the run, and the way its events go."""
    with RunLock(folder, run_id), closing(Bus(run_id, folder / "events.jsonl", place.listeners)) as bus:
        yield bus


def _record(
    run_id: str, recipe: Recipe, path: Path | None, dataset: Dataset, method: Method, chosen: Chosen
) -> Run:
    schema_json = dataset.schema.to_json()
    return Run(
        run_id=run_id,
        dataset=dataset.name,
        method=method.name,
        method_version=method.version,
        exposure=seen_by(method),
        model=chosen.name,
        model_sha256=chosen.sha256,
        rows_wanted=recipe.rows,
        rows_done=0,
        seed=recipe.seed,
        status=Status.RUNNING,
        recipe_json=recipe.to_json(),
        recipe_path=str(path) if path else None,
        fingerprint=recipe.fingerprint(schema_json, chosen.sha256, method.version),
        schema_json=schema_json,
        started_at=datetime.now(UTC),
        setup_json=chosen.setup_json,
    )


@contextmanager
def _opened(
    place: Place,
    run: Run,
    recipe: Recipe,
    dataset: Dataset,
    method: Method,
    chosen: Chosen,
    bus: Bus,
    *,
    proven: bool,
) -> Iterator[Making]:
    """Policy and rules checked, engine open, method prepared.

    proven : the rules of this schema were found possible before; the search is not repeated.
    """
    allow(recipe, dataset, method)
    _tell_unused(recipe, method, bus)
    schema = dataset.schema
    with closing(RuleChecker(schema)) as checker, ExitStack() as sources:
        if schema.rules and not proven:
            check_satisfiable(schema)
        aims = may_have_targets(recipe, dataset, method)
        maker = method
        if recipe.parent is not None:  # its statistics are not those of its dataset alone
            aims = False
            maker = sources.enter_context(members_method(place.store, run, recipe, dataset, method))
        given_rows = maker is method and dataset.train_rows > 0 and may_have_rows(dataset, method)
        # Read here, so that what a method gets holds on to nothing through which the holdout could be reached.
        needs_train = given_rows or (recipe.privacy.drop_copies and dataset.train_rows > 0)
        train = datasets.train_table(place.store, dataset.name) if needs_train else None
        shown = train if given_rows else None
        learns = learning(place.store, run, method, chosen, shown) if maker is method else Learning()
        condition = None
        if recipe.where is not None:
            condition = sources.enter_context(
                condition_of(recipe.where, schema, shown, proven=run.rows_done > 0)
            )
            aims = aims and counted_under(condition, bus.notice)
        task = Task(
            dataset=dataset.name,
            schema=schema,
            rows=run.rows_wanted,
            seed=run.seed,
            violations=checker.violations,
            train=_gives(shown) if shown is not None else None,
            targets=sources.enter_context(target_source(place.store, run, recipe, dataset, condition, shown))
            if aims
            else None,
            explore=(lambda: explore(shown, schema)) if shown is not None else None,
            model=learns.model,
            folder=learns.folder,
            adapters=learns.adapters,
            condition=condition,
        )
        pace = alike(recipe, run.model, paces(place.store))
        left = run.rows_wanted - run.rows_done
        late = time_warning(place.limits.minutes, pace, left, learnt=run.rows_done > 0)
        if late is not None:
            bus.notice(late, "warning")
        with _engine(place, method, chosen, bus) as engine:
            info = engine.info() if engine is not None else None
            for note in info.notes if info is not None else ():
                bus.notice(note, "warning")
            if info is not None and info.setup:
                bus.notice(f"engine: {info.setup}")
            maker.prepare(task, info)
            place.control.attach(engine)
            try:
                yield Making(
                    store=place.store,
                    run=run,
                    schema=schema,
                    method=maker,
                    engine=engine,
                    bus=bus,
                    control=place.control,
                    copies=_copy_guard(recipe, dataset, train),
                    rows_per_s=_usual_rate(pace, run.rows_wanted),
                )
            finally:
                place.control.detach()


@contextmanager
def _engine(place: Place, method: Method, chosen: Chosen, bus: Bus) -> Iterator[Engine | None]:
    if not method.needs_model:
        yield None
        return
    from localsynth.engine import open_engine

    refuse_too_little(place.limits.memory, chosen)
    if chosen.layout is not None:
        size, setup = chosen.layout.size / 1e6, chosen.layout.setup
        bus.notice(f"loading {chosen.name} ({size:,.0f} MB; {setup})")
    with closing(
        open_engine(chosen.model, log_folder=place.store.log_folder, layout=chosen.layout)
    ) as engine:
        yield engine


def _tell_unused(recipe: Recipe, method: Method, bus: Bus) -> None:
    if reads_targets(method):
        return
    if recipe.dataset.statistics is not None:
        bus.notice(f"the method {method.name} reads no published statistics; the file is not used", "warning")
    if recipe.privacy.epsilon is not None:
        bus.notice(
            f"the method {method.name} sees nothing of the rows; no privacy budget is spent", "warning"
        )


def _tell_spent(store: Store, recipe: Recipe, dataset: Dataset, method: Method, bus: Bus) -> None:
    """That budgets of runs on the same rows add up, before another is spent."""
    budget = recipe.privacy.budget
    if budget is None or not sees_targets_alone(method):
        return
    spent = spent_on(store, dataset.name)
    if spent.releases:
        bus.notice(
            f"{counted(spent.releases, 'run')} on '{dataset.name}' spent epsilon = {spent.epsilon:.6g} before; with this one it"
            f" is {spent.epsilon + budget.epsilon:.6g} in all, for whoever holds what all of them made",
            "warning",
        )


def _gives(table: pa.Table) -> Callable[[], pa.Table]:
    return lambda: table


def _copy_guard(recipe: Recipe, dataset: Dataset, train: pa.Table | None) -> CopyGuard | None:
    if not recipe.privacy.drop_copies or train is None or not train.num_rows:
        return None
    return CopyGuard(dataset.schema, train)


def _usual_rate(pace: Pace | None, rows: int) -> float | None:
    """Rows per second of so many rows, by the run before that is most like this one."""
    seconds = pace.seconds(rows) if pace is not None else 0.0
    return rows / seconds if seconds > 0 else None


def _keep(path: Path, text: str) -> None:
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}", "check rights and free space"
        ) from error
