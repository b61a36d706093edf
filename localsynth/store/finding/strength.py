"""How much columns say about each other, for putting them in order."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from localsynth.core.schema import Schema
from localsynth.core.seeds import derive

from .coding import Array, Coded
from .numbers import numbers_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cardinalities", "strengths"]

_BINS, _LEVELS = 10, 30
_ROWS, _FEWEST, _COUNTED = 50_000, 2_000, 10**9  # rows looked at; cells counted over all pairs


def strengths(table: pa.Table, schema: Schema) -> dict[frozenset[str], float]:
    """Normalised mutual information of each pair of columns, 0 to 1: I / sqrt(H H), less its bias (Miller and Madow 1955).

    Ordered columns in ten bins of equal counts, others by their most frequent values; a missing value is a value.
    """
    rows = table.select(list(schema.names))
    most = min(_ROWS, max(_FEWEST, _COUNTED // max(comb(rows.num_columns, 2), 1)))
    if rows.num_rows > most:
        rng = np.random.default_rng(derive(0, "finding", "strength"))
        rows = rows.take(np.sort(rng.choice(rows.num_rows, most, replace=False)))
    cells = _cells(rows, schema)
    alone = {name: _entropy(np.bincount(codes)) for name, codes in cells.items()}
    found = {}
    for one, other in combinations(cells, 2):
        width = int(cells[other].max(initial=0)) + 1
        together = np.bincount(cells[one] * width + cells[other])
        levels = (int(cells[one].max(initial=0)), width - 1)
        shared = alone[one] + alone[other] - _entropy(together)
        shared -= levels[0] * levels[1] / (2 * max(rows.num_rows, 1))
        scale = float(np.sqrt(alone[one] * alone[other]))
        found[frozenset((one, other))] = min(1.0, max(0.0, shared / scale)) if scale > 0 else 0.0
    return found


def cardinalities(table: pa.Table, schema: Schema) -> dict[str, int]:
    """Different values of each column; a missing one does not count."""
    import pyarrow.compute as pc

    return {
        name: int(pc.count_distinct(table.column(name), mode="only_valid").as_py()) for name in schema.names
    }


def _cells(rows: pa.Table, schema: Schema) -> dict[str, Array]:
    ordered = {one.name: one.values for one in numbers_of(rows, schema)}
    with Coded(rows, schema) as coded:
        return {
            column.name: _binned(ordered[column.name])
            if column.name in ordered and coded.distinct[at] > _BINS
            else _frequent(coded.codes[at])
            for at, column in enumerate(coded.columns)
        }


def _binned(values: Array) -> Array:
    present = ~np.isnan(values)
    edges = np.unique(np.quantile(values[present], np.arange(1, _BINS) / _BINS))
    return np.where(present, np.searchsorted(edges, values, "right") + 1, 0).astype(np.int64)


def _frequent(codes: Array) -> Array:
    counts = np.bincount(codes + 1)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(counts), np.int64)
    place[order] = np.minimum(np.arange(len(counts)), _LEVELS)
    cells: Array = place[codes + 1]
    return cells


def _entropy(counts: Array) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
