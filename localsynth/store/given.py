"""Statistics that a run was given, kept with it: nothing is counted, or drawn with noise, a second time.

``meta.statistics`` holds them whole, as JSON; the views ``meta.margins`` and ``meta.tables`` show their cells as rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from localsynth.core.celllabels import cell_labels
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Statistics

from . import clock
from .budgets import book_in, booked, dataset_of
from .rows import insert_arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Store

__all__ = ["Given", "Name", "latest", "put", "read_all"]

Name: TypeAlias = Literal["given", "margins", "tables"]


@dataclass(frozen=True)
class Given:
    """name : ``given`` for all that a file holds, else what was asked for. question : the arguments, as text.
    part : of what; of a run of members those of first members and of others stand beside those of all (empty).
    """

    name: Name
    question: str
    statistics: Statistics
    part: str = ""


def put(store: Store, run_id: str, schema: Schema, given: Given) -> None:
    """Keep what a run is about to be given. Raises ``RunError`` where there is no such run (yet)."""
    import pyarrow as pa

    statistics, budget = given.statistics, given.statistics.budget
    cells = [*_margin_cells(schema, statistics)] if given.name != "tables" else []
    cells += _table_cells(schema, statistics)
    with store.write() as con:
        dataset = dataset_of(con, run_id)
        if budget is not None and not booked(con, run_id):
            book_in(con, run_id, budget)  # nothing under a budget is kept that is not in its ledger
        (position,) = con.execute(
            "SELECT count(*) + 1 FROM meta.statistics WHERE run_id = ?", [run_id]
        ).fetchall()[0]
        row = {
            "dataset": pa.array([dataset], pa.string()),
            "run_id": pa.array([run_id], pa.string()),
            "name": pa.array([f"{given.part} {given.name}".strip()], pa.string()),
            "question": pa.array([given.question], pa.string()),
            "origin": pa.array([statistics.origin], pa.string()),
            "value_json": pa.array([statistics.to_json()], pa.string()),
            "cells": pa.array([cells], _cells_type()),
            "epsilon": pa.array([budget.epsilon if budget else None], pa.float64()),
            "delta": pa.array([budget.delta if budget else None], pa.float64()),
            "position": pa.array([position], pa.int32()),
            "made_at": pa.array([clock.now()], pa.timestamp("us")),
        }
        insert_arrow(con, "meta.statistics", pa.table(row))


def read_all(store: Store, run_id: str) -> list[Given]:
    """All that a run was given, in order."""
    with store.read() as con:
        rows = con.execute(
            "SELECT name, question, value_json FROM meta.statistics WHERE run_id = ? ORDER BY position",
            [run_id],
        ).fetchall()
    return [_given(name, question, text) for name, question, text in rows]


def _given(stored: str, question: str, text: str) -> Given:
    part, _, name = stored.rpartition(" ")
    return Given(cast("Name", name), question, Statistics.from_json(text), part)


def latest(store: Store, run_id: str) -> Statistics | None:
    """The statistics a run aims at: the last it was given, those with tables first; ``None`` where it asked for none."""
    found = {given.name: given.statistics for given in read_all(store, run_id) if not given.part}
    for name in ("tables", "margins", "given"):
        if name in found:
            return found[name]
    return None


# --- cells as rows ----------------------------------------------------------------------------------------------------


def _cells_type() -> pa.DataType:
    import pyarrow as pa

    words = pa.list_(pa.string())
    return pa.list_(
        pa.struct(
            [
                ("table_no", pa.int32()),
                ("why", pa.string()),
                ("columns", words),
                ("cells", words),
                ("share", pa.float64()),
                ("total", pa.float64()),
            ]
        )
    )


def _margin_cells(schema: Schema, statistics: Statistics) -> Iterator[dict[str, Any]]:
    for margin in statistics.margins:
        yield from _cells(schema, 0, "margin", [margin.axis], margin.shares, margin.total)


def _table_cells(schema: Schema, statistics: Statistics) -> Iterator[dict[str, Any]]:
    for number, table in enumerate(statistics.tables, 1):
        yield from _cells(schema, number, table.why, table.axes, table.shares, table.total)


def _cells(
    schema: Schema, number: int, why: str, axes: Sequence[Axis], shares: Sequence[float], total: float
) -> Iterator[dict[str, Any]]:
    columns = [axis.column for axis in axes]
    labels = product(*(cell_labels(schema.column(axis.column), axis) for axis in axes))
    for cells, share in zip(labels, shares, strict=True):
        yield {
            "table_no": number,
            "why": why,
            "columns": columns,
            "cells": list(cells),
            "share": share,
            "total": total,
        }
