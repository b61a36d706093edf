"""Schema: the columns of a table, the rules its rows keep, and what depends on what."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .cells import read_cell
from .columns import Column, check_name
from .nearest import nearest
from .tomlfile import dump_toml, load_toml, read_text, validate

__all__ = ["Dependency", "Rule", "Schema"]


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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

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
            {k: v.isoformat(" ") if isinstance(v, datetime) else v.isoformat() if isinstance(v, date) else v
             for k, v in example.items()} if isinstance(example, dict) else example
            for example in value
        ]

    @field_validator("columns")
    @classmethod
    def _distinct(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        # DuckDB folds case, so `Age` and `age` cannot live in one table.
        counts = Counter(column.name.lower() for column in columns)
        twice = [column.name for column in columns if counts[column.name.lower()] > 1]
        if twice:
            raise ValueError(f"two columns are called '{twice[0]}' (upper and lower case count as the same)")
        if all(column.kind == "identifier" for column in columns):
            raise ValueError("every column is an identifier: there is nothing to synthesise")
        return columns

    @model_validator(mode="after")
    def _references(self) -> Schema:
        names = self.names

        def known(name: str, where: str) -> None:
            if name not in names:
                raise ValueError(f"{where} names '{name}', which is no column{nearest(name, names)}")

        if self.target is not None:
            known(self.target, "target")
        for dependency in self.dependencies:
            for name in (*dependency.determinant, dependency.dependent):
                known(name, "a dependency")
            if dependency.dependent in dependency.determinant:
                raise ValueError(f"'{dependency.dependent}' depends on itself")
        for example in self.examples:
            for name in example:
                known(name, "an example")
            for name, value in example.items():
                read_cell(self.column(name), str(value).lower() if isinstance(value, bool) else str(value), quoted=True)
        labels = Counter(rule.label for rule in self.rules)
        twice = [label for label, count in labels.items() if count > 1]
        if twice:
            raise ValueError(f"two rules are called '{twice[0]}'")
        return self

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
        return dump_toml(data)

    def to_json(self) -> str:
        """Canonical JSON: equal schemas give equal text."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_toml(cls, text: str, path: Path | None = None) -> Schema:
        """Read a schema file. Raises ``SchemaError`` listing every problem with its line."""
        return validate(cls, load_toml(text, path, "schema"), text, path, "schema")

    @classmethod
    def load(cls, path: Path) -> Schema:
        """Read a schema from disk. Raises ``SchemaError``."""
        return cls.from_toml(read_text(path, "schema"), path)


def dataset_name(name: str) -> str:
    """A name for a dataset. Raises ``ValueError``; views are called ``<name>_real`` and ``<name>_synth``."""
    return check_name(name, "dataset")
