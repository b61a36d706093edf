"""The bars of every column: what a report draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, ClassVar

import numpy as np

from localsynth.core.columns import DateColumn, DatetimeColumn, FloatColumn, IntegerColumn, TextColumn
from localsynth.core.judging import Case, Family, Measure, Score, StandIn

from .binning import as_numbers
from .bins import MOST, Bins, date_bins, number_bins
from .encode import View, views
from .writing import lacking, nothing

__all__ = ["Histograms"]

_RARE = 5  # a category of fewer train rows could point at a person: it is told only among the others
_LENGTHS = "of the lengths of the texts, in characters"


class Histograms:
    """The share of rows in each bin of each column; bins come from the train split, so that all tables share them.

    Numbers, dates and lengths of texts: at most 20 bins with round edges over where 99% of the train values lie, values
    beyond in the first and last. Categories: the 20 most frequent in train; those of fewer than 5 train rows, and all
    that train does not know, are 'other'. Scores stand in the order of the bins; 'missing' is the last.
    """

    name: ClassVar[str] = "histograms"
    family: ClassVar[Family] = "fidelity"
    real: ClassVar[StandIn] = "train"
    needs_train: ClassVar[bool] = True
    needs_holdout: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "histogram",
            "Distribution of a column",
            "Share of rows whose value lies in a bin: a range of numbers or dates, a category, or missing.",
            "none", 0.0, 1.0, "localsynth: counted, bins from the train split",
        ),
    )  # fmt: skip

    def scores(self, case: Case) -> Iterator[Score]:
        """One score per column and bin, ``item`` naming the bin."""
        reason = lacking(case, train=True)
        if reason is not None:
            yield from nothing(self.measures, reason)
            return
        for view in views(case):
            case.check()
            bars = _categories(view) if view.kind == "category" else _numbers(case, view)
            note = _LENGTHS if view.kind == "text" else ""
            for item, share in bars.items():
                yield Score("histogram", share, view.name, item=item, note=note)


def _numbers(case: Case, view: View) -> dict[str, float]:
    made, real = (as_numbers(view, part) for part in ("rows", "train"))
    empty = np.isnan(made)
    bins = _bins_of(case, view.name, real[~np.isnan(real)])
    bars = dict(zip(bins.labels, bins.shares(made[~empty], len(made)), strict=True))
    if empty.any() or np.isnan(real).any():
        bars["missing"] = float(empty.mean())
    return bars


def _bins_of(case: Case, name: str, real: Any) -> Bins:
    column = case.schema.column(name)
    match column:
        case IntegerColumn():
            return number_bins(real, *column.scaled_bounds, 0)
        case FloatColumn(decimals=decimals):
            return number_bins(real, *column.scaled_bounds, decimals)
        case DateColumn(range=(first, last)):
            return date_bins(real, _since_1970(first, "D"), _since_1970(last, "D"), minutes=False)
        case DatetimeColumn(range=(first, last)):
            return date_bins(real, _since_1970(first, "m"), _since_1970(last, "m"), minutes=True)
        case TextColumn(min_length=shortest, max_length=longest):
            return number_bins(real, shortest, longest, 0)
    raise TypeError(f"a column of kind {column.kind} has no bins")


def _since_1970(when: date | datetime, unit: Any) -> float:
    return float(np.datetime64(when, unit).astype(np.int64))


def _categories(view: View) -> dict[str, float]:
    texts = [None if level is None else _text(level) for level in view.levels]
    counts = np.bincount(view.parts["train"], minlength=len(texts))
    kept = [code for code, text in enumerate(texts) if text is not None and counts[code] >= _RARE]
    kept = sorted(kept, key=lambda code: (-counts[code], texts[code]))[:MOST]
    names = {code: str(texts[code]) for code in kept}
    other = "other" if "other" not in names.values() else "other (all the rest)"
    missing = "missing" if "missing" not in names.values() else "missing (no value)"

    def named(code: int) -> str:
        return missing if texts[code] is None else names.get(code, other)

    made: Counter[str] = Counter()
    for code, rows in enumerate(np.bincount(view.parts["rows"], minlength=len(texts))):
        made[named(code)] += int(rows)
    occur = {named(code) for code in np.flatnonzero(counts).tolist()} | {
        name for name, rows in made.items() if rows
    }
    order = [*names.values(), *(name for name in (other, missing) if name in occur)]
    return {name: made[name] / len(view.parts["rows"]) for name in order}


def _text(level: Any) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)
