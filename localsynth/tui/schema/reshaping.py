"""Columns added, renamed, removed and moved; what names a column goes with it. Every result is a valid schema."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from localsynth.core.schema import Dependency, Schema
from localsynth.tui.sql.completion import quoted

from .draft import column_data, with_table

__all__ = ["added", "moved", "removed", "renamed"]

#: Comments, texts, names in quotes, other words: what looks like a name inside the first two is none.
_PARTS = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"((?:[^"]|"")*)"|([^\W\d]\w*)""", re.DOTALL)


def added(schema: Schema, at: int) -> Schema:
    """With a new column of text at a place, under a name that is free; to be changed by a person."""
    taken = {name.lower() for name in schema.names}
    name = next(name for number in range(1, len(taken) + 2) if (name := f"column_{number}") not in taken)
    columns: list[Any] = list(schema.columns)
    columns.insert(at, {"name": name, "kind": "text"})
    return with_table(schema, columns=columns)


def moved(schema: Schema, at: int, to: int) -> Schema:
    """With the column at one place at another."""
    columns = list(schema.columns)
    columns.insert(to, columns.pop(at))
    return with_table(schema, columns=columns)


def renamed(schema: Schema, at: int, name: str) -> Schema:
    """With another name for the column at a place, in rules, dependencies and examples, too. Raises ``SchemaError``."""
    old = schema.columns[at].name
    if name == old:
        return schema

    def new(one: str) -> str:
        return name if one == old else one

    columns: list[Any] = list(schema.columns)
    columns[at] = column_data(columns[at]) | {"name": name}
    return with_table(
        schema,
        columns=columns,
        target=None if schema.target is None else new(schema.target),
        dependencies=[
            Dependency(determinant=tuple(map(new, one.determinant)), dependent=new(one.dependent))
            for one in schema.dependencies
        ],
        examples=[{new(key): value for key, value in one.items()} for one in schema.examples],
        rules=[
            rule.model_copy(update={"check": _replaced(rule.check, old, lambda _: quoted(name))})
            for rule in schema.rules
        ],
    )


def removed(schema: Schema, at: int) -> tuple[Schema, str]:
    """Without the column at a place and without what speaks of it; what that was, in words. Raises ``SchemaError``."""
    name = schema.columns[at].name
    rules = [rule for rule in schema.rules if not _mentions(rule.check, name)]
    dependencies = [
        one for one in schema.dependencies if name not in {*one.determinant, one.dependent}
    ]  # fmt: skip
    examples = [{key: value for key, value in one.items() if key != name} for one in schema.examples]
    found = with_table(
        schema,
        columns=[column for place, column in enumerate(schema.columns) if place != at],
        target=None if schema.target == name else schema.target,
        rules=rules,
        dependencies=dependencies,
        examples=[one for one in examples if one],
    )
    gone = [
        one if fewer == 1 else f"{fewer:,} {many}"
        for one, many, fewer in (
            ("1 rule", "rules", len(schema.rules) - len(rules)),
            ("1 dependency", "dependencies", len(schema.dependencies) - len(dependencies)),
        )
        if fewer
    ]
    return found, " and ".join(gone)


def _mentions(check: str, name: str) -> bool:
    return _replaced(check, name, lambda text: f"{text} ") != check


def _replaced(check: str, name: str, new: Callable[[str], str]) -> str:
    """A condition with something else for each place that names a column; SQL takes no notice of case."""

    def other(part: re.Match[str]) -> str:
        inside, plain = part.groups()
        named = inside.replace('""', '"') if inside is not None else plain
        calls = plain is not None and check[part.end() :].lstrip().startswith("(")
        return new(part[0]) if named is not None and named.lower() == name.lower() and not calls else part[0]

    return _PARTS.sub(other, check)
