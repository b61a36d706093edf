"""Which columns a rule reads, and which columns must move between rows together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from localsynth.core.schema import Dependency, Schema

__all__ = ["rule_columns", "units_of"]


def rule_columns(schema: Schema) -> list[frozenset[str]]:
    """Per rule the columns it may depend on; all of them where none can be made out.

    Only a guide to where repair looks first: a column too many costs time, and the rule itself is always checked whole.
    """
    found = []
    for rule in schema.rules:
        quoted = {name.replace('""', '"').lower() for name in re.findall(r'"((?:[^"]|"")+)"', rule.check)}
        bare = re.sub(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""", " ", rule.check).lower()
        names = {
            name
            for name in schema.names
            if name.lower() in quoted or re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", bare)
        }
        found.append(frozenset(names or schema.names))
    return found


def units_of(names: Sequence[str], dependencies: Sequence[Dependency]) -> list[tuple[str, ...]]:
    """Columns that must move together: those tied by dependencies, directly or through others; else one by one."""
    group = {name: name for name in names}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for dependency in dependencies:
        tied = [name for name in (*dependency.determinant, dependency.dependent) if name in group]
        for name in tied[1:]:
            group[root(name)] = root(tied[0])
    units: dict[str, list[str]] = {}
    for name in names:
        units.setdefault(root(name), []).append(name)
    return [tuple(unit) for unit in units.values()]
