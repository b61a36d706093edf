"""Missing cells of a table that is known in part, filled by a model fitted to a dataset of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from localsynth.core.adapter import LearntAdapter, kinds_of, other_columns
from localsynth.core.contracts import (
    Filling,
    Method,
    Task,
)
from localsynth.core.dataset import Dataset
from localsynth.core.errors import (
    AdapterError,
    DatasetError,
    LocalsynthError,
    ModelError,
    NotFound,
    PolicyError,
    RecipeError,
    RunError,
)
from localsynth.core.limits import Limits
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods import registry
from localsynth.runs.control import Control
from localsynth.runs.steps import learn_all
from localsynth.sealed.limit import of_children
from localsynth.store import adapters, audit, datasets, runs
from localsynth.store.finding import explore
from localsynth.store.partial import read_partial
from localsynth.store.rules import RuleChecker
from localsynth.store.scratch import scratch
from localsynth.store.session import Store

from .auditing import refusals
from .base import Base, PathLike
from .choosing import Chosen, Overrides, build_method, choose_model, overridden
from .fillask import FillAsk, OneAdapter, Say, Step, Told
from .limits import limits_for, refuse_too_little, within
from .packaged import find_recipe
from .permission import allow, may_have_rows, seen_by
from .sources import ensure_dataset

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["FilledTable", "Fills", "Say", "Step"]


@dataclass(frozen=True)
class FilledTable:
    """A table without missing cells. rows : with the columns it came with, and those it lacked.

    cells : how many were filled. broken : how many of the rows with such cells break a rule or a dependency all the same.
    adapter : what it was filled with; ``None`` where rows were shown in the prompt instead.
    """

    rows: pa.Table
    cells: int
    broken: int
    adapter: LearntAdapter | None


class Fills(Base):
    """Filling of tables."""

    @refusals
    def fill(
        self,
        recipe: Recipe | PathLike,
        table: PathLike | pa.Table | pd.DataFrame,
        *,
        adapter: LearntAdapter | str | None = None,
        seed: int | None = None,
        model: str | None = None,
        threads: int | None = None,
        encoding: str | None = None,
        limits: Limits | None = None,
        say: Say = lambda _text, _level: None,
        step: Step = lambda _stage, _done, _wanted: None,
    ) -> FilledTable:
        """Fill the empty cells of a table with the recipe's dataset, model and method.

        table : a file, or rows in memory; columns it lacks are made. Each row is filled given all that is known of it; known
        cells stay as they are. adapter : to fill with; by default the newest of that dataset, model and method that
        knows its columns as they are now, and where there is none rows of the dataset are shown in the prompt. A function of
        all of these and the seed.
        Raises ``DatasetError`` naming column and row of a cell that does not fit the schema, ``RecipeError`` where the method
        fills nothing, ``AdapterError`` for one that writes other rows, ``PolicyError``, ``ModelError``, ``NotFound``.
        What ``step`` raises ends it. limits : of time and memory; what reaches one raises ``OutOfTime`` or ``OverMemory``.
        """
        path = None if isinstance(recipe, Recipe) else find_recipe(recipe)
        loaded = recipe if isinstance(recipe, Recipe) else Recipe.load(find_recipe(recipe))
        loaded = overridden(loaded, Overrides(None, seed, model, threads))
        control = Control()
        with within(self.store, limits_for(limits, loaded), control, "filling", at_once=True):
            if loaded.where is not None:
                say(
                    "the recipe's condition (where) is for rows to be made, and changes nothing here",
                    "warning",
                )
            _can_fill(build_method(loaded, path))
            chosen = choose_model(build_method(loaded, path), loaded.model.name).laid_out(
                loaded.model.threads
            )
            beside = path.parent if path else Path.cwd()
            dataset = ensure_dataset(self.store, loaded, beside, lambda text: say(text, "info"))
            allow(loaded, dataset, build_method(loaded, path))
            if dataset.train_rows == 0:
                raise DatasetError(
                    f"the dataset '{dataset.name}' has no rows that a model could know", "import a table"
                )
            rows, there = read_partial(self.store, dataset.schema, _source(table), encoding)
            found = self._adapter(adapter, loaded, dataset, chosen, say)
            method = build_method(_with(loaded, found), path)
            about = {
                "dataset": dataset.name,
                "method": method.name,
                "exposure": seen_by(method).label,
                "policy": dataset.policy.label,
                "model": chosen.name,
                "model_sha256": chosen.sha256,
                "adapter": None if found is None else found.adapter_id,
            }
            audit.record(self.store, "filling began", **about, rows=rows.num_rows)
            told = Told(say, step, control)
            made = _filled(self.store, loaded.seed, dataset, method, chosen, rows, found, told)
            prompts = audit.prompts_sha256(None, told.prompts)
            audit.record(self.store, "cells filled", **about, calls=len(told.prompts), prompts_sha256=prompts)
            return _table(rows, made[0], there, made[1], found, dataset)

    def _adapter(
        self, wanted: LearntAdapter | str | None, recipe: Recipe, dataset: Dataset, chosen: Chosen, say: Say
    ) -> LearntAdapter | None:
        """The one named, or the newest that is of use; its file found to be as it was learnt."""
        if wanted is not None:
            word = wanted.adapter_id if isinstance(wanted, LearntAdapter) else wanted
            found = adapters.get(self.store, word)
            _fits(found, chosen)
            if datasets.get(self.store, found.dataset).policy < Exposure.ROWS:
                raise PolicyError(
                    f"the adapter {found.label} was learnt from rows of '{found.dataset}', whose policy does not allow their"
                    " use any more",
                    "choose another adapter",
                )
            if why := _misfit(self.store, found, recipe, dataset):
                raise AdapterError(
                    f"the adapter {found.label} {why}",
                    f"choose another (localsynth adapters list --dataset {dataset.name}), or learn one with this recipe:"
                    " localsynth run RECIPE",
                )
        else:
            usable = (
                one
                for one in adapters.list_all(self.store, dataset.name)
                if one.model_sha256 == chosen.sha256
                and dataset.policy >= Exposure.ROWS
                and not one.stale
                and not _misfit(self.store, one, recipe, dataset)
            )
            first = next(usable, None)
            if first is None:
                return None
            found = first
            say(f"filling with the adapter {found.label}", "info")
        adapters.check(self.store, found)
        return found


def _source(table: PathLike | pa.Table | pd.DataFrame) -> Path | pa.Table:
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if hasattr(table, "columns"):
        from .frames import from_pandas

        return from_pandas(table)
    return Path(table).expanduser()


def _can_fill(method: Method) -> None:
    if isinstance(method, Filling):
        return
    able = [name for name in registry.names() if hasattr(registry.get(name), "fill")]
    raise RecipeError(
        f"the method {method.name} fills no missing cells",
        f"choose a method that does: {', '.join(able) or 'none is installed'}",
    )


def _misfit(store: Store, adapter: LearntAdapter, recipe: Recipe, dataset: Dataset) -> str:
    """Why it does not write such rows, to follow its name; empty where it does."""
    return _other_method(adapter, recipe) or _other_columns(store, adapter, dataset)


def _other_method(adapter: LearntAdapter, recipe: Recipe) -> str:
    """Rows as another method, or another mode of it, writes them are no rows as they are filled."""
    if adapter.method != recipe.method.name:
        return f"was learnt by the method {adapter.method}, and this recipe uses {recipe.method.name}"
    try:
        old = _mode(Recipe.model_validate_json(adapter.recipe_json))
    except (LocalsynthError, ValidationError):
        return "was learnt with parameters that this version does not know"
    if old != (new := _mode(recipe)):
        return f"was learnt in the mode {old}, and this recipe's is {new}"
    return ""


def _mode(recipe: Recipe) -> str:
    """Of the recipe's method; empty where it has none. Raises ``LocalsynthError``."""
    cls = registry.get(recipe.method.name)
    return str(getattr(registry.read_params(cls, recipe.method.params), "mode", ""))


