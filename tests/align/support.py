"""Statistics of generated tables, counted with numpy: what a run is given, made independently of the store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.align.cells import codes
from localsynth.align.values import whole
from localsynth.core.columns import Column
from localsynth.core.schema import Schema
from localsynth.core.steps import levels, range_of
from localsynth.core.targets import Axis, Margin, Statistics, Table
from localsynth.tables import arrow_schema

Array = np.ndarray[Any, Any]

CLINIC = Schema.from_toml(
    """
target = "ill"
[[columns]]
name = "age"
kind = "integer"
range = [18, 90]
[[columns]]
name = "band"
kind = "categorical"
categories = ["young", "middle", "old"]
[[columns]]
name = "dose"
kind = "float"
range = [0.0, 20.0]
decimals = 1
nullable = true
[[columns]]
name = "seen"
kind = "date"
range = [2023-01-01, 2024-12-31]
[[columns]]
name = "moment"
kind = "datetime"
range = [2023-01-01T08:00:00, 2023-01-02T18:30:00]
[[columns]]
name = "ill"
kind = "boolean"
[[columns]]
name = "note"
kind = "text"
nullable = true
"""
)


def clinic(n: int, seed: int = 0) -> pa.Table:
    """Rows with structure: older people are ill more often and get more."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(50, 17, n), 18, 90).round().astype(int)
    ill = rng.random(n) < (age - 10) / 100
    dose = np.clip(np.round(rng.gamma(2, 2, n) * (1 + ill), 1), 0, 20)
    days = rng.integers(0, 731, n)
    return pa.table(
        {
            "age": pa.array(age, pa.int64()),
            "band": pa.array(np.array(["young", "middle", "old"])[np.digitize(age, [35, 60])]),
            "dose": pa.array(dose, pa.float64(), mask=rng.random(n) < 0.1),
            "seen": pa.array((days + 19358).astype(np.int32)).cast(pa.date32()),
            "moment": pa.array((rng.integers(0, 2070, n) + 19358 * 1440 + 480) * 60_000_000).cast(
                pa.timestamp("us")
            ),
            "ill": pa.array(ill),
            "note": pa.array([None if r < 0.5 else "text" for r in rng.random(n)], pa.string()),
        },
        schema=arrow_schema(CLINIC),
    )


def axis_of(column: Column, cells: pa.ChunkedArray, bins: int) -> Axis:
    """Quantile bins, or every category; a cell for missing values where there are any."""
    missing = cells.null_count > 0
    limits, labels = range_of(column), levels(column)
    if limits is not None:
        values, gone = whole(column, cells)
        inner = np.unique(np.quantile(values[~gone], np.arange(1, bins) / bins).round().astype(int))
        inside = [int(edge) for edge in inner if limits[0] < edge <= limits[1]]
        return Axis(column.name, edges=(limits[0], *inside, limits[1] + 1), missing=missing)
    return Axis(column.name, labels=tuple((label,) for label in labels or ()), missing=missing)


def margin_of(column: Column, cells: pa.ChunkedArray, bins: int) -> Margin:
    axis = axis_of(column, cells, bins)
    place = codes(cells, axis, column)
    inner: list[tuple[int, ...]] = []
    if axis.edges:
        values, _ = whole(column, cells)
        for cell in range(axis.present):
            own = values[place == cell]
            knots = np.quantile(own, np.linspace(0, 1, 9)).round().astype(int) if len(own) > 20 else []
            inner.append(tuple(int(knot) for knot in knots))
    shares = np.bincount(place, minlength=axis.size) / len(place)
    return Margin(axis, tuple(shares.tolist()), float(len(place)), tuple(inner))


def table_of(schema: Schema, rows: pa.Table, axes: Sequence[Axis], why: str = "strongest") -> Table:
    shape = [axis.size for axis in axes]
    flat = np.ravel_multi_index(
        [codes(rows.column(axis.column), axis, schema.column(axis.column)) for axis in axes], shape
    )
    shares = np.bincount(flat, minlength=int(np.prod(shape))) / len(flat)
    return Table(tuple(axes), tuple(shares.tolist()), float(len(flat)), why)


def statistics_of(
    schema: Schema, rows: pa.Table, bins: int = 5, leave: Sequence[str] = ("note",)
) -> Statistics:
    """Margins of all columns and tables of all pairs but with those of ``leave``."""
    margins = tuple(margin_of(column, rows.column(column.name), bins) for column in schema.columns)
    axes = [margin.axis for margin in margins if margin.axis.column not in leave]
    return Statistics(margins, tuple(table_of(schema, rows, pair) for pair in combinations(axes, 2)))


def shares_of(
    schema: Schema, *margins: tuple[Axis, Sequence[float]], tables: Sequence[Table] = ()
) -> Statistics:
    return Statistics(tuple(Margin(axis, tuple(shares)) for axis, shares in margins), tuple(tables), "file")
