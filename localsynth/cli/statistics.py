"""``statistics``: what a run was made to meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Format, FormatOption, RunArgument, WorkspaceOption, in_workspace, open_workspace
from .output import hint, print_records, say, warn

if TYPE_CHECKING:
    from localsynth.core.schema import Schema
    from localsynth.core.targets import Axis, Statistics

__all__ = ["register"]

_MARGINS = ["column", "cell", "share", "rows"]
_TABLES = ["table", "why", "columns", "cells", "share", "rows"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("statistics")(statistics)


def statistics(
    run: RunArgument = "last",
    tables: Annotated[
        bool, typer.Option("--tables", help="Joint tables of several columns instead of single columns.")
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    workspace: WorkspaceOption = None,
) -> None:
    """The target statistics a run was made from, cell by cell.

    share: of all rows. rows: how many the column's or the table's shares rest on, empty where nobody knows. The same with
    SQL: meta.margins and meta.tables.
    """
    from localsynth.core.errors import NotFound
    from localsynth.core.schema import Schema

    space = open_workspace(workspace)
    made = space.get_run(run)
    found = space.statistics(made)
    if found is None:
        raise NotFound(
            f"run {made.run_id} was given no target statistics",
            f"the method {made.method} reads none; `localsynth methods list` shows what each reads",
        )
    schema = Schema.model_validate_json(made.schema_json)
    rows = [*(_tables(schema, found) if tables else _margins(schema, found))]
    if format is Format.TABLE:
        rows = [row | {"share": round(row["share"], 4)} for row in rows]
    print_records(rows, format, _TABLES if tables else _MARGINS)
    _tell(found)
    if not tables and found.tables:
        hint(f"next: localsynth statistics {made.run_id} --tables{in_workspace(workspace)}")


def _margins(schema: Schema, found: Statistics) -> Iterator[dict[str, Any]]:
    for margin in found.margins:
        (labels,) = _labels(schema, [margin.axis])
        for label, share in zip(labels, margin.shares, strict=True):
            yield {
                "column": margin.axis.column,
                "cell": label,
                "share": share,
                "rows": _rows(margin.total),
            }


def _tables(schema: Schema, found: Statistics) -> Iterator[dict[str, Any]]:
    for number, table in enumerate(found.tables, 1):
        for cells, share in zip(product(*_labels(schema, table.axes)), table.shares, strict=True):
            yield {
                "table": number,
                "why": table.why,
                "columns": " × ".join(table.columns),
                "cells": " × ".join(cells),
                "share": share,
                "rows": _rows(table.total),
            }


def _labels(schema: Schema, axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    from localsynth.core.celllabels import cell_labels

    return [cell_labels(schema.column(axis.column), axis) for axis in axes]


def _rows(total: float) -> int | None:
    return round(total) if total else None


def _tell(found: Statistics) -> None:
    """Where they are from, and how to handle them."""
    if found.origin == "rows":
        warn("these are exact counts of real rows: handle them as you handle the rows")
    elif found.budget is not None:
        budget = found.budget
        say(
            f"counted with noise: epsilon = {budget.epsilon:g}, delta = {budget.delta:g} for all of them together"
        )
    else:
        say("published statistics, as they were read from a file")
    for note in found.notes:
        say(f"note: {note}")
