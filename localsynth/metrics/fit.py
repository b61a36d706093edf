"""How well rows meet the target statistics they were made to meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import fsum
from typing import ClassVar

import numpy as np

from localsynth.align.cells import codes
from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.targets import Axis, Margin, Statistics, Table

from .encode import Array
from .targetcells import cells_of
from .writing import lacking, nothing

__all__ = ["Targets"]

_NO_TARGETS = "these rows were not made to meet target statistics"
_WORTH_SAYING = 0.001  # of the rows


class Targets:
    """Total variation distance between rows and their targets: the share of rows that would have to change their cell.

    Margins count every row; a value in no cell of the margin is in the wrong one. Tables count the rows that lie in their
    cells: a published table may tell of people aged 25 to 64 only. The table's own score is the largest, since one margin
    that is missed is not made good by others that are met; the mean stands beside it. Tables that contradict the margins
    cannot be met: what they are apart stays in their score.
    """

    name: ClassVar[str] = "targets"
    family: ClassVar[Family] = "fidelity"
    real: ClassVar[StandIn] = "train"
    needs_train: ClassVar[bool] = False
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "target_margins",
            "Fit to the target margins",
            "The share of rows that would have to take another value for a column to have exactly the distribution it was"
            " to have (total variation distance over the target's cells). For the whole table the largest of its columns.",
            "lower", 0.0, 1.0, "total variation distance, e.g. Levin & Peres, Markov Chains and Mixing Times, 4.1",
        ),
        Measure(
            "target_tables",
            "Fit to the target tables",
            "The same for columns taken together: the share of rows that would have to change for a target cross table to be"
            " met exactly. For the whole table the largest of its cross tables.",
            "lower", 0.0, 1.0, "total variation distance, e.g. Levin & Peres, Markov Chains and Mixing Times, 4.1",
        ),
        Measure(
            "target_shares",
            "Target of a column",
            "The share of rows that the target gives to each of a column's cells.",
            "none", 0.0, 1.0, "localsynth: as given",
        ),
        Measure(
            "target_cells",
            "Distribution over the target's cells",
            "The share of rows in each of the cells that a column's target has.",
            "none", 0.0, 1.0, "localsynth: counted",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """One score per margin and table, the largest and the mean (``item``) of each; then both shares of each cell."""
        targets = case.targets
        reason = _NO_TARGETS if targets is None else lacking(case)
        if targets is None or reason is not None:
            yield from nothing(self.measures, reason or _NO_TARGETS)
            return
        read = _Reader(case)
        yield from _summed_up(
            "target_margins", [_margin(read, margin) for margin in _judged(targets)], "columns"
        )
        yield from _summed_up("target_tables", list(_tables(read, targets)), "tables")
        if not _judged(targets):
            yield from nothing(self.measures[2:], "the targets hold no columns that could be missed")
        for margin in _judged(targets):
            yield from cells_of(margin, case.schema.column(margin.axis.column), read(margin.axis))


def _judged(targets: Statistics) -> list[Margin]:
    """Margins that could be missed: those of more than one cell."""
    return [margin for margin in targets.margins if margin.axis.size > 1]


class _Reader:
    """The rows as cells, each axis read once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._read: dict[Axis, Array] = {}

    def __call__(self, axis: Axis) -> Array:
        if axis not in self._read:
            self._case.check()
            cells = self._case.rows.column(axis.column)
            self._read[axis] = codes(cells, axis, self._case.schema.column(axis.column))
        return self._read[axis]


def _margin(read: _Reader, margin: Margin) -> Score:
    found = read(margin.axis)
    # One more cell, for values that the target has no cell for.
    counts = np.bincount(np.where(found < 0, margin.axis.size, found), minlength=margin.axis.size + 1)
    outside = counts[-1] / len(found)
    note = f"{outside:.1%} of the rows have a value that no cell holds" if outside > _WORTH_SAYING else ""
    value = _distance(counts / len(found), np.array([*margin.shares, 0.0]))
    return Score("target_margins", value, margin.axis.column, note=note)


def _tables(read: _Reader, targets: Statistics) -> Iterator[Score]:
    seen: Counter[tuple[str, ...]] = Counter()
    for table in targets.tables:
        columns = tuple(sorted(table.columns))
        seen[columns] += 1
        again = f" ({seen[columns]})" if seen[columns] > 1 else ""
        value, note = _table(read, table)
        if len(columns) == 2:
            first, second = table.columns
            yield Score("target_tables", value, first, second, again.strip() or None, note=note)
        else:
            yield Score("target_tables", value, item=f"{', '.join(table.columns)}{again}", note=note)


def _table(read: _Reader, table: Table) -> tuple[float, str]:
    places = [read(axis) for axis in table.axes]
    inside = np.logical_and.reduce([place >= 0 for place in places])
    held = int(inside.sum())
    if not held:
        return 1.0, "no row lies in its cells"
    flat = np.ravel_multi_index([place[inside] for place in places], table.shape)
    counts = np.bincount(flat, minlength=len(table.shares))
    part = held / len(inside)
    note = f"of the {part:.1%} of rows that lie in its cells" if 1 - part > _WORTH_SAYING else ""
    return _distance(counts / held, np.array(table.shares)), note


def _distance(found: Array, wanted: Array) -> float:
    return float(min(1.0, 0.5 * np.abs(found - wanted).sum()))


def _summed_up(metric: str, scores: list[Score], plural: str) -> Iterator[Score]:
    values = [score.value for score in scores if score.value is not None]
    if not values:
        yield not_applicable(metric, f"the targets hold no {plural} that could be missed")
        return
    worst = max(scores, key=lambda score: score.value or 0.0)
    where = f"{worst.column_a}, {worst.column_b}" if worst.column_b else worst.column_a or worst.item
    mean = fsum(values) / len(values)
    yield Score(
        metric, max(values), note=f"the largest of {len(values)} {plural} ({where}); their mean is {mean:.4f}"
    )
    yield Score(metric, mean, item="mean", note=f"the mean over {len(values)} {plural}")
    yield from scores
