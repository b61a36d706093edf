"""Base cells: one column cut so finely that the axes of its margin and of all its tables are made of the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.columns import BooleanColumn, Column
from localsynth.core.targets import Axis, Margin
from localsynth.tables import arrow_type

from .axes import cell_label, conform, mapping, refine, span_of
from .cells import codes as cell_codes
from .quantiles import Quantiles
from .values import from_whole

__all__ = ["Base", "Implied", "by_code"]

Array: TypeAlias = np.ndarray[Any, Any]
_CYCLES = 100


@dataclass(frozen=True)
class Implied:
    """What a table says of one of its columns. axis : of the table, conformed. shares : of its cells, 0 where it is silent.
    known : where it is not.
    """

    axis: Axis
    shares: Array
    known: Array


@dataclass(frozen=True)
class Base:
    """The base cells of a column.

    axis : its cells. margin : the target, cut to what the schema allows. shares : of the base cells.
    quantiles : of an ordered column, for each cell with values. lost : the share of cells that the schema forbids.
    """

    column: Column
    axis: Axis
    margin: Margin
    shares: Array
    quantiles: tuple[Quantiles, ...]
    lost: float

    @classmethod
    def of(cls, column: Column, margin: Margin, implied: Sequence[Implied]) -> Base:
        """From a margin and what tables say of the column; see :func:`localsynth.align.axes.span_of` for errors."""
        span = span_of(margin.axis, column)
        axis, source = conform(margin.axis, span, column)
        kept = np.array(margin.shares, np.float64)[source]
        lost = 1.0 - float(kept.sum())
        kept = kept / kept.sum() if kept.sum() > 0 else np.full(axis.size, 1 / axis.size)
        cells = [
            Quantiles.of(low, high, margin.inner[at] if margin.inner else ()).part(*piece)
            for at, piece in zip(source, zip(axis.edges, axis.edges[1:], strict=False), strict=False)
            for low, high in [_ends(margin.axis, at, piece)]
        ]
        own = margin
        if axis != margin.axis or lost > 0:
            inner = tuple(one.inner() for one in cells) if margin.inner else ()
            own = Margin(axis, tuple(kept.tolist()), margin.total, inner)
        base = refine([axis, *(one.axis for one in implied)])
        above = mapping(base, axis)
        quantiles = tuple(
            cells[at].part(low, high)
            for at, low, high in zip(above, base.edges, base.edges[1:], strict=False)
        )
        within = _within(base, above, cells)
        if base.size > axis.size and not (margin.inner and base.edges):
            within = _informed(kept[above] * within, base, above, kept, implied)
        else:
            within = kept[above] * within
        return cls(column, base, own, within, quantiles, lost)

    def encode(self, cells: pa.ChunkedArray | pa.Array) -> Array:
        """The base cell of each value (int32); -1 where a value, or that it is missing, lies in none."""
        return cell_codes(cells, self.axis, self.column)

    def decode(self, codes: Array, rng: np.random.Generator) -> pa.Array:
        """A value for each base cell: numbers by the cell's quantiles, one from each of as many equally likely parts as the
        cell has rows, so that the shape within a cell is met; labels that share a cell in equal numbers. Texts stay NULL.
        """
        kind, missing = arrow_type(self.column), codes >= self.axis.present
        if self.axis.edges:
            values = np.full(len(codes), self.axis.edges[0], np.int64)
            for cell, rows in by_code(codes, self.axis.present):
                values[rows] = rng.permutation(self.quantiles[cell].spread(len(rows), rng))
            return from_whole(self.column, values, missing)
        if not self.axis.labels:
            return pa.nulls(len(codes), kind)
        first = np.cumsum([0, *(len(cell) for cell in self.axis.labels)])
        at = first[np.minimum(codes, self.axis.present)]
        if first[-1] > self.axis.present:
            for cell, rows in by_code(codes, self.axis.present):
                own = np.arange(len(rows)) % len(self.axis.labels[cell])
                at[rows] += rng.permutation(own)
        labels = [value for cell in self.axis.labels for value in cell]
        words = pa.array(labels, pa.string()).take(pa.array(at, mask=missing if missing.any() else None))
        return words.cast(kind) if isinstance(self.column, BooleanColumn) else words

    def label(self, cell: int) -> str:
        """A base cell in words."""
        return cell_label(self.column, self.axis, cell)


def by_code(codes: Array, most: int) -> list[tuple[int, Array]]:
    """Which rows have each code below ``most``, for those that occur."""
    order = np.argsort(codes.astype(np.int16) if most < 2**15 - 1 else codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=most + 1)[:most])
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    return [(cell, order[starts[cell] : ends[cell]]) for cell in np.flatnonzero(ends > starts).tolist()]


def _ends(axis: Axis, at: int, piece: tuple[int, int]) -> tuple[int, int]:
    """The ends of the margin's own cell that a piece was cut from; an axis of one cell for all values has none."""
    return (axis.edges[at], axis.edges[at + 1]) if axis.edges else piece


def _within(base: Axis, above: Array, cells: Sequence[Quantiles]) -> Array:
    """What part of its margin's cell each base cell has, as far as the margin itself tells."""
    if base.edges:
        parts = [
            cells[at].below(high) - cells[at].below(low)
            for at, low, high in zip(above, base.edges, base.edges[1:], strict=False)
        ]
    elif base.labels:
        widths = np.bincount(above[: base.present], [len(cell) for cell in base.labels])
        parts = [len(cell) / widths[at] for at, cell in zip(above, base.labels, strict=False)]
    else:
        parts = [1.0]
    return np.array([*parts, 1.0] if base.missing else parts)


def _informed(shares: Array, base: Axis, above: Array, margin: Array, implied: Sequence[Implied]) -> Array:
    """Shares within the margin's cells after tables that cut finer; the margin's own cells keep theirs."""
    finer = [(mapping(base, one.axis), one) for one in implied if one.shares.sum() > 0]
    for _ in range(_CYCLES):
        before = shares
        for place, one in finer:
            found = np.bincount(place, shares, one.axis.size)
            wanted = np.where(one.known, one.shares * found[one.known].sum(), found)
            shares = shares * _ratio(wanted, found)[place]
        found = np.bincount(above, shares, len(margin))
        # A cell that a table empties, but not the margin, falls back to what it was before.
        lost = (found <= 0) & (margin > 0)
        shares = np.where(lost[above], before, shares)
        found = np.bincount(above, shares, len(margin))
        shares = shares * _ratio(margin, found)[above]
        if np.abs(shares - before).max() < 1e-12:
            break
    return shares


def _ratio(wanted: Array, found: Array) -> Array:
    return np.divide(wanted, found, out=np.zeros(len(found), np.float64), where=found > 0)