def _other_columns(store: Store, adapter: LearntAdapter, dataset: Dataset) -> str:
    """What the method told of the columns it learnt counts; else those of the run that learnt it, if that is still there."""
    kinds = adapter.settings.get("kinds")
    if not kinds:
        try:
            kinds = kinds_of(Schema.model_validate_json(runs.get(store, adapter.run_id).schema_json))
        except NotFound:
            kinds = {}
    return other_columns(adapter, kinds, dataset.name, dataset.schema)


def _fits(adapter: LearntAdapter, chosen: Chosen) -> None:
    if adapter.model_sha256 != chosen.sha256:
        raise ModelError(
            f"the adapter {adapter.label} was learnt on the model {adapter.model}, and this recipe uses {chosen.name}",
            f'name that model in the recipe ([model] name = "{adapter.model}"), or say --model {adapter.model}',
        )


def _with(recipe: Recipe, adapter: LearntAdapter | None) -> Recipe:
    """The recipe with that adapter, in the order it writes; without one it shows rows in the prompt."""
    params = {key: value for key, value in recipe.method.params.items() if key not in {"adapter", "learn"}}
    if adapter is None:
        params["learn"] = "in-context"
    else:
        params |= {"adapter": adapter.adapter_id, "order": list(adapter.order)}
    return recipe.model_copy(update={"method": type(recipe.method)(name=recipe.method.name, **params)})


