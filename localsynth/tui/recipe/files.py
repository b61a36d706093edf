"""Where a recipe comes from and goes to: nothing, those that come with localsynth, a person's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localsynth.core.errors import RecipeError
from localsynth.core.run import Exposure

from .beginnings import Beginning
from .draft import Draft
from .sections import Facts

__all__ = ["empty", "folder_of", "load_packaged", "packaged", "write"]


def empty(name: str | None, facts: Facts) -> Draft:
    """A recipe with nothing chosen but a table, and a method that may be used on it. name : of the dataset."""
    data: dict[str, Any] = {"rows": 500, "seed": 0}
    if name is not None:
        data["dataset"] = {"name": name}
    allowed = [one for one in facts.methods if one.needs_model and not one.refusal]
    # The one that makes the most of what may be seen, short of the rows themselves.
    seen = [one for one in allowed if one.exposure <= Exposure.STATISTICS]
    if seen:
        data["method"] = {"name": seen[-1].name if name is not None else seen[0].name}
    return Draft(data, f"nothing, for {name}" if name is not None else "nothing")


def packaged() -> list[Beginning]:
    """Those that come with localsynth."""
    from localsynth.core.recipe import Recipe
    from localsynth.workspace import packaged_recipes

    found = {name: Recipe.load(path) for name, path in packaged_recipes().items()}
    return [
        Beginning("packaged", name, f"{one.rows:,} rows by {one.method.name}: {one.title}")
        for name, one in found.items()
    ]


def load_packaged(name: str) -> Draft:
    """One of them. Raises ``NotFound`` with the nearest."""
    from localsynth.workspace import find_recipe

    return Draft.load(find_recipe(name), f"the packaged recipe {name}")


def folder_of(draft: Draft) -> Path:
    """Where a person's recipes are: beside the one they have, but not among those of localsynth itself."""
    here = Path.cwd()
    if draft.path is None or draft.origin.startswith("the packaged"):
        return here
    return draft.path.parent


def write(path: Path, text: str) -> None:
    """Save a recipe. Raises ``RecipeError``."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path} cannot be written: {error.strerror}", "choose another place") from error
