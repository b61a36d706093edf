"""Rows over the cells of target margins: shares cell by cell, and whether what the targets tell of occurs at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from localsynth.align.cells import codes
from localsynth.align.values import whole
from localsynth.core.celllabels import cell_labels
from localsynth.core.columns import Column
from localsynth.core.judging import Case, Score
from localsynth.core.targets import Margin, Statistics

from .encode import Array
from .writing import mean_of

__all__ = ["cells_of", "targets_covered"]

_MOST = 20  # cells of a nominal column with a figure of their own


def cells_of(margin: Margin, column: Column, found: Array) -> Iterator[Score]:
    """The target's share and the rows' share of each cell, ``item`` naming the cell.

    found : the cell of each row. Of many categories those with the largest targets are told one by one, the others
    together.
    """
    counts = np.bincount(found[found >= 0], minlength=margin.axis.size)
    for label, cells in _told(margin, column):
        wanted = float(min(1.0, sum(margin.shares[cell] for cell in cells)))
        yield Score("target_shares", wanted, margin.axis.column, item=label)
        held = int(counts[list(cells)].sum())
        yield Score("target_cells", held / len(found), margin.axis.column, item=label)


def _told(margin: Margin, column: Column) -> list[tuple[str, tuple[int, ...]]]:
    """Labels and the cells each stands for."""
    labels = list(cell_labels(column, margin.axis))
    present = margin.axis.present
    if margin.axis.missing and labels[-1] in labels[:-1]:
        labels[-1] = f"{labels[-1]} (no value)"
    every: list[tuple[str, tuple[int, ...]]] = [
        (label, (cell,)) for cell, label in enumerate(_told_apart(labels))
    ]
    if not margin.axis.labels or present <= _MOST + 1:
        return every
    order = sorted(range(present), key=lambda cell: -margin.shares[cell])
    kept = sorted(order[:_MOST])
    rest = tuple(sorted(order[_MOST:]))
    return [*(every[cell] for cell in kept), (f"({len(rest):,} others)", rest), *every[present:]]


def _told_apart(labels: Iterable[str]) -> Iterator[str]:
    """Labels no two of which are alike: a category may be called as two others together are."""
    used: set[str] = set()
    for label in labels:
        number, unlike = 1, label
        while unlike in used:
            number += 1
            unlike = f"{label} ({number})"
        used.add(unlike)
        yield unlike


def targets_covered(case: Case, targets: Statistics) -> Iterator[Score]:
    """Coverage of categories and ranges, held against target margins."""
    shares = [_categories(case, margin) for margin in targets.margins if margin.axis.labels]
    yield mean_of("category_coverage", shares, "columns' targets", "no target is of categories")
    yield from shares
    spans = [span for margin in targets.margins if margin.axis.edges and (span := _span(case, margin))]
    yield mean_of("range_coverage", spans, "columns' targets", "no target is of numbers or dates")
    yield from spans


def _categories(case: Case, margin: Margin) -> Score:
    name, rows = margin.axis.column, case.rows.num_rows
    found = codes(case.rows.column(name), margin.axis, case.schema.column(name))
    wanted = np.array(margin.shares) * rows >= 1
    held = np.bincount(found[found >= 0], minlength=margin.axis.size) > 0
    share = float(held[wanted].mean()) if wanted.any() else 1.0
    note = f"{int((held & wanted).sum())} of {int(wanted.sum())} cells of the target"
    return Score("category_coverage", share, name, note=note)


def _span(case: Case, margin: Margin) -> Score | None:
    """``None`` where the target has missing values alone."""
    name, edges = margin.axis.column, margin.axis.edges
    held = [cell for cell in range(margin.axis.present) if margin.shares[cell] > 0]
    if not held:
        return None
    low, high = edges[held[0]], edges[held[-1] + 1] - 1
    if margin.inner and margin.inner[held[0]] and margin.inner[held[-1]]:
        low, high = margin.inner[held[0]][0], margin.inner[held[-1]][-1]
    values, missing = whole(case.schema.column(name), case.rows.column(name))
    made = values[~missing]
    if not made.size:
        return Score("range_coverage", 0.0, name, note="the column is empty in all rows judged")
    if low >= high:
        return Score("range_coverage", float(int(made.min()) <= low <= int(made.max())), name)
    shared = min(high, int(made.max())) - max(low, int(made.min()))
    return Score("range_coverage", max(0.0, min(1.0, shared / (high - low))), name)
