"""Whether a run that is taken up again is still the run that was started."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

from localsynth.core.contracts import Method
from localsynth.core.errors import ModelError, RecipeChanged, RecipeError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.store import datasets
from localsynth.store.session import Store

from .choosing import Chosen
from .sources import declared_schema

__all__ = ["same_layout", "same_recipe", "same_tools"]


def same_recipe(store: Store, run: Run, recipe: Recipe, schema: Schema, folder: Path) -> None:
    """Compare with the files as they are now. What is no longer there cannot have changed."""
    path = Path(run.recipe_path) if run.recipe_path else None
    now = schema
    if path is not None and path.is_file():
        present = Recipe.load(path)
        before = _as_it_was(folder / "recipe.toml") or _with_overrides_of(recipe, present)
        if _decides(before) != _decides(present):
            raise _changed(run, f"the recipe {path.name}", before.to_toml(), present.to_toml())
        # A file that describes rows and their members: this run is that of the members.
        of_members = recipe.parent is not None and present.members is not None
        spec = present.members.dataset if of_members and present.members else present.dataset
        if spec.schema_file is not None and (path.parent / spec.schema_file).is_file():
            now = declared_schema(spec, path.parent) or schema
    if now.to_json() == schema.to_json():
        now = datasets.get(store, run.dataset).schema
    if now.to_json() != schema.to_json():
        raise _changed(run, f"the schema of '{run.dataset}'", schema.to_toml(), now.to_toml())


def _as_it_was(kept: Path) -> Recipe | None:
    """The recipe's file when the run began; ``None`` where that was not kept, or not whole, as after a power cut."""
    try:
        return Recipe.load(kept) if kept.is_file() else None
    except RecipeError:
        return None


def _decides(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(exclude={"title": True, "model": {"threads"}, "limits": True})


def _with_overrides_of(recorded: Recipe, present: Recipe) -> Recipe:
    """The recorded recipe without what the command line may have said: without the file as it was, nobody knows."""
    model = recorded.model.model_copy(update={"name": present.model.name})
    return recorded.model_copy(
        update={"rows": present.rows, "seed": present.seed, "where": present.where, "model": model}
    )


def same_tools(run: Run, method: Method, chosen: Chosen) -> None:
    if chosen.sha256 != run.model_sha256:
        raise RecipeChanged(
            f"the model {run.model} is no longer the file that run {run.run_id} was started with",
            "put that file back, or start a new run",
        )
    if method.version != run.method_version:
        raise RecipeChanged(
            f"run {run.run_id} was started with version {run.method_version} of {run.method},"
            f" this is version {method.version}",
            "start a new run, or use the localsynth that started this one",
        )


def same_layout(run: Run, recipe: Recipe, chosen: Chosen) -> Chosen:
    """The model with the very file and setup the run was started with, also where it was tuned or forgotten since.

    A run that recorded none goes on with what there is today. Raises ``RecipeChanged`` where the file is gone or changed.
    """
    if run.setup_json is None or chosen.model is None:
        return chosen.laid_out(recipe.model.threads)
    from localsynth.engine.layout import layout_from

    try:
        layout = layout_from(run.setup_json)
        layout.open(chosen.model)
    except ModelError as error:
        raise RecipeChanged(
            f"run {run.run_id} cannot go on with the model's file it was started with: {error.message}",
            f"start a new run; or, where tuning made that file, `localsynth models tune {chosen.name} --keep`"
            " makes it again",
        ) from error
    return replace(chosen, layout=layout)


def _changed(run: Run, what: str, before: str, now: str) -> RecipeChanged:
    diff = difflib.unified_diff(
        before.splitlines(keepends=True), now.splitlines(keepends=True), "as recorded", "as it is now"
    )
    return RecipeChanged(
        f"{what} has changed since run {run.run_id} was started",
        f"undo the change, start a new run, or `localsynth runs resume {run.run_id} --as-recorded`",
        "".join(diff),
    )
