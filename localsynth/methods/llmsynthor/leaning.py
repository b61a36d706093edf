"""How a context moves the margins: what the model plans with it against what it plans without it.

The tables keep their odds ratios, because the grid rakes them to the moved margins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.axes import mapping
from localsynth.align.grid import Grid
from localsynth.core.contracts import Ask, Sampling
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.core.targets import Statistics

from .plan import Lead, Paper

__all__ = ["leaning", "moved"]

Array: TypeAlias = np.ndarray[Any, Any]
_SAMPLES = 200  # plans with the context, and as many without it
_SURE = 3.0  # standard errors by which a cell must differ
_FREELY = Sampling()  # the model's own distribution, unfiltered: shares are compared


def leaning(
    schema: Schema, grid: Grid, order: Sequence[int], context: str, ask: Ask, seed: int
) -> dict[int, Array]:
    """Per column the factor by which the context makes each base cell likelier; columns that it leaves alone are not there.

    A difference that chance explains counts as none.
    """
    found = []
    for told in (context, ""):
        paper = Paper(schema, grid, order, told)
        seeds = [derive(seed, "context", told)]
        question = paper.ask_about(None, [Lead({}, _SAMPLES)], 1, _FREELY, seeds, ask)
        (sample,) = ask.sample("context", question.requests)
        found.append(np.array([paper.read(question, 0, text)[0] for text in sample.texts]))
    factors = {}
    for at, size in enumerate(grid.sizes):
        if (found[0][:, at] < 0).any() or (found[1][:, at] < 0).any():
            continue
        with_, without = (np.bincount(cells[:, at], minlength=size) + 0.5 for cells in found)
        factor = np.log(with_ / without)
        sure = np.abs(factor) > _SURE * np.sqrt(1 / with_ + 1 / without)
        if sure.any():
            factors[at] = np.exp(np.where(sure, factor, 0.0))
    return factors


def moved(statistics: Statistics, grid: Grid, factors: dict[int, Array], most: float) -> Statistics:
    """The statistics with margins that lean by the factors, each at most by ``most`` in total variation distance."""
    margins = list(statistics.margins)
    for at, factor in factors.items():
        # Over the margin's own cells: base cells are parts of them.
        base, margin = grid.bases[at], grid.bases[at].margin
        shares = np.array(margin.shares)
        place = mapping(base.axis, margin.axis)
        leant = np.bincount(place, base.shares * factor, margin.axis.size)
        leant = leant / leant.sum()
        distance = float(np.abs(leant - shares).sum()) / 2
        if distance > most:
            leant = shares + (leant - shares) * most / distance
        margins[at] = replace(margin, shares=tuple((leant / leant.sum()).tolist()))
    return replace(statistics, margins=tuple(margins))
