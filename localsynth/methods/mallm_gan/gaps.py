"""Where synthetic rows differ from real ones: signed gaps of margins and pairs, beyond what so few rows differ by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.axes import cell_label
from localsynth.align.counting import Counter
from localsynth.core.finding import percent
from localsynth.core.schema import Schema

from .theta import Group

__all__ = ["Gap", "Gaps", "found_gaps", "lifts"]

Array: TypeAlias = np.ndarray[Any, Any]
_CLEAR = 2.0  # standard errors


@dataclass(frozen=True)
class Gap:
    """One cell of a margin or of a pair's table. real, made : its shares."""

    columns: Group
    cells: tuple[str, ...]
    real: float
    made: float
    errors: float  # standard errors apart, signed: above 0 where synthetic rows are too many

    @property
    def words(self) -> str:
        """``sex = Male and income = >50K: 12% of real rows, 4% of yours (too few)``."""
        cells = " and ".join(f"{name} = {cell}" for name, cell in zip(self.columns, self.cells, strict=True))
        side = "too few" if self.made < self.real else "too many"
        return f"{cells}: {percent(self.real)} of real rows, {percent(self.made)} of yours ({side})"

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "columns": list(self.columns),
            "cells": list(self.cells),
            "real": round(self.real, 6),
            "made": round(self.made, 6),
            "errors": round(self.errors, 2),
            "words": self.words,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Gap:
        """What ``dump`` gave."""
        return cls(tuple(data["columns"]), tuple(data["cells"]), data["real"], data["made"], data["errors"])


@dataclass(frozen=True)
class Gaps:
    """worst : the cells that are furthest off, one of a group. beyond : for each column and pair the total variation distance
    less the one that chance alone gives, largest first.
    """

    worst: tuple[Gap, ...]
    beyond: Mapping[Group, float]

    def groups(self, width: int) -> list[Group]:
        """Columns (1) or pairs (2) that differ beyond chance, worst first."""
        return [group for group, much in self.beyond.items() if len(group) == width and much > 0]

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        beyond = [[list(group), much] for group, much in self.beyond.items() if much > 0]
        return {"worst": [gap.dump() for gap in self.worst], "beyond": beyond}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Gaps:
        """What ``dump`` gave: of groups those that differ beyond chance."""
        beyond = {tuple(group): float(much) for group, much in data["beyond"]}
        return cls(tuple(map(Gap.load, data["worst"])), beyond)


def found_gaps(schema: Schema, real: Counter, made: Counter, most: int = 10) -> Gaps:
    """real, made : both along the same axes. most : cells told."""
    singles = [(name,) for name in real.names]
    groups: list[Group] = [*singles, *filter(real.able, combinations(real.names, 2))]
    beyond: dict[Group, float] = {}
    cells: list[Gap] = []
    for group in groups:
        wanted, have = real.shares(group), made.shares(group)
        pooled = (wanted * real.rows + have * made.rows) / max(1, real.rows + made.rows)
        error = np.sqrt(pooled * (1 - pooled) * (1 / max(1, real.rows) + 1 / max(1, made.rows)))
        # The mean of |x| of a normal x with standard deviation s is s sqrt(2 / pi).
        chance = float(error.sum()) * np.sqrt(2 / np.pi) / 2
        beyond[group] = round(float(np.abs(wanted - have).sum() / 2 - chance), 6)
        off = np.divide(have - wanted, error, out=np.zeros(error.shape), where=error > 0)
        at = np.unravel_index(int(np.abs(off).argmax()), off.shape)
        if abs(off[at]) >= _CLEAR:
            words = tuple(
                cell_label(schema.column(name), real.axes[real.names.index(name)], int(cell))
                for name, cell in zip(group, at, strict=True)
            )
            cells.append(Gap(group, words, float(wanted[at]), float(have[at]), float(off[at])))
    ranked = dict(sorted(beyond.items(), key=lambda one: (-one[1], len(one[0]), one[0])))
    cells.sort(key=lambda gap: (-abs(gap.errors), len(gap.columns), gap.columns))
    return Gaps(tuple(_varied(cells, most)), ranked)


def _varied(cells: Sequence[Gap], most: int) -> list[Gap]:
    """The furthest off, no more than three that tell of one column: a column that is off is off in each of its pairs."""
    told: dict[str, int] = {}
    found: list[Gap] = []
    for gap in cells:
        if len(found) < most and all(told.get(name, 0) < 3 for name in gap.columns):
            found.append(gap)
            for name in gap.columns:
                told[name] = told.get(name, 0) + 1
    return found


def lifts(real: Counter, made: Counter) -> dict[str, list[float]]:
    """For each column and cell how much more often real rows lie in it: natural logarithm, within +-2, smoothed by one row."""
    found = {}
    for name in real.names:
        wanted, have = real.shares([name]), made.shares([name])
        cells = len(wanted)
        of_real = (wanted * real.rows + 1) / (real.rows + cells)
        of_made = (have * made.rows + 1) / (made.rows + cells)
        found[name] = np.clip(np.log(of_real / of_made), -2, 2).round(6).tolist()
    return found
