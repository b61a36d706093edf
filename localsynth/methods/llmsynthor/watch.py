"""What has been made so far against the targets, for the faithful mode: main bins, sub-bins, joint cells.

Source: LLMSynthor, discretisation and discrepancy (arXiv 2505.14752, sections 3-4 and appendix A).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.axes import conform, span_of
from localsynth.align.cells import codes
from localsynth.align.quantiles import Quantiles
from localsynth.core.columns import Column
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Origin, Statistics, Table

from .columns import planned
from .discretion import tellable
from .spelling import labels

__all__ = ["Joint", "Variable", "Watch"]

Array: TypeAlias = np.ndarray[Any, Any]
_PARTS = 8  # equally wide sub-bins of the bin that lacks most


class Variable:
    """One column: its cells, those of an ordered column each in up to 8 sub-bins, what is wanted and what is there.

    axis : the main bins. fine : the sub-bins of all of them. parent : the main bin of each sub-bin. target : of the sub-bins.
    """

    def __init__(self, column: Column, margin: Margin) -> None:
        self.column, self.name = column, column.name
        span = span_of(margin.axis, column)
        self.axis, source = conform(margin.axis, span, column)
        shares = np.where(source >= 0, np.array(margin.shares)[source], 0.0)
        edges: list[int] = []
        parent: list[int] = []
        target: list[float] = []
        for cell in range(self.axis.present if self.axis.edges else 0):
            low, high = self.axis.edges[cell], self.axis.edges[cell + 1]
            at = int(source[cell])
            whole = margin.axis.edges[at : at + 2] if at >= 0 and margin.axis.edges else (low, high)
            inner = margin.inner[at] if margin.inner and at >= 0 else ()
            within = Quantiles.of(whole[0], whole[1], inner).part(low, high)
            cuts = np.unique(np.rint(np.linspace(low, high, _PARTS + 1)).astype(np.int64)).tolist()
            below = [within.below(cut) for cut in cuts]
            edges += cuts[:-1]
            parent += [cell] * (len(cuts) - 1)
            target += [float(shares[cell]) * (b - a) for a, b in pairwise(below)]
        if edges:
            self.fine = Axis(self.name, edges=(*edges, self.axis.edges[-1]), missing=self.axis.missing)
            if self.axis.missing:
                parent.append(self.axis.size - 1)
                target.append(float(shares[-1]))
            self.parent, wanted = np.array(parent), np.array(target)
        else:
            self.fine, self.parent, wanted = self.axis, np.arange(self.axis.size), shares
        self.target = wanted / wanted.sum() if wanted.sum() > 0 else np.full(len(wanted), 1 / len(wanted))
        self.counts: Array = np.zeros(len(self.target), np.int64)

    def cells(self) -> tuple[list[tuple[int, int] | int], list[str], Array]:
        """The cells as guidance shows them: (low, high) both included, or the number of a nominal cell; labels; gaps.

        Of an ordered column the main bin that lacks most stands there as its sub-bins. A gap is the target's share less the
        present one.
        """
        gap = self.target - self.counts / max(1, int(self.counts.sum()))
        main = np.bincount(self.parent, gap, self.axis.size)
        if not self.axis.edges:
            return list(range(self.axis.size)), list(labels(self.column, self.axis)), main
        worst = int(np.argmax(main[: self.axis.present]))
        inside = np.flatnonzero(self.parent[: self.fine.present] == worst)
        edges = [
            *self.axis.edges[:worst],
            *self.fine.edges[inside[0] : inside[-1] + 1],
            *self.axis.edges[worst + 1 :],
        ]
        gaps = [*main[:worst], *gap[inside], *main[worst + 1 :]]
        shown = Axis(self.name, edges=tuple(edges), missing=self.axis.missing)
        spans: list[tuple[int, int] | int] = [(low, high - 1) for low, high in pairwise(edges)]
        spans += [self.axis.present] if self.axis.missing else []
        return spans, list(labels(self.column, shown)), np.array(gaps)

    def count(self, cells: pa.ChunkedArray) -> None:
        """Take note of made values."""
        found = codes(cells, self.fine, self.column)
        self.counts += np.bincount(found[found >= 0], minlength=len(self.counts))


class Joint:
    """The joint table of a group. counts : rows made, flat."""

    def __init__(self, schema: Schema, table: Table, origin: Origin = "rows") -> None:
        """origin : of the statistics; of exact counts, cells of few rows are never named, nor what tells of them."""
        self.columns = [schema.column(name) for name in table.columns]
        self.names, self.axes = table.columns, table.axes
        self.target = np.array(table.shares)
        self._shown = tellable(table, origin)
        self.counts: Array = np.zeros(len(self.target), np.int64)

    def gaps(self) -> Array:
        """Target share less present share, flat; 0 where that must not be told."""
        return np.where(self._shown, self.target - self.counts / max(1, int(self.counts.sum())), 0.0)

    def labels(self, cells: Sequence[int]) -> list[str]:
        """Some of its cells in words."""
        shape = [axis.size for axis in self.axes]
        words = [labels(column, axis) for column, axis in zip(self.columns, self.axes, strict=True)]
        places = np.unravel_index(np.array(cells, np.int64), shape)
        return [
            " & ".join(
                f"{name} = {own[int(at)]}" for name, own, at in zip(self.names, words, place, strict=True)
            )
            for place in zip(*places, strict=True)
        ]

    def count(self, table: pa.Table) -> None:
        """Take note of made rows."""
        flat, inside = np.zeros(table.num_rows, np.int64), np.ones(table.num_rows, np.bool_)
        for name, column, axis in zip(self.names, self.columns, self.axes, strict=True):
            own = codes(table[name], axis, column)
            inside &= own >= 0
            flat = flat * axis.size + np.maximum(own, 0)
        self.counts += np.bincount(flat[inside], minlength=len(self.counts))


class Watch:
    """All columns and groups."""

    def __init__(self, schema: Schema, statistics: Statistics, groups: Sequence[Sequence[str]]) -> None:
        self.variables = [Variable(column, statistics.margin(column.name)) for column in planned(schema)]
        wanted = [set(group) for group in groups]
        # A table given for another reason may be that of a group; a group without any is dropped.
        tables = {frozenset(table.columns): table for table in reversed(statistics.tables)}
        self.joints = [
            Joint(schema, tables[frozenset(group)], statistics.origin)
            for group in wanted
            if frozenset(group) in tables
        ]

    def count(self, table: pa.Table) -> None:
        """Take note of made rows."""
        for variable in self.variables:
            variable.count(table[variable.name])
        for joint in self.joints:
            joint.count(table)

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "cells": {variable.name: variable.counts.tolist() for variable in self.variables},
            "joint": [joint.counts.tolist() for joint in self.joints],
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave. Raises ``ValueError`` where the statistics have other cells."""
        for variable in self.variables:
            variable.counts[:] = data["cells"][variable.name]
        for joint, counts in zip(self.joints, data["joint"], strict=True):
            joint.counts[:] = counts
