"""Checking what a person wrote before anything is made with it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from localsynth.core.errors import RecipeError
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.store.rules import RuleChecker, check_satisfiable

from .choosing import build_method
from .sources import declared_schema

__all__ = ["check_recipe", "check_schema"]


def check_schema(schema: Schema) -> None:
    """Raises ``RuleError`` where a rule does not parse, or where no row was found that keeps it (or all together)."""
    with closing(RuleChecker(schema)):
        if schema.rules:
            check_satisfiable(schema)


def check_recipe(path: Path) -> Recipe:
    """The recipe, its method's parameters and its schema file, if all are right. Raises what is wrong."""
    recipe = Recipe.load(path)
    build_method(recipe, path)
    schema = declared_schema(recipe.dataset, path.parent)
    if schema is not None:
        check_schema(schema)
    source = recipe.dataset.source
    if source is not None and not source.startswith("sample:") and not (path.parent / source).is_file():
        raise RecipeError(
            f"{path.name}: the source {source} is not there", "paths start from the recipe's folder"
        )
    return recipe
