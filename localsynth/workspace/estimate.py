"""How long a run will take, told before it starts: by earlier runs, else by what tuning measured, else not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from localsynth.core.contracts import Method
from localsynth.core.dataset import Dataset
from localsynth.core.errors import LocalsynthError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure
from localsynth.core.spending import Spending, Spends
from localsynth.core.words import counted
from localsynth.store import datasets as records
from localsynth.store.pacing import Pace, paces

from .base import Base
from .choosing import UNIFORM, build_method, choose_model

__all__ = ["Estimate", "Estimates", "Pace", "alike"]

_UNKNOWN = "not known yet: no run of this kind on this machine"


@dataclass(frozen=True)
class Estimate:
    """seconds : of the whole run, ``None`` where nobody knows. why : what that is taken from, in words.

    learning : what a method that learns by questions to a model may take for it. learning_s : how long that is at this
    machine's usual rate, ``None`` where nobody knows.
    """

    seconds: float | None
    why: str
    learning: Spending | None = None
    learning_s: float | None = None


class Estimates(Base):
    """What is known of speed."""

    def paces(self) -> list[Pace]:
        """How fast the runs of this workspace were made, the latest first; none where there is no workspace yet."""
        return paces(self.store) if self.exists else []

    def estimate(
        self, recipe: Recipe, known: Sequence[Pace] | None = None, datasets: Sequence[Dataset] | None = None
    ) -> Estimate:
        """How long a run of this recipe will take. known, datasets : what :meth:`paces` gave, and the workspace's datasets, to
        ask the store no more.

        Raises ``NotFound`` and ``RecipeError`` for a method that is not there, or other parameters than it has.
        """
        method = build_method(recipe, None, "")
        model = _model(method, recipe)
        known = self.paces() if known is None else known
        pace = alike(recipe, model, known)
        found = _as(pace, recipe) if pace is not None else _tuned(method, model, recipe.rows)
        found = found or Estimate(None, _UNKNOWN)
        if not isinstance(method, Spends):
            return found
        if datasets is None:
            datasets = records.list_all(self.store) if self.exists else ()
        name = recipe.dataset.name.lower()
        spending = next(
            (method.spending(one.schema, one.train_rows) for one in datasets if one.name.lower() == name),
            None,
        )
        if spending is None:
            return found
        asked = alike(recipe, model, [one for one in known if one.requests])
        seconds = spending.requests * asked.learning_s / asked.requests if asked is not None else None
        return replace(found, learning=spending, learning_s=seconds)


def _model(method: Method, recipe: Recipe) -> str | None:
    """The model a run would use, by name; ``None`` also where it could use none."""
    try:
        return choose_model(method, recipe.model.name).name
    except LocalsynthError:
        return None


def alike(recipe: Recipe, model: str | None, known: Sequence[Pace]) -> Pace | None:
    """The latest of the runs that are most like the one to come, if any has its method and model."""
    same = [one for one in known if (one.method, one.model) == (recipe.method.name, model)]
    same.sort(key=lambda one: _unlike(recipe, one))  # stable: among equals the latest stays first
    return same[0] if same else None


def _unlike(recipe: Recipe, pace: Pace) -> tuple[bool, bool]:
    """Other rows matter more than other parameters."""
    other = pace.dataset.lower() != recipe.dataset.name.lower()
    params = {key: value for key, value in json.loads(pace.recipe_json)["method"].items() if key != "name"}
    return other, params != recipe.method.params


def _as(pace: Pace, recipe: Recipe) -> Estimate:
    other, changed = _unlike(recipe, pace)
    rate = f"{pace.rows / pace.making_s:,.3g} rows/s" if pace.making_s > 0 else counted(pace.rows, "row")
    learnt = f" after {pace.learning_s:,.0f} s of learning" if pace.learning_s >= 1 else ""
    but = " of another dataset" if other else " with other parameters" if changed else ""
    return Estimate(pace.seconds(recipe.rows), f"as run {pace.run_id}{but}: {rate}{learnt}")


def _tuned(method: Method, model: str | None, rows: int) -> Estimate | None:
    """By what `localsynth models tune` measured, for a method whose every row the model writes; rows differ in length."""
    if model in {None, UNIFORM} or method.exposure is not Exposure.SCHEMA:
        return None
    from localsynth.engine.catalog import Catalog
    from localsynth.engine.machine import this_machine
    from localsynth.engine.tuned import TunedFile

    try:
        entry = TunedFile(Catalog().folder).get(str(model))
    except LocalsynthError:
        return None
    if entry is None or entry.machine != this_machine() or entry.rows_per_s <= 0:
        return None
    return Estimate(
        rows / entry.rows_per_s,
        f"roughly, by what tuning {model} measured: {entry.rows_per_s:,.3g} short rows/s",
    )
