"""Margins and tables of one publication put together: what is not published taken from the schema, what contradicts told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from localsynth.core.columns import Column, IdentifierColumn
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics

from .agreeing import contradiction, summed, uncovered
from .margins import PublishedMargin, declared
from .tables import PublishedTable
from .wrong import Wrong

__all__ = ["assembled"]

_BEYOND = 0.001  # a table may leave out so much of a column


def assembled(
    schema: Schema, given: Mapping[str, PublishedMargin], tables: Sequence[PublishedTable], source: str
) -> Statistics:
    """Raises ``Wrong`` where a column has no margin at all."""
    margins: dict[str, PublishedMargin] = {}
    notes: list[str] = []
    lacking: list[str] = []
    for column in schema.columns:
        if isinstance(column, IdentifierColumn):
            continue
        found = given.get(column.name) or _taken(column, tables)
        if found is None:
            lacking.append(column.name)
            continue
        margins[column.name] = found
        notes.extend(found.told)
        if column.nullable and column.null_rate is None and found.margin.shares[-1] == 0:
            notes.append(f"'{column.name}' may be empty, but nothing tells how often: it never is")
    if lacking:
        raise Wrong(
            f"nothing tells how the values of {', '.join(lacking)} are distributed",
            hint="give each a margin or a table, or a distribution in the schema",
        )
    for table in tables:
        notes.extend((*table.told, *_told(schema, table, margins)))
    return Statistics(
        tuple(found.margin for found in margins.values()),
        tuple(found.table for found in tables),
        "file",
        source,
        tuple(dict.fromkeys(notes)),
    )


def _taken(column: Column, tables: Sequence[PublishedTable]) -> PublishedMargin | None:
    """From the schema's own distribution, else from the first of the tables with most cells of the column."""
    margin = declared(column)
    if margin is not None:
        return PublishedMargin(margin)
    having = [table for table in tables if column.name in table.table.columns]
    if not having:
        return None

    def cells(table: PublishedTable) -> int:
        return table.table.axes[table.table.columns.index(column.name)].present

    best = max(having, key=cells)
    axis = best.table.axes[best.table.columns.index(column.name)]
    shares = summed(best.table, column.name)
    if column.nullable and not axis.missing:
        empty = column.null_rate or 0.0
        axis = Axis(column.name, axis.labels, axis.edges, missing=True)
        shares = (*(share * (1 - empty) for share in shares), empty)
    slack = best.slack * len(best.table.shares) / axis.size
    return PublishedMargin(Margin(axis, shares, best.table.total), slack)


def _told(schema: Schema, found: PublishedTable, margins: Mapping[str, PublishedMargin]) -> Iterator[str]:
    """Whom a table leaves out, and what it contradicts."""
    table = found.table
    out = {axis.column: uncovered(margins[axis.column].margin, axis) for axis in table.axes}
    for axis in table.axes:
        column, own = schema.column(axis.column), margins[axis.column]
        if out[axis.column] > _BEYOND:
            yield (
                f"the table of {', '.join(table.columns)} tells nothing of the {out[axis.column]:.1%} of rows whose"
                f" '{axis.column}' is in none of its cells"
            )
        others = sum(share for name, share in out.items() if name != axis.column)
        words = contradiction(column, table, own.margin, max(found.slack, own.slack), others)
        if words:
            yield words
