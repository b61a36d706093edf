"""Sheets: a table laid out so that a row fits the model's context, whole or in several passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localsynth.core.cells import write_row
from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Message
from localsynth.core.schema import Schema

from .layout import Layout
from .prompts import aligned_prompt, header

__all__ = ["Neighbours", "Sheet", "line_of", "most", "pack", "sheet_prompt"]


@dataclass(frozen=True)
class Sheet:
    """What is written under one prompt. before : columns shown and given; own : those written; both in the row's order.

    examples : example rows in the prompt, at most.
    """

    before: tuple[str, ...]
    own: tuple[str, ...]
    examples: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """All columns shown, in the order they are written in."""
        return (*self.before, *self.own)

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {"before": list(self.before), "own": list(self.own), "examples": self.examples}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Sheet:
        """What ``dump`` gave."""
        return cls(tuple(data["before"]), tuple(data["own"]), int(data["examples"]))


def line_of(columns: Sequence[Column], row: Mapping[str, Any]) -> str:
    """A row as a line of a prompt, these columns alone."""
    return write_row(columns, [row[column.name] for column in columns])


def sheet_prompt(
    layout: Layout, columns: Sequence[Column], examples: Sequence[Mapping[str, Any]], level: int
) -> tuple[tuple[Message, ...], str]:
    """What the model reads where these columns are shown, and the line its answer begins with.

    Rules that read a column which is not shown are left out. level : of brevity.
    """
    schema = layout.task.schema
    if len(columns) < len(layout.columns):
        shown = {column.name for column in columns}
        kept = [rule for rule, names in zip(schema.rules, layout.rules, strict=True) if names <= shown]
        schema = schema.model_copy(update={"rules": tuple(kept)})
    lines = [line_of(columns, row) for row in examples]
    return aligned_prompt(schema, columns, lines, level), header(columns) + "\n"


class Neighbours:
    """Which columns a model should see when it writes others: those tied to them by rules and dependencies, the schema's
    target, then those that come first in a row. Texts are never among them, for they are long.

    columns : all that are written, in the row's order. rules : per rule the columns it reads.
    """

    def __init__(self, schema: Schema, columns: Sequence[Column], rules: Sequence[frozenset[str]]) -> None:
        self._order = {column.name: place for place, column in enumerate(columns)}
        self._texts = {column.name for column in columns if isinstance(column, TextColumn)}
        self._target = schema.target
        ties = [frozenset((d.dependent, *d.determinant)) for d in schema.dependencies]
        everything = frozenset(schema.names)  # a rule that names no column ties none
        self._ties = ties + [names for names in rules if names != everything]

    def of(self, own: Sequence[str], count: int) -> list[str]:
        """At most ``count`` columns before the first of ``own``, the most telling first."""
        tied = frozenset[str]().union(*(names for names in self._ties if names & set(own)))
        first = min(self._order[name] for name in own)
        earlier = [name for name, place in self._order.items() if place < first and name not in self._texts]
        earlier.sort(key=lambda name: (name not in tied, name != self._target, self._order[name]))
        return earlier[:count]

    def in_order(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names as a row has them."""
        return tuple(sorted(names, key=self._order.__getitem__))


def pack(
    names: Sequence[str],
    neighbours: Neighbours,
    fits: Callable[[Sheet], bool],
    *,
    beside: int,
    examples: int,
) -> tuple[Sheet, ...] | None:
    """The columns on as few sheets as fit, each beside up to ``beside`` columns that matter to it.

    ``None`` where a column does not fit even alone.
    """
    sheets: list[Sheet] = []
    at = 0
    while at < len(names):
        rest = names[at:]

        def sheet(size: int, beside: int = beside, rest: Sequence[str] = rest) -> Sheet:
            own = tuple(rest[:size])
            return Sheet(neighbours.in_order(neighbours.of(own, beside)), own, examples)

        size = most(lambda n: fits(sheet(n)), len(rest))
        if size:
            sheets.append(sheet(size))
        else:
            # One column is all there is room for: then fewer stand beside it.
            fewer = most(lambda n: fits(sheet(1, n)), beside, least=0)
            if fewer is None:
                return None
            sheets.append(sheet(1, fewer))
            size = 1
        at += size
    return tuple(sheets)


def most(fits: Callable[[int], bool], limit: int, least: int = 1) -> int | None:
    """The largest number from ``least`` to ``limit`` that fits, by halving; ``None`` where the least does not."""
    if limit < least or not fits(least):
        return None
    low, high = least, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
