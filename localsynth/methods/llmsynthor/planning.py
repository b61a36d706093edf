"""The plan loop: show what is missing, ask for many plans at once, take what lowers the gaps, look again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.grid import Grid
from localsynth.align.integers import apportion
from localsynth.align.swap import Table
from localsynth.core.contracts import Ask, Sample, SampleRequest, Sampling
from localsynth.core.seeds import derive
from localsynth.core.targets import Statistics

from .discretion import nameable
from .ledger import Ledger
from .plan import Lead, Paper

__all__ = ["PLANNED_ROWS", "Plans", "ledger_of", "make_plans"]

Array: TypeAlias = np.ndarray[Any, Any]
Sampler: TypeAlias = Callable[[str, Sequence[SampleRequest]], Sequence[Sample]]
PLANNED_ROWS = 2000  # at most: more rows are drafted by the same plans in proportion
_MOST = 200  # a plan has at most one of so many rows: more would be lumps that no table asks for
_EACH = 4  # plans that begin alike
_ENOUGH = 2.0  # standard errors: below, the largest gap is sampling noise


@dataclass
class Plans:
    """Accepted plans. cells : plans x columns, -1 where a column is open. counts : rows of each, out of ``rows``.

    proposed : how many were read; rounds : how often was asked.
    """

    rows: int
    cells: Array
    counts: Array
    proposed: int = 0
    rounds: int = 0

    @classmethod
    def none(cls, rows: int, columns: int) -> Plans:
        """No plan at all."""
        return cls(rows, np.zeros((0, columns), np.int32), np.zeros(0, np.int64))

    @property
    def share(self) -> float:
        """The part of the rows that comes from plans."""
        return float(self.counts.sum()) / self.rows if self.rows else 0.0

    def draft(self, n: int) -> Array:
        """The planned rows out of ``n`` (rows x columns)."""
        planned = round(self.share * n)
        if not planned:
            return np.zeros((0, self.cells.shape[1]), np.int32)
        return np.repeat(self.cells, apportion(self.counts.astype(np.float64), planned), axis=0)

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "rows": self.rows,
            "cells": self.cells.tolist(),
            "counts": self.counts.tolist(),
            "proposed": self.proposed,
            "rounds": self.rounds,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any], columns: int) -> Plans:
        """What ``dump`` gave. Raises ``ValueError`` where it is of another number of columns."""
        cells = np.array(data["cells"], np.int32).reshape(-1, columns)
        counts = np.array(data["counts"], np.int64)
        if len(cells) != len(counts):
            raise ValueError("plans of another table")
        return cls(int(data["rows"]), cells, counts, int(data["proposed"]), int(data["rounds"]))


def ledger_of(grid: Grid, rows: int, counted: Statistics) -> Ledger:
    """Everything wanted of so many rows: first the margins, in the grid's order, then the joint tables.

    counted : the statistics as their source gave them, before they were made fit to aim at; what they rest on decides what
    prompts may name.
    """
    margins = [Table((at,), shares * rows) for at, shares in enumerate(grid.shares)]
    shown = {len(margins) + at: nameable(table, counted) for at, table in enumerate(grid.statistics.tables)}
    return Ledger([*margins, *grid.goals(rows)], rows, shown)


def make_plans(
    grid: Grid,
    counted: Statistics,
    paper: Paper,
    rows: int,
    sampling: Sampling,
    ask: Ask,
    sampler: Sampler,
    *,
    rounds: int,
    proposals: int,
    share: float,
    shuffle: bool,
    seed: int,
) -> Plans:
    """Plans for ``rows`` rows.

    counted : see :func:`ledger_of`. sampler : who answers. share : of the rows that plans may take. shuffle : exchange values
    between the plans of a round, column by column, before any is taken.
    Stops where the largest gap is sampling noise, or no plan of a round helped.
    """
    ledger = ledger_of(grid, rows, counted)
    plans = Plans.none(rows, len(grid.names))
    most, room = max(1, rows // _MOST), round(share * rows)
    for number in range(rounds):
        if ledger.largest() < _ENOUGH or plans.counts.sum() >= room:
            break
        rng = np.random.default_rng(derive(seed, "round", number))
        leads = _leads(grid, ledger, paper.planned(ledger, most, ask), proposals, rng)
        seeds = [derive(seed, "plans", number, at) for at in range(len(leads))]
        question = paper.ask_about(ledger, leads, most, sampling, seeds, ask)
        samples = sampler("plans", question.requests)
        read = [paper.read(question, at, text) for at, sample in enumerate(samples) for text in sample.texts]
        cells = np.array([cell for cell, _ in read], np.int32).reshape(len(read), len(grid.names))
        wanted = np.array([count for _, count in read], np.int64)
        if shuffle:
            cells = np.stack([rng.permutation(column) for column in cells.T], axis=1)
        # The same plan told twice is one plan.
        cells, back = np.unique(cells, axis=0, return_inverse=True)
        wanted = np.bincount(back.ravel(), wanted).astype(np.int64)
        taken = ledger.accept(cells, wanted, room - int(plans.counts.sum()))
        plans.proposed += len(read)
        plans.rounds += 1
        ask.measured("gap", plans.rounds, ledger.missing(), per="round", unit="share still missing")
        if not taken.any():
            break
        plans.cells = np.concatenate([plans.cells, cells[taken > 0]])
        plans.counts = np.concatenate([plans.counts, taken[taken > 0]])
    return plans


def _leads(
    grid: Grid, ledger: Ledger, columns: Sequence[int], proposals: int, rng: np.random.Generator
) -> list[Lead]:
    """Cells of tables that lack rows, drawn in proportion to what they lack; plans begin there."""
    shown = set(columns)
    places: list[tuple[int, int]] = []
    weight: list[Array] = []
    for at in range(len(ledger.tables)):
        own = ledger.tables[at].columns
        joint = len(own) > 1 or len(ledger.tables) == len(grid.names)
        if joint and set(own) <= shown:
            lack = np.maximum(ledger.told_gaps(at), 0.0)
            places += [(at, cell) for cell in np.flatnonzero(lack).tolist()]
            weight.append(lack[lack > 0])
    chances = np.concatenate([*weight, np.zeros(0)])
    if not len(chances):
        return [Lead({}, proposals)]
    asked = -(-proposals // _EACH)
    drawn = rng.choice(len(places), asked, p=chances / chances.sum())
    counts = apportion(np.ones(asked), proposals)
    leads: dict[tuple[tuple[int, int], ...], int] = {}
    for pick, count in zip(drawn.tolist(), counts.tolist(), strict=True):
        table, cell = places[pick]
        own = ledger.tables[table].columns
        cells = ledger.fullest_cells(table, cell)
        begin = tuple(zip(own, cells, strict=True))
        leads[begin] = leads.get(begin, 0) + count
    return [Lead(dict(begin), count) for begin, count in leads.items() if count]
