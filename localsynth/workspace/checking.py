"""Checking what a person wrote before anything is made with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from localsynth.core.contracts import Method
from localsynth.core.errors import RecipeError
from localsynth.core.recipe import DatasetSpec, MembersSpec, Recipe
from localsynth.core.schema import Schema
from localsynth.core.statisticsfile import cross_tables, load_statistics
from localsynth.core.widening import check_link
from localsynth.store.grouprules import wide_rules
from localsynth.store.rules import RuleChecker, check_satisfiable
from localsynth.store.where import read_where

from .choosing import build_method
from .nested import check_completes
from .permission import allow_budget, allow_condition, reads_targets
from .sources import SAMPLE, declared_schema

__all__ = ["check_recipe", "check_schema", "recipe_checks"]


def check_schema(schema: Schema) -> None:
    """Raises ``RuleError`` where a rule does not parse, or where no row was found that keeps it (or all together)."""
    with closing(RuleChecker(schema)):
        if schema.rules:
            check_satisfiable(schema)


def check_recipe(path: Path) -> Recipe:
    """The recipe, if it, its method's parameters and the files it names are right. Raises what is wrong.

    What depends on a dataset of the workspace (the owner's policy, a schema that was inferred) is left to the run.
    """
    recipe = Recipe.load(path)
    method = build_method(recipe, path)
    for _, check in recipe_checks(recipe, method, path.parent, path.name):
        check()
    return recipe


def recipe_checks(
    recipe: Recipe, method: Method, folder: Path, name: str
) -> Iterator[tuple[tuple[str, ...], Callable[[], None]]]:
    """What can be told without a workspace: a place in the recipe, and what raises where something is wrong there.

    folder : what relative paths start from. name : of the recipe, for messages.
    """
    if recipe.privacy.epsilon is not None:
        yield ("privacy", "epsilon"), partial(allow_budget, method)
    if recipe.where is not None:
        yield ("where",), partial(allow_condition, method)
    specs: list[tuple[tuple[str, ...], DatasetSpec]] = [(("dataset",), recipe.dataset)]
    if recipe.members is not None:
        specs.append((("members", "dataset"), recipe.members.dataset))
    for place, spec in specs:
        yield (*place, "schema"), partial(_check_declared, spec, folder)
        if recipe.where is not None:
            yield ("where",), partial(_check_where, recipe.where, spec, folder)
        yield (*place, "source"), partial(_check_source, spec, folder, name)
        yield (*place, "statistics"), partial(_check_statistics, spec, folder, method)
    if recipe.members is not None:
        yield ("members",), partial(_check_members, recipe, recipe.members, folder)


def _check_declared(spec: DatasetSpec, folder: Path) -> None:
    schema = declared_schema(spec, folder)
    if schema is not None:
        check_schema(schema)


def _check_where(where: str, spec: DatasetSpec, folder: Path) -> None:
    schema = declared_schema(spec, folder)
    if schema is not None:
        read_where(where, schema)


def _check_source(spec: DatasetSpec, folder: Path, name: str) -> None:
    source = spec.source
    if source is not None and not source.startswith(SAMPLE) and not (folder / source).is_file():
        raise RecipeError(f"{name}: the source {source} is not there", "paths start from the recipe's folder")


def _check_members(recipe: Recipe, tie: MembersSpec, folder: Path) -> None:
    """What can be told of members without rows."""
    check_completes(build_method(recipe.model_copy(update={"method": tie.method or recipe.method}), None))
    above, below = (declared_schema(spec, folder) for spec in (recipe.dataset, tie.dataset))
    if above is not None and below is not None:
        names = (recipe.dataset.name, tie.dataset.name)
        check_link(above, below, tie.key, tie.size, names=names)
        wide_rules(names[0], above, below, tie.size, tie.rules)


def _check_statistics(spec: DatasetSpec, folder: Path, method: Method) -> None:
    """The statistics file as a run would read it; a method that reads none does not open it."""
    if spec.statistics is None or not reads_targets(method):
        return
    schema = declared_schema(spec, folder)
    if schema is not None:
        load_statistics(folder / spec.statistics, schema)
        return
    # The schema is the workspace's: what can be told without it.
    for table in cross_tables(folder / spec.statistics):
        if not table.is_file():
            raise RecipeError(
                f"{spec.statistics}: the table {table.name} is not there",
                "paths start from the folder of the statistics file",
            )
