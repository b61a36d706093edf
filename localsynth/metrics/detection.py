"""Can a classifier tell the rows from real ones it has never seen?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np
from sklearn.model_selection import StratifiedKFold

from localsynth.core.judging import Case, Family, Measure, Score, StandIn, not_applicable
from localsynth.core.seeds import derive

from .design import Design, designs, picked
from .encode import Array, View, views
from .grouping import distinct_rows
from .models import KINDS, Learner
from .ranking import Area, area, mean_area
from .space import joined
from .writing import lacking, nothing

__all__ = ["Detection"]

_MOST = 2_500
_FEWEST = 10
_FOLDS = 3
_TREES = 100
_ROUNDS = 5
_WORDS = ("logistic regression", "random forest", "boosted trees")
_SOURCE = (
    "classifier two-sample test (Lopez-Paz & Oquab 2017, Revisiting classifier two-sample tests), 3-fold cross-validated"
    " AUC; interval after DeLong et al. 1988 or, where wider, Newcombe 2006"
)


def _measure(kind: str, model: str, words: str) -> Measure:
    return Measure(
        f"c2st_{kind}_auc",
        f"Told from real rows ({words})",
        f"How well {model} tells these rows from real ones it has not seen: 0.5 is guessing, 1 is always right. Below 0.5 is"
        " chance.",
        "ideal", 0.0, 1.0, _SOURCE, ideal=0.5,
    )  # fmt: skip


class Detection:
    """A classifier two-sample test against the holdout, by three classifiers.

    Rows that repeat an earlier row of their table are dropped on both sides, and both sides are cut to equally many rows,
    at most 2,500 each, drawn by chance; of smaller tables the mean of up to five draws is given. Numbers are standardised,
    missing ones at the median and told by a feature of their own, categories are one-hot, texts are left out; this encoding
    knows both sides but not which row is whose. Logistic regression; a random forest of 100 trees; histogram gradient
    boosting (100 rounds; it takes cells as they are; leaves of at least 20 rows, of fewer than 400 a twentieth of them). Of
    tables that would make more than 2,500 features the rarest categories of each column are one.
    """

    name: ClassVar[str] = "detection"
    family: ClassVar[Family] = "fidelity"
    real: ClassVar[StandIn] = "train"
    needs_train: ClassVar[bool] = False
    needs_holdout: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (
        _measure("lr", "a weighted sum of the columns", _WORDS[0]),
        _measure("rf", "a vote of 100 decision trees", _WORDS[1]),
        _measure("gb", "a chain of small decision trees", _WORDS[2]),
    )

    def scores(self, case: Case) -> Iterator[Score]:
        """One score per classifier: the mean of the folds' areas under the curve."""
        reason = lacking(case, holdout=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        sides = _equally_many(case, 0)
        rows = len(sides[0])
        if rows < _FEWEST:
            because = f"it needs {_FEWEST} different rows on both sides, and there are {rows}"
            yield from nothing(self.measures, because)
            return
        if all(view.kind == "text" for view in views(case)):
            yield from nothing(self.measures, "the table holds nothing but free text")
            return
        rounds = max(1, min(_ROUNDS, _MOST // rows))
        draws = [sides, *(_equally_many(case, number) for number in range(1, rounds))]
        found = [_areas(case, number, *draw) for number, draw in enumerate(draws) if len(draw[0]) >= _FEWEST]
        areas, wide = [areas for areas, _ in found], found[0][1]
        times = f", mean of {len(areas)} draws" if len(areas) > 1 else ""
        for place, measure in enumerate(self.measures):
            told = [one for of_draw in areas if (one := of_draw[place]) is not None]
            if len(told) < len(areas):
                because = f"{rows:,} different rows of each are too few for {_WORDS[place]} to learn from"
                yield not_applicable(measure.name, because)
                continue
            # The draws share most of their rows: their mean is steadier, but not surer than one of them.
            value = float(np.mean([one.value for one in told]))
            mean = Area(value, _mean_variance(told), told[0].above, told[0].below)
            low, high = mean.interval()
            note = joined(f"{rows:,} different rows of each{times}", "" if KINDS[place] == "gb" else wide)
            yield Score(measure.name, mean.value, low=low, high=high, note=note)


def _mean_variance(areas: list[Area]) -> float | None:
    known = [area.variance for area in areas if area.variance is not None]
    return float(np.mean(known)) if len(known) == len(areas) else None


def _equally_many(case: Case, number: int) -> tuple[Array, Array]:
    """Row numbers of both sides, drawn anew for each number.

    Both are cut before repeats are dropped: of a larger table more rare rows would be left, and that alone would tell it.
    """
    rng = np.random.default_rng(derive(case.seed, "detection", "rows", number))
    most = min(_MOST, case.rows.num_rows, case.holdout.num_rows)
    columns = views(case)
    made = distinct_rows(columns, "rows", picked(rng, np.arange(case.rows.num_rows), most))
    real = distinct_rows(columns, "holdout", picked(rng, np.arange(case.holdout.num_rows), most))
    most = min(len(made), len(real))
    return picked(rng, made, most), picked(rng, real, most)


def _areas(case: Case, number: int, made: Array, real: Array) -> tuple[list[Area | None], str]:
    """Each classifier's area under the curve, the mean over the folds; ``None`` where it could learn nothing from so few. And
    what of the columns was put together.
    """
    design = _together(views(case), made, real)
    y = np.repeat([1, 0], (len(made), len(real)))
    seed = derive(case.seed, "detection", number)
    folds = list(StratifiedKFold(_FOLDS, shuffle=True, random_state=seed % 2**32).split(design.cells, y))
    found: list[Area | None] = []
    for kind in KINDS:
        learner = Learner(kind, 2, derive(seed, kind), trees=_TREES, threads=case.threads, check=case.check)
        areas: list[Area] = []
        for train, test in folds:
            model = learner.fit(design.take(train), y[train])
            if model.stuck:
                break
            areas.append(area(y[test] == 1, model.chances(design.take(test))[:, 1]))
        found.append(mean_area(areas) if len(areas) == len(folds) else None)
    return found, design.note


def _together(columns: tuple[View, ...], made: Array, real: Array) -> Design:
    """Both sides, encoded without knowing which row is whose."""
    both = [
        replace(
            view,
            parts={
                **view.parts,
                "rows": np.concatenate([view.parts["rows"][made], view.parts["holdout"][real]]),
            },
        )
        for view in columns
    ]
    return designs(both, {"rows": np.arange(len(made) + len(real))})["rows"]
