"""Where a recipe comes from and goes to: nothing, those that come with localsynth, a person's own files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.errors import RecipeError
from localsynth.core.run import Exposure
from localsynth.tui.subject import Subject

from .beginnings import Beginning
from .draft import Draft
from .sections import Facts

if TYPE_CHECKING:
    from localsynth.workspace import Workspace

__all__ = ["beginnings", "begun_from", "empty", "folder_of", "save"]


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
    return Draft(data, f"a new one for {name}" if name is not None else "a new one")


def beginnings(subject: Subject) -> list[Beginning]:
    """What there is to begin from: nothing, the run that the UI is about, a file, those that come with localsynth."""
    from localsynth.core.recipe import Recipe
    from localsynth.workspace import packaged_recipes

    found = {name: Recipe.load(path) for name, path in packaged_recipes().items()}
    run = [Beginning("run", subject.run, "its recipe, as it was recorded")] if subject.run is not None else []
    return [
        Beginning("empty", subject.dataset or ""),
        *run,
        Beginning("file"),
        *(
            Beginning("packaged", name, f"{one.rows:,} rows by {one.method.name}: {one.title}")
            for name, one in found.items()
        ),
    ]


def begun_from(chosen: Beginning, ws: Workspace, facts: Facts) -> Draft:
    """The draft to begin with. Raises ``NotFound`` for a run or packaged recipe that is gone, ``RecipeError`` for no recipe."""
    from localsynth.workspace import find_recipe

    match chosen.kind:
        case "empty":
            return empty(chosen.name or None, facts)
        case "run":
            run = ws.get_run(chosen.name)
            return Draft.of_run(run.recipe_json, run.recipe_path, run.run_id)
        case "file":
            return Draft.load(Path(chosen.name))
        case "packaged":
            return Draft.load(find_recipe(chosen.name), f"the packaged recipe {chosen.name}")


def folder_of(draft: Draft) -> Path:
    """Where a person's recipes are: beside the one they have, but not among those of localsynth itself."""
    here = Path.cwd()
    if draft.path is None or draft.origin.startswith("the packaged"):
        return here
    return draft.path.parent


def save(draft: Draft, path: Path, ws: Workspace) -> Draft:
    """Write it to a file; gives the draft of that. Raises ``RecipeError`` where it cannot be written or may not."""
    if ws.read_only and path.absolute().is_relative_to(ws.folder):
        raise RecipeError(f"{path} is in the workspace, which is open for looking only", "save it elsewhere")
    moved = draft.moved(path)
    try:
        path.write_text(moved.text(), encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path} cannot be written: {error.strerror}", "choose another place") from error
    return moved
