"""Rows as the classifiers and regressors want them: vectors or cells, of bounded width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .encode import Array, Part, View, featured, one_hot_width

__all__ = ["Design", "designs", "picked"]

#: Features of a table, about: 10,000 rows of so many are 100 MB. Only many columns of many categories come to more.
_FEATURES = 2_500
_LEAST, _MOST = 8, 318  # features of the categories of one column, where a table is too wide
_CATEGORIES = 254  # more, scikit-learn's boosting refuses; the rarest share the last code


def picked(rng: np.random.Generator, rows: Array, most: int) -> Array:
    """``most`` of these row numbers, rising; all of them where they are no more."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


@dataclass(frozen=True)
class Design:
    """The same rows as each kind of model wants them.

    vectors : numbers standardised, missing ones at the median and told by a feature of their own, categories one-hot
    (float32, for linear models and forests). cells : numbers as they are, NaN where missing, and codes of categories (for
    boosting). categories : which columns of ``cells`` are codes. note : what of too wide a table was put together.
    """

    vectors: Array
    cells: Array
    categories: Array
    note: str = ""

    def take(self, rows: Array) -> Design:
        """Those rows."""
        return replace(self, vectors=self.vectors[rows], cells=self.cells[rows])


def designs(
    columns: Sequence[View], chosen: dict[Part, Array], *, vectors: bool = True
) -> dict[Part, Design]:
    """Rows of the tables named, by their numbers (``rows`` must be among them). All that is learned for it is learned from
    the chosen ``rows``: medians, means, deviations, which categories there are, and which of too many are the most
    frequent. Texts are left out. vectors : whether they are wanted; without, they have no features.
    """
    nobody = np.zeros(0, np.int64)
    parts: tuple[Part, ...] = ("rows", "train", "holdout")
    few = [
        replace(view, parts={part: view.parts[part][chosen.get(part, nobody)] for part in parts})
        for view in columns
        if view.kind != "text"
    ]
    codes = np.array([view.kind == "category" for view in few], np.bool_)
    cells = {part: _cells(few, part, len(rows)) for part, rows in chosen.items()}
    if not few or not vectors:
        empty = {part: np.zeros((len(rows), 0), np.float32) for part, rows in chosen.items()}
        return {part: Design(empty[part], cells[part], codes) for part in chosen}
    narrow, note = _narrowed(few)
    found = featured(narrow, "rows").matrix
    known = found["rows"].any(axis=0)
    return {
        part: Design(found[part] if known.all() else found[part][:, known], cells[part], codes, note)
        for part in chosen
    }


def _cells(columns: Sequence[View], part: Part, rows: int) -> Array:
    cells = [
        view.parts[part] if view.kind == "number" else np.minimum(view.parts[part], _CATEGORIES)
        for view in columns
    ]
    return np.column_stack(cells).astype(np.float64, copy=False) if cells else np.zeros((rows, 0))


def _narrowed(columns: list[View]) -> tuple[list[View], str]:
    """The columns as they are, or, where they make too many features, with the rarest categories of each put together; and
    that in words.
    """
    width = sum(2 if view.kind == "number" else one_hot_width(view) for view in columns)
    if width <= _FEATURES:
        return columns, ""
    seen = {
        view.name: np.bincount(view.parts["rows"], minlength=len(view.levels))
        for view in columns
        if view.kind == "category"
    }
    widths = np.array([np.count_nonzero(counts) for counts in seen.values()])
    left = _FEATURES - 2 * (len(columns) - len(seen))
    most = max(
        (cap for cap in range(_LEAST, _MOST + 1) if np.minimum(widths, cap).sum() <= left), default=_LEAST
    )
    narrow = [
        _rarest_together(view, seen[view.name], most) if view.name in seen else view for view in columns
    ]
    many = int((widths > most).sum())
    if not many:
        return narrow, ""
    what = "1 column has" if many == 1 else f"{many:,} columns have"
    return narrow, f"{what} too many categories: the {most - 1} most frequent of each count, the rest as one"


def _rarest_together(view: View, counts: Array, most: int) -> View:
    """A column of at most ``most`` categories that occur in the rows: the most frequent, and all others as one. What does not
    occur there is one more, and no feature of it will be left.
    """
    ranked = np.argsort(-counts, kind="stable")
    ranked = ranked[: np.count_nonzero(counts)]
    kept = ranked if len(ranked) <= most else ranked[: most - 1]
    place = np.full(len(counts), len(kept) + 1)
    place[ranked] = len(kept)
    place[np.sort(kept)] = np.arange(len(kept))
    parts = {part: place[codes] for part, codes in view.parts.items()}
    return replace(view, parts=parts, levels=tuple(range(len(kept) + 2)), unasked=0)
