"""What is to be predicted, and how well that was done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localsynth.core.judging import Score, not_applicable

from .encode import Array, Part, View
from .intervals import wilson
from .ranking import area

__all__ = ["Target", "accuracy", "auc", "r_squared", "target_of"]

_FEW = 10  # a number of so few distinct train values is read as classes
_CLASSES = 20
_PARTS: tuple[Part, ...] = ("train", "holdout", "rows")


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    answers : per table a class's code (int64) or a number (float64) for each row. known : which rows have one (boolean).
    classes : how many there are; 0 for a number. note : what a person should know of how it is read.
    """

    answers: dict[Part, Array]
    known: dict[Part, Array]
    classes: int
    note: str = ""


def target_of(view: View) -> Target | None:
    """The column as a target: categories, and numbers of at most 10 distinct train values, as classes; ``None`` for texts.

    Without train rows the held-out ones tell. Classes beyond the 20 most frequent in train are read as one.
    """
    if view.kind == "text":
        return None
    known: dict[Part, Array] = {part: ~view.missing(part) for part in _PARTS}
    if view.kind == "number":
        # The held-out rows are what is asked about; they tell how to read the answers only where nothing else can.
        told: Part = "train" if known["train"].any() else "holdout"
        if len(np.unique(view.parts[told][known[told]])) > _FEW:
            return Target(view.parts, known, 0)
    codes, count = _ranked(view, known)
    if count <= _CLASSES:
        return Target(codes, known, count)
    few: dict[Part, Array] = {part: np.minimum(found, _CLASSES) for part, found in codes.items()}
    note = f"the {count - _CLASSES:,} rarest of {count:,} classes read as one"
    return Target(few, known, _CLASSES + 1, note)


def _ranked(view: View, known: dict[Part, Array]) -> tuple[dict[Part, Array], int]:
    """Codes from 0 by falling frequency in train, equally frequent ones by value; those that are held out alone come last. 0
    where the target is missing.
    """
    # A model that finds two classes equally probable tells the first: the held-out rows, who ask, must not say which that is.
    present = [view.parts[part][known[part]] for part in _PARTS]
    values, places = np.unique(np.concatenate(present), return_inverse=True)
    split = np.split(places, np.cumsum([len(cells) for cells in present])[:-1])
    often, _, made = (np.bincount(part, minlength=len(values)) for part in split)
    rank = np.empty(len(values), np.int64)
    rank[np.lexsort([(often + made) == 0, -often])] = np.arange(len(values))
    codes: dict[Part, Array] = {}
    for part, found in zip(_PARTS, split, strict=True):
        codes[part] = np.zeros(len(known[part]), np.int64)
        codes[part][known[part]] = rank[found]
    return codes, max(len(values), 1)


def accuracy(metric: str, chances: Array, answers: Array, note: str) -> Score:
    """The share of real rows whose most probable class is right. chances : rows x classes, at least one row."""
    hits = int((chances.argmax(axis=1) == answers).sum())
    low, high = wilson(hits, len(answers))
    return Score(metric, hits / len(answers), low=low, high=high, note=note)


def auc(metric: str, chances: Array, answers: Array, note: str) -> Score:
    """The area under the curve; of three or more classes the mean over each that occurs against all others."""
    found = np.unique(answers)
    if len(found) < 2:
        return not_applicable(metric, "the held-out rows hold only one class, so there is nothing to rank")
    if len(found) == 2:
        # A model may know more classes than occur; what is asked is which of these two.
        scores = chances[:, 1] if chances.shape[1] == 2 else _odds(chances[:, found])
        told = area(answers == found[1], scores)
        low, high = told.interval()
        return Score(metric, told.value, low=low, high=high, note=note)
    areas = [area(answers == code, chances[:, code]).value for code in found]
    mean = min(1.0, float(np.mean(areas)))
    return Score(metric, mean, note=f"mean over {len(found)} classes, each against the others; {note}")


def _odds(pair: Array) -> Array:
    """The second of two probabilities among both, one half where both are 0."""
    total = pair.sum(axis=1)
    return np.asarray(np.where(total > 0, pair[:, 1] / np.where(total > 0, total, 1.0), 0.5))


def r_squared(predicted: Array, answers: Array) -> float:
    """1 where all is right, 0 where the mean of the answers would do as well, negative below. The answers must vary."""
    scale = float(np.abs(answers - answers.mean()).max())
    spread = ((answers - answers.mean()) / scale) ** 2
    gaps = ((predicted - answers) / scale) ** 2
    return float(1 - gaps.sum() / spread.sum())
