"""Rows that belong to other rows (the persons of a household), each beside what it belongs to: one wide table.

A wide row has the parent's columns, the member's number among its parent's members (from 1), what the first member is, and the
member's own columns. Rules across levels, statistics and the methods that make members all speak of such rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from .columns import Column, FloatColumn, IdentifierColumn, IntegerColumn, TextColumn
from .errors import DatasetError, SchemaError
from .nearest import nearest
from .schema import Rule, Schema
from .steps import range_of

__all__ = ["FIRST", "MEMBER", "MOST_MEMBERS", "Wide", "check_link", "widen"]

#: The column of a member's number, and how the columns of the first member begin.
MEMBER, FIRST = "member", "first_"
#: Of one parent.
MOST_MEMBERS = 1000


@dataclass(frozen=True)
class Wide:
    """Members beside what they belong to. A name that is taken is led by the parent's name, or ends in ``_``.

    schema : of the wide rows, with the members' rules and then those across levels. firsts : the same of first members, who
    have no first member beside them. counted : of the other members, with differences. parent : wide name -> the parent's
    column; member : the member's number; first : wide name -> column of the first member, empty in the first member's own
    row. own : the members' own columns, identifiers left out. differences : name -> an ordered column of the member and that of
    the first it is counted from, in whole numbers as :mod:`~localsynth.core.targets` has them.
    """

    schema: Schema
    firsts: Schema
    counted: Schema
    parent: dict[str, str]
    member: str
    first: dict[str, str]
    own: tuple[str, ...]
    differences: dict[str, tuple[str, str]]

    @property
    def given(self) -> tuple[str, ...]:
        """The columns that are there before a member is made."""
        return (*self.parent, self.member, *self.first)


def check_link(parent: Schema, members: Schema, key: str, size: str, *, names: tuple[str, str]) -> None:
    """Raise ``DatasetError`` where key and size cannot tie two tables. names : of the parent's dataset and the members'."""
    for schema, name in zip((parent, members), names, strict=True):
        if key not in schema.names:
            raise DatasetError(
                f"the key '{key}' is no column of '{name}'{nearest(key, schema.names)}",
                f"columns: {', '.join(schema.names)}",
            )
        if not isinstance(schema.column(key), IdentifierColumn):
            raise DatasetError(
                f"the key '{key}' is of kind {schema.column(key).kind} in '{name}', and must be an identifier",
                f"write kind = \"identifier\" for it in the schema of '{name}'",
            )
    if size not in parent.names:
        raise DatasetError(
            f"the size '{size}' is no column of '{names[0]}'{nearest(size, parent.names)}",
            f"columns: {', '.join(parent.names)}",
        )
    column = parent.column(size)
    if not isinstance(column, IntegerColumn) or column.nullable:
        raise DatasetError(
            f"the size '{size}' of '{names[0]}' must be an integer column that is never empty",
            "it says how many members each row has",
        )
    low, high = column.scaled_bounds
    if low < 0 or high > MOST_MEMBERS:
        raise DatasetError(
            f"the size '{size}' of '{names[0]}' ranges from {low:,} to {high:,}, but a row has 0 to {MOST_MEMBERS:,} members",
            "correct its range in the schema",
        )


def widen(parent_name: str, parent: Schema, members: Schema, size: str, rules: Sequence[Rule] = ()) -> Wide:
    """The wide table of a parent's schema and its members'. Raises ``SchemaError`` where names or rules clash."""
    taken = {name.lower() for name in members.names}

    def free(name: str) -> str:
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        return name

    own = [column for column in members.columns if not isinstance(column, IdentifierColumn)]
    above = [column for column in parent.columns if _told_apart(column)]
    parent_names = {
        free(column.name if column.name.lower() not in taken else f"{parent_name}_{column.name}"): column
        for column in above
    }
    member = free(MEMBER)
    first_names = {free(FIRST + column.name): column for column in own if _told_apart(column)}
    sized = parent.column(size)
    most = max(1, sized.scaled_bounds[1]) if isinstance(sized, IntegerColumn) else 1
    number = IntegerColumn(
        name=member,
        range=(1, most),
        description=f"number of the record among those of one row of {parent_name}",
    )
    beside = [
        *(_renamed(column, name, f"of {parent_name}") for name, column in parent_names.items()),
        number,
    ]
    first = [_renamed(column, name, "of record number 1") for name, column in first_names.items()]
    far = {
        free(f"{column.name}_less_{name}"): (column.name, name)
        for name, column in first_names.items()
        if range_of(column) is not None
    }
    less = [_difference(name, members.column(mine)) for name, (mine, _) in far.items()]
    labels = {rule.label for rule in members.rules}
    across = [
        rule
        if rule.label not in labels
        else rule.model_copy(update={"name": f"{rule.label} (across levels)"})
        for rule in rules
    ]
    about: dict[str, Any] = {
        "description": " ".join(text for text in (members.description, parent.description) if text),
        "population": members.population or parent.population,
        "target": members.target if members.target in {column.name for column in own} else None,
        "rules": (*members.rules, *across),
        "dependencies": tuple(
            one
            for one in members.dependencies
            if {*one.determinant, one.dependent} <= {column.name for column in own}
        ),
    }
    try:
        whole = Schema(columns=(*beside, *first, *own), **about)
        firsts = Schema(columns=(*beside, *own), **about)
        counted = Schema(columns=(*beside, *first, *own, *less), **about)
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise SchemaError(
            f"the members of '{parent_name}' and what they belong to make no one table: {reason}",
            "rename the column or the rule in one of the two schemas",
        ) from None
    return Wide(
        schema=whole,
        firsts=firsts,
        counted=counted,
        parent={name: column.name for name, column in parent_names.items()},
        member=member,
        first={name: column.name for name, column in first_names.items()},
        own=tuple(column.name for column in own),
        differences=far,
    )


def _told_apart(column: Column) -> bool:
    return not isinstance(column, IdentifierColumn | TextColumn)


def _difference(name: str, column: Column) -> Column:
    """Of what kind a difference is: days and minutes are whole numbers."""
    low, high = range_of(column) or (0, 0)
    far = high - low
    if isinstance(column, FloatColumn):
        step = 10.0**-column.decimals
        ends = (-far * step, far * step)
        return FloatColumn(name=name, range=ends, decimals=column.decimals, nullable=column.nullable)
    return IntegerColumn(name=name, range=(-far, far), nullable=column.nullable)


def _renamed(column: Column, name: str, of: str) -> Column:
    """The same column under another name, saying whose it is."""
    text = f"{column.description} ({of})" if column.description else of
    return column.model_copy(update={"name": name, "description": text})
