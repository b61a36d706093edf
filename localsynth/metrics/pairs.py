"""Do columns go together as the real ones do?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar

import numpy as np

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from . import association
from .binning import classes
from .encode import Array, Part, View, views
from .pace import now_and_then
from .writing import lacking, mean_of, nothing

__all__ = ["Pairs"]

_MOST = 20_000
_FEW = "there are fewer than two columns of numbers, dates or categories that vary"


class Pairs:
    """Every pair of columns against the train split; texts are left out. All rows are used.

    A correlation that is not defined in the rows (a constant column) counts as 0; where it is not defined in train, the
    pair is left out. Of more than 20,000 pairs (200 columns) a fixed random choice of 20,000 is judged.
    """

    name: ClassVar[str] = "pairs"
    family: ClassVar[Family] = "fidelity"
    real: ClassVar[StandIn] = "holdout"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "pair_trends",
            "Pair trends",
            "How alike two columns go together here and in the real rows, from 0 (wholly different) to 1 (the same): for two"
            " numbers by their correlation, else by the share of rows that would have to change for each combination to be as"
            " frequent as it is.",
            "higher", 0.0, 1.0,
            "1 - |difference of Pearson's r| / 2 for two numbers (rows that have both); else 1 - total variation distance of"
            " the contingency tables, numbers cut at the train split's deciles, missing a class of its own",
        ),
        Measure(
            "correlation_difference",
            "Difference in correlation",
            "How far the strength with which two columns go together is from the real one, on average over all pairs.",
            "lower", 0.0, 2.0,
            "mean absolute difference of association matrices: Pearson's r for two numbers, bias-corrected Cramer's V for two"
            " categories (Bergsma 2013), bias-corrected correlation ratio for one of each (Kelley 1935)",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """The table's two scores, then every pair's."""
        reason = lacking(case, train=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        columns = [view for view in views(case) if view.kind != "text"]
        if len(columns) < 2:
            yield from nothing(
                self.measures, "there are fewer than two columns of numbers, dates or categories"
            )
            return
        judge = _Judge(case, columns)
        trends: list[Score] = []
        gaps: list[float] = []
        check = now_and_then(case.check)
        for a, b in _chosen(columns):
            check()
            score, gap = judge.pair(a, b)
            trends.append(score)
            if not math.isnan(gap):
                gaps.append(gap)
        yield mean_of("pair_trends", trends, "pairs", _FEW)
        if gaps:
            note = f"mean of {len(gaps)} pairs"
            yield Score("correlation_difference", math.fsum(gaps) / len(gaps), note=note)
        else:
            yield not_applicable("correlation_difference", _FEW)
        yield from trends


def _chosen(columns: list[View]) -> list[tuple[View, View]]:
    """All pairs, or of a very wide table the same ``_MOST`` of them whoever is judged."""
    pairs = list(combinations(columns, 2))
    if len(pairs) <= _MOST:
        return pairs
    picked = np.random.default_rng(derive(0, "pairs")).choice(len(pairs), _MOST, replace=False)
    return [pairs[index] for index in np.sort(picked)]


class _Judge:
    """What all pairs share: correlations of all numbers at once, and columns as classes."""

    def __init__(self, case: Case, columns: list[View]) -> None:
        self._classes = classes(case)
        numbers = [view for view in columns if view.kind == "number"]
        self._place = {view.name: index for index, view in enumerate(numbers)}
        self._r: dict[Part, Array] = {}
        if numbers:
            for part in ("rows", "train"):
                self._r[part] = association.pearson([v.parts[part] for v in numbers], case.check)

    def pair(self, a: View, b: View) -> tuple[Score, float]:
        """The pair's trend, and the absolute difference of its associations (NaN where there is none)."""
        if a.kind == b.kind == "number":
            return self._numbers(a, b)
        made, real = self._count(a, b, "rows"), self._count(a, b, "train")
        trend = 1 - association.total_variation(made, real)
        strength = self._strength(a, b, "rows", made)
        gap = abs((0.0 if math.isnan(strength) else strength) - self._strength(a, b, "train", real))
        return Score("pair_trends", trend, a.name, b.name), gap

    def _numbers(self, a: View, b: View) -> tuple[Score, float]:
        place = self._place[a.name], self._place[b.name]
        made, real = (float(self._r[part][place]) for part in ("rows", "train"))
        if math.isnan(real):
            because = "in the train rows the two have no correlation (one is constant, or they never occur together)"
            return not_applicable("pair_trends", because, a.name, b.name), float("nan")
        undefined = math.isnan(made)
        gap = abs((0.0 if undefined else made) - real)
        told = "none (counted as 0)" if undefined else f"{made:.2f}"
        note = f"correlation {told}, in the train rows {real:.2f}"
        return Score("pair_trends", 1 - gap / 2, a.name, b.name, note=note), gap

    def _count(self, a: View, b: View, part: Part) -> association.Counts:
        one, other = self._classes[a.name], self._classes[b.name]
        return association.count(one.codes[part], other.codes[part], (one.count, other.count))

    def _strength(self, a: View, b: View, part: Part, table: association.Counts) -> float:
        if a.kind == b.kind == "category":
            return association.cramers_v(table, self._classes[b.name].count)
        category, number = (a, b) if a.kind == "category" else (b, a)
        return association.correlation_ratio(category.parts[part], number.parts[part])
