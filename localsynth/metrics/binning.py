"""Columns cut into few classes, so that any two can be counted against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localsynth.core.judging import Case

from .encode import PARTS, Array, Part, View, views
from .pace import now_and_then

__all__ = ["Classes", "as_numbers", "classes", "quantile_cuts"]


@dataclass(frozen=True)
class Classes:
    """A column as classes. codes : per table one int64 a row, from 0 to ``count`` - 1."""

    codes: dict[Part, Array]
    count: int

    def shares(self, part: Part) -> Array:
        """The share of each class; the table must have rows."""
        return np.bincount(self.codes[part], minlength=self.count) / len(self.codes[part])


def as_numbers(view: View, part: Part) -> Array:
    """The numbers of a number column, the lengths in characters of a text column; NaN where missing."""
    if view.kind == "number":
        return view.parts[part]
    lengths = np.array([np.nan if level is None else len(str(level)) for level in view.levels], np.float64)
    return lengths[view.parts[part]]


def quantile_cuts(values: Array, parts: int = 10) -> Array:
    """Rising values that cut a column into at most ``parts`` classes of about equally many rows; a value equal to a cut
    belongs below it.

    values : real numbers, NaN among them or not; none gives no cuts. A cut at the largest value would part nothing: the
    next smaller value takes its place.
    """
    present = values[~np.isnan(values)]
    if present.size == 0:
        return present
    cuts = np.unique(np.quantile(present, np.arange(1, parts) / parts))
    largest = present.max()
    if cuts[-1] < largest:
        return cuts
    return np.unique(np.append(cuts[:-1], present[present < largest].max(initial=-np.inf)))


def classes(case: Case) -> dict[str, Classes]:
    """Every column as classes: categories as they are, numbers and lengths of texts cut at the deciles of the train
    split; missing is a class. Made once for a case.
    """

    def made() -> dict[str, Classes]:
        check = now_and_then(case.check)
        found = {}
        for view in views(case):
            check()
            found[view.name] = _classes(view)
        return found

    return case.kept.once("classes", made)


def _classes(view: View) -> Classes:
    if view.kind == "category":
        return Classes(view.parts, max(len(view.levels), 1))
    numbers = {part: as_numbers(view, part) for part in PARTS}
    cuts = quantile_cuts(numbers["train"])
    missing = len(cuts) + 1
    codes = {
        part: np.where(np.isnan(values), missing, np.searchsorted(cuts, values)).astype(np.int64)
        for part, values in numbers.items()
    }
    return Classes(codes, missing + 1)
