"""What a recipe, and what a person says beside it, choose: rows, seed, method, model."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import create_model

from localsynth.core.contracts import Method, MethodParams
from localsynth.core.errors import ModelNotInstalled, RecipeError
from localsynth.core.recipe import Recipe
from localsynth.core.tomlfile import validate
from localsynth.methods import registry

if TYPE_CHECKING:
    from localsynth.engine.catalog import Model
    from localsynth.engine.layout import Layout

__all__ = ["UNIFORM", "Chosen", "Overrides", "build_method", "choose_model", "new_run_id", "overridden"]

UNIFORM = "uniform"


@dataclass(frozen=True)
class Overrides:
    """What the command line, or the caller, says instead of the recipe."""

    rows: int | None = None
    seed: int | None = None
    model: str | None = None
    threads: int | None = None
    where: str | None = None


@dataclass(frozen=True)
class Chosen:
    """A model for a method: ``name`` as recorded with the run, ``None`` for a method that needs none.

    layout : the file of weights that is opened, and how; ``None`` where there is no file.
    """

    name: str | None
    model: Model | None = None
    layout: Layout | None = None

    @property
    def sha256(self) -> str | None:
        """Of the model's file."""
        return self.model.sha256 if self.model is not None else None

    @property
    def setup_json(self) -> str | None:
        """What a run records of the layout."""
        return self.layout.to_json() if self.layout is not None else None

    def laid_out(self, threads: int | None) -> Chosen:
        """With the layout for this machine, as tuned. threads : how many the recipe wants. Raises ``ModelError``."""
        if self.model is None:
            return self
        from localsynth.engine.layout import layout_for

        return replace(self, layout=layout_for(self.model, threads))


def overridden(recipe: Recipe, overrides: Overrides) -> Recipe:
    """The recipe with what was said instead. Raises ``RecipeError``."""
    if overrides.rows is not None and overrides.rows < 1:
        raise RecipeError(f"cannot make {overrides.rows} rows: ask for at least 1", "for example --rows 500")
    data = recipe.model_dump(by_alias=True, exclude_none=True)
    top = {"rows": overrides.rows, "seed": overrides.seed, "where": overrides.where}
    model = {"name": overrides.model, "threads": overrides.threads}
    data |= {key: value for key, value in top.items() if value is not None}
    data["model"] |= {key: value for key, value in model.items() if value is not None}
    return validate(Recipe, data, "", None, "recipe")


def build_method(recipe: Recipe, path: Path | None, text: str | None = None) -> Method:
    """The recipe's method with its parameters. text : of the recipe, by default that of the file at ``path``.

    Raises ``NotFound`` and ``RecipeError`` with the nearest name.
    """
    kind = registry.get(recipe.method.name)
    # Checked inside a table called `method`, so that a mistake is told with the line it has in the file.
    table = create_model("table", method=(kind.Params, ...))
    if text is None:
        text = path.read_text("utf-8-sig") if path is not None and path.is_file() else ""
    params: MethodParams = validate(table, {"method": recipe.method.params}, text, path, "recipe").method  # type: ignore[attr-defined]
    return registry.build(kind, params)


def choose_model(method: Method, name: str | None) -> Chosen:
    """The model a run will use. Raises ``NotFound`` and ``ModelNotInstalled``."""
    if not method.needs_model:
        return Chosen(None)
    if name == UNIFORM:
        return Chosen(UNIFORM)
    from localsynth.engine.catalog import Catalog

    catalog = Catalog()
    if name is not None:
        model = catalog.get(name)
    else:
        found = catalog.default()
        if found is None:
            first = next((known.name for known in catalog.list()), None)
            raise ModelNotInstalled(
                f"no model is installed, and the method {method.name} needs one",
                f"`localsynth models install {first}`" if first else "`localsynth models add FILE.gguf`",
            )
        model = found
    return Chosen(model.name, model)


def new_run_id(dataset: str) -> str:
    """Short, sortable by time, safe as a folder's name: ``20261121-013455-clinic-7f3a``."""
    slug = re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")[:24].strip("-") or "run"
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"
