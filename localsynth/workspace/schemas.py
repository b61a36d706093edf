"""Working on a dataset's schema: how its columns are distributed, what the real rows say to a change, and saving it."""

from __future__ import annotations

from collections.abc import Iterable

from localsynth.core.columns import Column
from localsynth.core.errors import SchemaError
from localsynth.core.schema import Dependency, Schema
from localsynth.store import datasets, profiles, tryout
from localsynth.store.profiles import ColumnProfile, Profile

from .base import Base
from .checking import check_schema

__all__ = [
    "ColumnProfile",
    "Profile",
    "SchemaChanged",
    "dependency_breaks",
    "misfits",
    "profile",
    "rule_breaks",
    "save_schema",
]


class SchemaChanged(SchemaError):
    """A dataset's schema is no longer the one that a draft was made from."""


def profile(workspace: Base, dataset: str) -> Profile:
    """How the values of each column are distributed over the train rows. Raises ``NotFound``."""
    return profiles.profile(workspace.store, dataset)


def misfits(workspace: Base, dataset: str, columns: Iterable[Column]) -> dict[str, str]:
    """Of these columns, those that the real rows do not fit, each with the reason in a sentence. Raises ``NotFound``."""
    return tryout.misfits(workspace.store, dataset, columns)


def rule_breaks(workspace: Base, dataset: str, schema: Schema) -> tuple[int, tuple[int | str, ...]]:
    """How many train rows were tried, and for each rule of ``schema`` how many break it, or why it cannot be used."""
    return tryout.rule_breaks(workspace.store, dataset, schema)


def dependency_breaks(workspace: Base, dataset: str, dependency: Dependency) -> tuple[int, int] | None:
    """How many train rows break a dependency, and of how many; ``None`` where there are none to try."""
    return tryout.dependency_breaks(workspace.store, dataset, dependency)


def save_schema(workspace: Base, dataset: str, schema: Schema, *, base: Schema | None = None) -> Schema:
    """Check a schema as ``schema check`` does and set it. base : the schema it was made from, if that must still be there.

    Raises ``SchemaChanged`` where it is not, ``RuleError`` for rules, and ``DatasetError`` where real rows do not fit.
    Gives the schema as it is kept.
    """
    if base is not None and datasets.get(workspace.store, dataset).schema != base:
        raise SchemaChanged(
            f"the schema of '{dataset}' was changed elsewhere since it was opened here",
            "look at what is there now, or save yours in its place",
        )
    check_schema(schema)
    return datasets.set_schema(workspace.store, dataset, schema).schema
