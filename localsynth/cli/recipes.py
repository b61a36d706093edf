"""``recipe``: list what is packaged, check, show and copy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localsynth.core.words import counted

from .options import Format, FormatOption
from .output import hint, print_records, print_text, say

__all__ = ["register"]

recipe = typer.Typer(help="Recipes: list the packaged ones, show, check, copy.", invoke_without_command=True)
Word = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a packaged recipe.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(recipe, name="recipe")


@recipe.callback()
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_recipes()


@recipe.command("list")
def list_recipes(format: FormatOption = Format.TABLE) -> None:  # noqa: A002
    """The recipes that come with localsynth."""
    from localsynth.core.recipe import Recipe
    from localsynth.workspace import packaged_recipes

    found = {name: Recipe.load(path) for name, path in packaged_recipes().items()}
    rows = [
        {"recipe": name, "rows": r.rows, "dataset": r.dataset.name, "method": r.method.name, "title": r.title}
        for name, r in found.items()
    ]
    print_records(rows, format, ["recipe", "rows", "dataset", "method", "title"])


@recipe.command("show")
def show(word: Word) -> None:
    """Print a recipe as it is written."""
    from localsynth.core.tomlfile import read_text
    from localsynth.workspace import find_recipe

    print_text(read_text(find_recipe(word), "recipe").splitlines())


@recipe.command("check")
def check(word: Word) -> None:
    """Say what is wrong with a recipe, its method's parameters, and its schema and statistics files, without running it."""
    from localsynth.workspace import find_recipe
    from localsynth.workspace.checking import check_recipe

    path = find_recipe(word)
    found = check_recipe(path)
    say(f"{path}: good: {counted(found.rows, 'row')} of {found.dataset.name} by {found.method.name}", "green")


@recipe.command("copy")
def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A packaged recipe.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to.")] = Path(),
) -> None:
    """Copy a packaged recipe and its schema, to be edited."""
    from localsynth.workspace import copy_recipe

    paths = copy_recipe(name, folder)
    print_text(str(path) for path in paths)
    hint(f"edit it, then: localsynth run {paths[0]}")