def _filled(
    store: Store,
    seed: int,
    dataset: Dataset,
    method: Method,
    chosen: Chosen,
    rows: pa.Table,
    adapter: LearntAdapter | None,
    told: Told,
) -> tuple[pa.Table, Any]:
    """The rows without missing cells, and which of them break something."""
    from localsynth.engine import open_engine

    assert isinstance(method, Filling)
    rows_too = may_have_rows(dataset, method)
    train = datasets.train_table(store, dataset.name) if rows_too else None
    with ExitStack() as stack:
        checker = stack.enter_context(closing(RuleChecker(dataset.schema)))
        folder = stack.enter_context(scratch(store.folder, "fill"))
        task = Task(
            dataset=dataset.name,
            schema=dataset.schema,
            rows=rows.num_rows,
            seed=seed,
            violations=checker.violations,
            train=(lambda: train) if train is not None else None,
            explore=(lambda: explore(train, dataset.schema)) if train is not None else None,
            folder=folder,
            adapters=OneAdapter(store, adapter),
        )
        refuse_too_little(of_children(), chosen)
        if chosen.layout is not None:
            told.say(
                f"loading {chosen.name} ({chosen.layout.size / 1e6:,.0f} MB; {chosen.layout.setup})", "info"
            )
        engine = stack.enter_context(
            closing(open_engine(chosen.model, log_folder=store.log_folder, layout=chosen.layout))
        )
        told.control.attach(engine)
        stack.callback(told.control.detach)
        ask = FillAsk(engine, told)
        method.prepare(task, ask.info)
        learn_all(method, ask, derive(seed, "learn"))
        found = method.fill(rows, derive(seed, "fill"), ask)
    return found.rows, found.broken


def _table(
    before: pa.Table,
    after: pa.Table,
    there: Sequence[str],
    broken: Any,
    adapter: LearntAdapter | None,
    dataset: Dataset,
) -> FilledTable:
    import numpy as np

    made = [c.name for c in dataset.schema.columns if c.kind != "identifier"]
    for name in there:
        old, new = before.column(name), after.column(name)
        if not new.filter(old.is_valid()).equals(old.filter(old.is_valid())):
            raise RunError(f"known cells of '{name}' were changed", "this is a mistake in the method")
    cells = sum(before.column(name).null_count for name in made)
    open_ = np.zeros(before.num_rows, np.bool_)
    for name in made:
        open_ |= before.column(name).is_null().to_numpy()
    names = [*there, *(name for name in made if name not in there)]
    return FilledTable(after.select(names), cells, int((broken & open_).sum()), adapter)
