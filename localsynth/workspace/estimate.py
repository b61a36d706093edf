"""How long a run will take, told before it starts: by earlier runs, else by what tuning measured, else not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from localsynth.core.contracts import Method
from localsynth.core.errors import LocalsynthError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure
from localsynth.core.words import counted
from localsynth.store.pacing import Pace, paces

from .base import Base
from .choosing import UNIFORM, build_method, choose_model

__all__ = ["Estimate", "Estimates", "Pace"]

_UNKNOWN = "not known yet: no run of this kind on this machine"


@dataclass(frozen=True)
class Estimate:
    """seconds : of the whole run, ``None`` where nobody knows. why : what that is taken from, in words."""

    seconds: float | None
    why: str


class Estimates(Base):
    """What is known of speed."""

    def paces(self) -> list[Pace]:
        """How fast the runs of this workspace were made, the latest first; none where there is no workspace yet."""
        return paces(self.store) if self.exists else []

    def estimate(self, recipe: Recipe, known: Sequence[Pace] | None = None) -> Estimate:
        """How long a run of this recipe will take. known : what :meth:`paces` gave, to ask the store no more.

        Raises ``NotFound`` and ``RecipeError`` for a method that is not there, or other parameters than it has.
        """
        method = build_method(recipe, None, "")
        model = _model(method, recipe)
        alike = _alike(recipe, model, self.paces() if known is None else known)
        if alike is not None:
            return _as(alike, recipe)
        return _tuned(method, model, recipe.rows) or Estimate(None, _UNKNOWN)


def _model(method: Method, recipe: Recipe) -> str | None:
    """The model a run would use, by name; ``None`` also where it could use none."""
    try:
        return choose_model(method, recipe.model.name).name
    except LocalsynthError:
        return None


def _alike(recipe: Recipe, model: str | None, known: Sequence[Pace]) -> Pace | None:
    """The latest of the runs that are most like the one to come."""
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
    seconds = pace.learning_s + recipe.rows * pace.making_s / pace.rows
    rate = f"{pace.rows / pace.making_s:,.3g} rows/s" if pace.making_s > 0 else counted(pace.rows, "row")
    learnt = f" after {pace.learning_s:,.0f} s of learning" if pace.learning_s >= 1 else ""
    but = " of another dataset" if other else " with other parameters" if changed else ""
    return Estimate(seconds, f"as run {pace.run_id}{but}: {rate}{learnt}")


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
