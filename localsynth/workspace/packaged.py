"""The recipes that come with localsynth, and how a person's word becomes a recipe file."""

from __future__ import annotations

import os
from pathlib import Path

from localsynth import resources
from localsynth.core.errors import NotFound, RecipeError
from localsynth.core.nearest import nearest
from localsynth.core.recipe import Recipe
from localsynth.core.statisticsfile import cross_tables

__all__ = ["copy_recipe", "find_recipe", "packaged_recipes"]


def packaged_recipes() -> dict[str, Path]:
    """Name -> file of every recipe that comes with localsynth; the files beside them that they read are not."""
    folder = Path(str(resources.recipes()))
    if not folder.is_dir():
        return {}
    return {
        path.stem: path
        for path in sorted(folder.glob("*.toml"))
        if not path.stem.endswith((".schema", "_schema", "-schema", ".statistics"))
    }


def find_recipe(word: str | os.PathLike[str]) -> Path:
    """The file a person means: a path, or the name of a packaged recipe. Raises ``NotFound`` with the nearest."""
    path = Path(word).expanduser()
    if path.is_file():
        return path.absolute()
    known = packaged_recipes()
    name = os.fspath(word)
    if name in known:
        return known[name]
    if path.is_dir():
        raise RecipeError(f"{path} is a folder, not a recipe file", "name the .toml file in it")
    here = [str(found) for found in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    raise NotFound(
        f"there is no recipe '{name}'{nearest(name, [*here, *known])}",
        f"give a .toml file, or one of the packaged recipes: {', '.join(known) or 'none'}",
    )


def copy_recipe(name: str, folder: Path) -> list[Path]:
    """Copy a packaged recipe and the files it reads into ``folder``, to be edited. Overwrites nothing."""
    known = packaged_recipes()
    if name not in known:
        raise NotFound(
            f"there is no packaged recipe '{name}'{nearest(name, known)}",
            f"there are: {', '.join(known) or 'none'}",
        )
    source = known[name]
    recipe = Recipe.load(source)
    spec = recipe.dataset
    specs = [spec] if recipe.members is None else [spec, recipe.members.dataset]
    beside = [
        inside
        for one in specs
        for inside in (one.schema_file, one.source, one.statistics)
        if inside and not inside.startswith("sample:")
    ]
    files = [source, *(source.parent / inside for inside in beside)]
    if spec.statistics:
        files += cross_tables(source.parent / spec.statistics)
    targets = [folder / file.relative_to(source.parent) for file in files]
    for target in targets:
        if target.exists():
            raise RecipeError(f"{target} exists already", "choose another folder, or move it away")
    for file, target in zip(files, targets, strict=True):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        except OSError as error:
            raise RecipeError(f"{target} cannot be written: {error.strerror}") from error
    return targets
