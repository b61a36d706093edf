"""A recipe as it is being written: plain data, which may be wrong, and the text of the file it would be."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localsynth.core.errors import LocalsynthError
from localsynth.core.recipe import DatasetSpec, ModelSpec, PrivacySpec, Recipe
from localsynth.core.tomlfile import dump_toml, load_toml, read_text

from .fields import Field, equal

__all__ = ["Draft"]

# As `report.plaintext.shown`, in TOML's own spelling: what would steer the terminal stands in the file as an escape.
_UNSHOWN = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SAMPLE = "sample:"
_PATHS = ("source", "schema", "statistics")


class Draft:
    """What will be saved and run.

    data : as TOML gives it. path : the file it came from or was saved to; relative paths in it start from its folder.
    origin : where it came from, in words. asked : how the file was written. filed : this draft's text when it was the same.
    """

    def __init__(self, data: Mapping[str, Any], origin: str, path: Path | None = None) -> None:
        self.data: dict[str, Any] = copy.deepcopy(dict(data))
        self.origin = origin
        self.path = path
        self.asked = ""
        self.filed = ""
        self._set_aside: dict[str, dict[str, Any]] = {}

    @classmethod
    def load(cls, path: Path, origin: str = "") -> Draft:
        """From a file. Raises ``RecipeError`` where it cannot be read, or is no TOML; what else is wrong, is told later."""
        text = read_text(path, "recipe")
        made = cls(load_toml(text, path, "recipe"), origin or f"the file {path}", path)
        made.asked, made.filed = text, made.text()
        return made

    @classmethod
    def of_run(cls, recipe_json: str, recipe_path: str | None, run_id: str) -> Draft:
        """The recipe of an earlier run."""
        recipe = Recipe.model_validate_json(recipe_json)
        data = recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
        always = {"rows": recipe.rows, "seed": recipe.seed}
        return cls({**data, **always}, f"run {run_id}, once more", Path(recipe_path) if recipe_path else None)

    # --- values ------------------------------------------------------------------------------------------------------

    def get(self, place: tuple[str, ...]) -> Any:
        """What is written there; ``None`` for nothing."""
        here: Any = self.data
        for key in place:
            if not isinstance(here, Mapping) or key not in here:
                return None
            here = here[key]
        return here

    def put(self, one: Field, value: Any) -> None:
        """Write a value; one that is the default is left out, as are tables with nothing in them."""
        if value is None or (equal(value, one.default) and not one.written):
            self._drop(one.place)
            return
        table = self.data
        for key in one.place[:-1]:
            inner = table.get(key)
            if not isinstance(inner, dict):
                inner = table[key] = {}
            table = inner
        table[one.place[-1]] = value

    def _drop(self, place: tuple[str, ...]) -> None:
        table = self.get(place[:-1]) if place[:-1] else self.data
        if isinstance(table, dict):
            table.pop(place[-1], None)
            if not table and place[:-1]:
                self._drop(place[:-1])

    @property
    def method(self) -> str:
        """The method's name; the recipe's usual one where none is written."""
        name = self.get(("method", "name"))
        return name if isinstance(name, str) else "text-to-tabular"

    @property
    def dataset(self) -> str | None:
        """The dataset's name."""
        name = self.get(("dataset", "name"))
        return name if isinstance(name, str) and name else None

    def choose_method(self, name: str) -> None:
        """Another method; the parameters of the one before are kept for when it is chosen again."""
        if name == self.method:
            self.data.setdefault("method", {"name": name})
            return
        table = self.data.get("method")
        if isinstance(table, dict):
            self._set_aside[self.method] = {key: value for key, value in table.items() if key != "name"}
        self.data["method"] = {"name": name, **self._set_aside.pop(name, {})}

    # --- as a file ---------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The file, whole."""
        return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", dump_toml(_in_order(self.data)))

    @property
    def changed(self) -> bool:
        """Whether it says something else than its file."""
        return self.path is None or self.text() != self.filed

    def request(self) -> dict[str, str | None]:
        """What a job of the kind ``run`` is asked: the file as it was read, where nothing was changed."""
        text = self.text() if self.changed else self.asked
        return {"recipe": text, "path": str(self.path) if self.path is not None else None}

    def replace(self, text: str) -> None:
        """Take what a person wrote as TOML. Raises ``RecipeError`` where it is none."""
        self.data = load_toml(text, None, "recipe")

    def moved(self, path: Path) -> Draft:
        """The draft as it is to be written to a file: its relative paths lead where they led."""
        made = Draft(self.data, f"the file {path}", path)
        before = self.path.parent if self.path is not None else Path.cwd()
        for table in (made.get(("dataset",)), made.get(("members", "dataset"))):
            for key in _PATHS if isinstance(table, dict) else ():
                value = table.get(key)
                if isinstance(value, str) and not value.startswith(_SAMPLE):
                    table[key] = _from(path.parent, before / value)
        made.asked = made.filed = made.text()
        return made

    # --- kept between starts -----------------------------------------------------------------------------------------

    def kept(self) -> dict[str, str]:
        """As JSON can hold it."""
        path = str(self.path) if self.path is not None else ""
        return {
            "toml": self.text(),
            "origin": self.origin,
            "path": path,
            "asked": self.asked,
            "filed": self.filed,
        }

    @classmethod
    def from_kept(cls, kept: Any) -> Draft | None:
        """What :meth:`kept` gave; ``None`` for anything else."""
        if not isinstance(kept, Mapping) or not all(isinstance(value, str) for value in kept.values()):
            return None
        try:
            made = cls(load_toml(kept["toml"], None, "recipe"), kept["origin"])
            made.path = Path(kept["path"]) if kept["path"] else None
            made.asked, made.filed = kept["asked"], kept["filed"]
        except (KeyError, LocalsynthError):
            return None
        return made


def _from(folder: Path, target: Path) -> str:
    target = target.absolute()
    return str(target.relative_to(folder)) if target.is_relative_to(folder) else str(target)


def _in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in the order in which recipes are written; unknown ones behind, so that they are told with their lines."""
    tables: dict[str, list[str]] = {
        "dataset": _keys(DatasetSpec),
        "model": _keys(ModelSpec),
        "method": ["name"],
        "privacy": _keys(PrivacySpec),
    }
    return {
        key: _sorted(value, tables[key]) if key in tables and isinstance(value, Mapping) else value
        for key, value in _sorted(data, _keys(Recipe)).items()
    }


def _keys(model: type[Recipe] | type[DatasetSpec] | type[ModelSpec] | type[PrivacySpec]) -> list[str]:
    return [one.alias or name for name, one in model.model_fields.items()]


def _sorted(data: Mapping[str, Any], keys: list[str]) -> dict[str, Any]:
    return {**{key: data[key] for key in keys if key in data}, **data}
