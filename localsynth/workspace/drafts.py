"""What a person needs who writes a recipe: the methods that may be used, the models that fit, what is wrong so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import Any, cast

from localsynth.core.contracts import Method, MethodParams
from localsynth.core.dataset import Dataset
from localsynth.core.errors import LocalsynthError, NotFound, Problem
from localsynth.core.nearest import nearest
from localsynth.core.recipe import DatasetSpec, MethodSpec, Recipe
from localsynth.core.run import Exposure
from localsynth.core.schema import Schema
from localsynth.core.tomlfile import load_toml
from localsynth.core.tomlmap import TomlMap
from localsynth.methods import registry
from localsynth.store.where import read_where

from .checking import recipe_checks
from .choosing import build_method, choose_model
from .estimate import Estimates
from .permission import allow, reads_targets, sees_targets_alone
from .sources import aimed

__all__ = ["Checked", "Drafts", "MethodCard", "ModelChoice"]

_EXTRA = re.compile(r"the extra '([a-z0-9-]+)'")
_SEES = {
    Exposure.SCHEMA: "the description of the table, no data",
    Exposure.STATISTICS: "statistics of the real rows, no row",
    Exposure.ROWS: "real rows",
}
Place = tuple[str, ...]


@dataclass(frozen=True)
class MethodCard:
    """A method, for who chooses one.

    sees : what is shown to the model, or to the method where it has none. needs : what it cannot do without, in words.
    package : who brings it. published : it can work from published statistics. refusal : why the dataset's owner, or the
    lack of rows, does not allow it; empty where it may be used. hint : what to do about that.
    """

    name: str
    summary: str
    exposure: Exposure
    sees: str
    needs: tuple[str, ...]
    needs_model: bool
    package: str
    published: bool
    conditional: bool
    params: type[MethodParams]
    refusal: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ModelChoice:
    """A model, for who chooses one. size, memory : in bytes. fits : into the memory free now, ``None`` where nobody tells."""

    name: str
    size: int
    memory: int
    installed: bool
    fits: bool | None
    default: bool


@dataclass(frozen=True)
class Checked:
    """What is known of a draft. recipe : ``None`` where it is none yet. problems : each with its place (``method.rounds``)."""

    recipe: Recipe | None
    problems: tuple[Problem, ...] = ()


class Drafts(Estimates):
    """Recipes as they are written."""

    def method_cards(self, dataset: Dataset | None = None, *, published: bool = False) -> list[MethodCard]:
        """Every method that can be loaded: first those with a model, the least exposing first, then the yardsticks.

        dataset : whose policy counts. published : whether the recipe names a file of published statistics.
        """
        packages = {name: found.package for name, found in registry.METHODS.find().items()}
        cards = [
            _card(name, method, packages[name], dataset, published)
            for name, method in registry.usable()[0].items()
        ]
        return sorted(cards, key=lambda card: (not card.needs_model, card.exposure, card.name))

    @staticmethod
    def model_choices() -> list[ModelChoice]:
        """The models of this machine, and whether each fits into its memory."""
        from localsynth.engine.catalog import Catalog
        from localsynth.engine.machine import free_memory

        catalog, free = Catalog(), free_memory()
        default = catalog.default()
        return [
            ModelChoice(
                name=model.name,
                size=model.size,
                memory=model.memory_mb * 1_000_000,
                installed=model.installed,
                fits=None if free is None else model.memory_mb * 1_000_000 <= free,
                default=default is not None and default.name == model.name,
            )
            for model in catalog.list()
        ]

    @staticmethod
    def check_draft(text: str, path: Path | None = None, known: Sequence[Dataset] | None = ()) -> Checked:
        """What is wrong with the text of a recipe, all of it, as far as that can be told before a run.

        path : of the file from whose folder relative paths start, else the present folder. known : the datasets of the
        workspace; ``None`` where nobody knows them, and what depends on them is not checked.
        """
        try:
            data = load_toml(text, None, "recipe")
        except LocalsynthError as error:
            return Checked(None, _problems(error, (), TomlMap()))
        places = TomlMap.of(text)
        recipe, method, problems = _read(text, data, places)
        if recipe is None or method is None:
            return Checked(recipe, tuple(problems))
        for place, check in _checks(recipe, method, path, known):
            problems += _tried(check, place, places)
        return Checked(recipe, tuple({one.message: one for one in reversed(problems)}.values())[::-1])


def _card(
    name: str, method: type[Method], package: str, dataset: Dataset | None, published: bool
) -> MethodCard:
    whole = cast(Method, method)  # what is asked for stands on the class
    refusal = hint = ""
    if dataset is not None:
        spec = DatasetSpec(name=dataset.name, statistics="published" if published else None)
        try:
            allow(Recipe(dataset=spec, method=MethodSpec(name=name)), dataset, whole)
        except LocalsynthError as error:
            refusal, hint = error.message, error.hint
    return MethodCard(
        name=name,
        summary=method.summary,
        exposure=method.exposure,
        sees=_SEES[method.exposure],
        needs=tuple(_needs(whole)),
        needs_model=method.needs_model,
        package=package,
        published=sees_targets_alone(whole),
        conditional=bool(getattr(method, "conditional", False)),
        params=method.Params,
        refusal=refusal,
        hint=hint,
    )


def _needs(method: Method) -> Iterator[str]:
    if method.needs_model:
        yield "a model"
    if sees_targets_alone(method):
        yield "real rows, or a file of published statistics"
    elif method.exposure > Exposure.SCHEMA:
        yield "real rows"
    for extra in _extras(method.Params):
        there = "installed" if _installed(extra) else f"not installed: pip install 'localsynth[{extra}]'"
        yield f"for some of its ways the extra '{extra}' ({there})"


def _extras(params: type[MethodParams]) -> list[str]:
    """The extras that the descriptions of parameters name."""
    said = " ".join(field.description or "" for field in params.model_fields.values())
    return list(dict.fromkeys(_EXTRA.findall(said)))


def _installed(extra: str) -> bool:
    try:
        wanted = [
            one for one in requires("localsynth") or [] if re.search(rf"extra == ['\"]{extra}['\"]", one)
        ]
        for one in wanted:
            distribution(re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0])
    except PackageNotFoundError:
        return False
    return bool(wanted)


def _read(
    text: str, data: Mapping[str, Any], places: TomlMap
) -> tuple[Recipe | None, Method | None, list[Problem]]:
    """The recipe and its method, and what keeps one of them from being read; each is tried, whatever the other is."""
    problems: list[Problem] = []
    recipe: Recipe | None = None
    try:
        recipe = Recipe.from_toml(text)
    except LocalsynthError as error:
        problems += _problems(error, (), places)
    table = data.get("method", {})
    try:
        spec = recipe.method if recipe is not None else MethodSpec.model_validate(table)
    except ValueError:  # told already, with the recipe
        return recipe, None, problems
    stand_in = Recipe(dataset=DatasetSpec(name="any"), method=spec)
    try:
        return recipe, build_method(stand_in, None, text), problems
    except LocalsynthError as error:
        return recipe, None, [*problems, *_problems(error, ("method", "name"), places)]


def _checks(
    recipe: Recipe, method: Method, path: Path | None, known: Sequence[Dataset] | None
) -> Iterator[tuple[Place, Callable[[], object]]]:
    """A place, and what raises where something is wrong there."""
    yield ("model", "name"), partial(choose_model, method, recipe.model.name)
    folder = path.parent if path is not None else Path.cwd()
    yield from recipe_checks(recipe, method, folder, path.name if path is not None else "the recipe")
    if known is None:
        return
    spec = recipe.dataset
    dataset = next((one for one in known if one.name.lower() == spec.name.lower()), None)
    if dataset is None:
        yield ("dataset", "name"), partial(_can_be_made, spec, known)
        return
    if recipe.parent is None:
        yield ("method", "name"), partial(allow, recipe, dataset, method)
    if spec.schema_file is None:
        yield ("dataset", "target"), partial(aimed, dataset.schema, spec.target)
        if recipe.where is not None:
            yield ("where",), partial(read_where, recipe.where, dataset.schema)
        if spec.statistics is not None and reads_targets(method):
            yield ("dataset", "statistics"), partial(_statistics, folder / spec.statistics, dataset.schema)


def _can_be_made(spec: DatasetSpec, known: Sequence[Dataset]) -> None:
    if spec.source is None and spec.schema_file is None:
        raise NotFound(
            f"there is no dataset '{spec.name}' in this workspace{nearest(spec.name, [one.name for one in known])}",
            "import it first, or name a source or a schema file in the recipe's [dataset]",
        )


def _statistics(path: Path, schema: Schema) -> None:
    from localsynth.core.statisticsfile import load_statistics

    load_statistics(path, schema)


def _tried(check: Callable[[], object], place: Place, places: TomlMap) -> tuple[Problem, ...]:
    try:
        check()
    except LocalsynthError as error:
        return _problems(error, place, places)
    return ()


def _problems(error: LocalsynthError, place: Place, places: TomlMap) -> tuple[Problem, ...]:
    """What an error says of the draft; what it says of another file is one problem of the place that names that file."""
    found: tuple[Problem, ...] = getattr(error, "problems", ())
    if found and (not place or place[0] == "method"):
        return found
    return (Problem(error.message, error.hint, places.line(place), ".".join(place)),)
