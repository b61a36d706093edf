"""Rows as points, for the metrics that measure how near they are to each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from localsynth.core.judging import Case
from localsynth.core.seeds import derive

from .encode import PARTS, Array, Features, Part, View, featured, features, one_hot_width, views
from .neighbours import Near, nearest

__all__ = ["NO_POINTS", "Space", "Told", "joined", "space", "to_train"]

#: Why there are no distances, in words.
NO_POINTS = "the table holds nothing but free text, between which no distance is defined"

_ONE_HOT = float(np.sqrt(0.5))  # two rows that differ in one category are 1 apart
_CELLS = 100_000_000  # of one table's matrix: 400 MB
_WORK = 40_000_000_000  # multiplications: about two seconds of one core
_PER_DISTANCE = 50  # multiplications that take as long as what else is done with a distance
_QUERIES = 20_000
_FAR = 1e5  # standard deviations; what is farther out is put there, so that squares stay exact


@dataclass(frozen=True)
class Space:
    """Rows as vectors: numbers standardised by the train rows, categories one-hot / sqrt(2), missing values a place of
    their own, texts left out. The distance of two rows is that of their vectors.

    matrix : per table (rows x features), float32. rows : per table, which of its rows these are. totals : rows it has.
    blocks : column name -> its slice of features.
    """

    matrix: dict[Part, Array]
    rows: dict[Part, Array]
    totals: dict[Part, int]
    blocks: dict[str, slice]

    @property
    def width(self) -> int:
        """Features."""
        return int(self.matrix["rows"].shape[1])

    @property
    def cut(self) -> str:
        """In words what of tables too large for memory is not here; empty where all is."""
        names = {"rows": "rows judged", "train": "train rows", "holdout": "held-out rows"}
        told = [
            f"{len(self.rows[part]):,} of {self.totals[part]:,} {names[part]}"
            for part in PARTS
            if len(self.rows[part]) < self.totals[part]
        ]
        return f"memory held {' and '.join(told)}, drawn by chance" if told else ""

    def some(self, part: Part, most: int, seed: int) -> Array:
        """Indices into a matrix, rising: all, or ``most`` drawn by chance."""
        return _some(len(self.matrix[part]), most, seed)

    def affordable(self, points: int, most: int = _QUERIES) -> int:
        """How many queries against so many points take about two seconds of one core; at least 500, at most ``most``."""
        each = max(1, points) * (self.width + _PER_DISTANCE)
        return int(np.clip(_WORK // each, min(500, most), most))


def space(case: Case) -> Space | None:
    """The case's rows as points, made once; tables too large for memory stand there by rows drawn by chance.

    ``None`` where no column has a distance.
    """
    return case.kept.once("space", lambda: _space(case))


def _space(case: Case) -> Space | None:
    columns = views(case)
    width = sum(
        2 if view.kind == "number" else one_hot_width(view) for view in columns if view.kind != "text"
    )
    if width == 0:
        return None
    totals = {part: len(columns[0].parts[part]) for part in PARTS}
    most = max(1_000, _CELLS // width)
    rows = {part: _some(totals[part], most, derive(case.seed, "space", part)) for part in PARTS}
    with np.errstate(over="ignore"):
        made = _features(case, columns, rows, whole=max(totals.values()) <= most)
    return Space({part: _bounded(made.matrix[part]) for part in PARTS}, rows, totals, made.blocks)


def _features(case: Case, columns: tuple[View, ...], rows: dict[Part, Array], *, whole: bool) -> Features:
    if whole:
        return features(case, "train", _ONE_HOT)
    picked = [replace(v, parts={part: v.parts[part][rows[part]] for part in PARTS}) for v in columns]
    return featured(picked, "train", _ONE_HOT)


def _bounded(matrix: Array) -> Array:
    if matrix.size and max(matrix.max(), -matrix.min()) > _FAR:
        return np.clip(matrix, -_FAR, _FAR)
    return matrix


def _some(total: int, most: int, seed: int) -> Array:
    if total <= most:
        return np.arange(total)
    return np.sort(np.random.default_rng(seed).permutation(total)[:most])


@dataclass(frozen=True)
class Told:
    """The two nearest train rows (one, where there is but one) of some rows of a table.

    asked : which rows of the matrix. near : their neighbours. sampled : in words what was left out; empty if nothing was.
    """

    asked: Array
    near: Near
    sampled: str


def joined(*notes: str) -> str:
    """Notes in one line, empty ones left out."""
    return "; ".join(filter(None, notes))


def to_train(case: Case, part: Part) -> Told:
    """The nearest train rows of the rows of a table; computed once. Both must have rows, and :func:`space` points."""

    def found() -> Told:
        points = space(case)
        assert points is not None
        train = points.matrix["train"]
        asked = points.some(part, points.affordable(len(train)), derive(case.seed, "to train", part))
        near = nearest(points.matrix[part][asked], train, min(2, len(train)), case.check, case.threads)
        count, total = len(asked), points.totals[part]
        judged = f"judged on {count:,} of {total:,} rows, drawn by chance" if count < total else ""
        return Told(asked, near, joined(judged, points.cut))

    return case.kept.once(("to train", part), found)
