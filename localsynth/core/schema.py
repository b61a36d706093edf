"""Schema: the columns of a table, the rules its rows keep, and what depends on what."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .cells import read_cell
from .columns import Column, check_name
from .nearest import nearest
from .tomlfile import dump_toml, load_toml, read_text, validate
from .words import FieldError

__all__ = ["Dependency", "Rule", "Schema", "dataset_name"]

_INFERRED = "inferred = true  # ranges and categories are read off rows: delete this line once a person has checked each\n"


class Rule(BaseModel):
    """A SQL predicate over the columns of one row; a row keeps it where it is TRUE or NULL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str = Field(min_length=1)
    name: str = ""
    description: str = ""

    @property
    def label(self) -> str:
        """The name, or the predicate itself where there is none."""
        return self.name or self.check


class Dependency(BaseModel):
    """A functional dependency: rows alike in all ``determinant`` columns are alike in ``dependent``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    determinant: tuple[str, ...] = Field(min_length=1)
    dependent: str


class Schema(BaseModel):
    """A table described.

    description : two or three sentences: what is recorded, where, why. population : who is in it (a restriction).
    target : the column people want to predict, if any. examples : invented rows, column -> value, near what is usual.
    inferred : ranges and categories were read off rows, and nobody vouched for them since. It goes with the file and decides
    no row, so it is no part of the JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    inferred: bool = Field(default=False, strict=True, exclude=True)
    description: str = ""
    population: str = ""
    target: str | None = None
    columns: tuple[Column, ...] = Field(min_length=1, max_length=1500)
    rules: tuple[Rule, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    examples: tuple[dict[str, str | int | float | bool], ...] = ()

    @field_validator("examples", mode="before")
    @classmethod
    def _days_as_text(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [
            {name: _as_text(item) for name, item in example.items()} if isinstance(example, dict) else example
            for example in value
        ]

    @field_validator("columns")
    @classmethod
    def _distinct(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        # DuckDB folds case, so `Age` and `age` cannot live in one table.
        seen: dict[str, str] = {}
        for index, column in enumerate(columns):
            other = seen.setdefault(column.name.lower(), column.name)
            if len(seen) <= index:
                names = f"'{other}'" if other == column.name else f"'{other}' and '{column.name}'"
                raise FieldError(f"two columns are called {names} (case counts for nothing)", index, "name")
        if all(column.kind == "identifier" for column in columns):
            raise ValueError("every column is an identifier: there is nothing to synthesise")
        return columns

    @model_validator(mode="after")
    def _references(self) -> Schema:
        if self.target is not None:
            self._known(self.target, "the target", "target")
        for index, dependency in enumerate(self.dependencies):
            for number, name in enumerate(dependency.determinant):
                self._known(name, "a dependency", "dependencies", index, "determinant", number)
            self._known(dependency.dependent, "a dependency", "dependencies", index, "dependent")
            if dependency.dependent in dependency.determinant:
                raise FieldError(
                    f"'{dependency.dependent}' depends on itself", "dependencies", index, "dependent"
                )
        for index, example in enumerate(self.examples):
            for name, value in example.items():
                self._known(name, "an example", "examples", index, name)
                self._check_example(index, name, value)
        seen: set[str] = set()
        for index, rule in enumerate(self.rules):
            if rule.label in seen:
                raise FieldError(
                    f"two rules are called '{rule.label}'", "rules", index, "name" if rule.name else "check"
                )
            seen.add(rule.label)
        return self

    def _known(self, name: str, where: str, *field: str | int) -> None:
        if name not in self.names:
            raise FieldError(f"{where} names '{name}', which is no column{nearest(name, self.names)}", *field)

    def _check_example(self, index: int, name: str, value: str | float) -> None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            read_cell(self.column(name), text, quoted=True)
        except ValueError as error:
            raise FieldError(f"example {index + 1}: {error}", "examples", index, name) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in canonical order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; raises ``KeyError``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_toml(self) -> str:
        """The schema as a file people can edit; reading it back gives an equal schema."""
        data = self.model_dump(mode="python", exclude_defaults=True, exclude_none=True)
        # `kind` is a default of each class, but the file cannot do without it.
        data["columns"] = [
            {"name": column.name, "kind": column.kind, **plain}
            for column, plain in zip(self.columns, data["columns"], strict=True)
        ]
        return f"{_INFERRED if self.inferred else ''}{dump_toml(data)}"

    def to_json(self) -> str:
        """JSON in one line. Everything keeps its order, that of categories too: it is part of what a schema says."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), ensure_ascii=False)

    @classmethod
    def from_toml(cls, text: str, path: Path | None = None) -> Schema:
        """Read a schema file. Raises ``SchemaError`` listing every problem with its line."""
        return validate(cls, load_toml(text, path, "schema"), text, path, "schema")

    @classmethod
    def load(cls, path: Path) -> Schema:
        """Read a schema from disk. Raises ``SchemaError``."""
        return cls.from_toml(read_text(path, "schema"), path)


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if not (value.second or value.microsecond) else "auto")
    return value.isoformat() if isinstance(value, date) else value


def dataset_name(name: str) -> str:
    """A name for a dataset. Raises ``ValueError``; views are called ``<name>_real`` and ``<name>_synth``."""
    return check_name(name, "dataset")
