"""The fitted copula: strata, margins and correlations of a table, and rows drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import ndtr
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .latent import Latent, correlations, root
from .levels import Array, Levels
from .scaling import in_order

__all__ = ["Copula", "fit"]

_CLASSES, _CLASS_ROWS = (
    20,
    10,
)  # strata at most; what has fewer rows shares one: a class of few must not be retold
_PRIOR = 3.0  # rows of the whole table's margin that each stratum's own is mixed with


@dataclass(frozen=True)
class Copula:
    """columns : of the table, categories in order. values, gaps : per column the index of the latent variable that tells
    its value and of the one that tells whether it is missing, -1 where neither is open. strata : share of rows in each.
    edges : per latent variable its cuts. root : of the correlation matrix.
    """

    columns: tuple[Levels, ...]
    values: tuple[int, ...]
    gaps: tuple[int, ...]
    strata: Array
    edges: tuple[Array, ...]
    root: Array

    def draw(self, n: int, rng: np.random.Generator) -> dict[str, pa.Array]:
        """``n`` cells of every column."""
        drawn = rng.choice(len(self.strata), n, p=self.strata)
        with threadpool_limits(1, "blas"):
            below = ndtr(rng.standard_normal((n, len(self.edges))) @ self.root.T)
        members = [np.flatnonzero(drawn == stratum) for stratum in range(len(self.strata))]
        cells = {}
        for column, value, gap in zip(self.columns, self.values, self.gaps, strict=True):
            codes, within = self._levels(value, below, members)
            if column.places is not None:
                codes = column.drawn(codes, rng.random(n))
            if gap >= 0:
                codes = np.where(self._levels(gap, below, members)[0] == 1, -1, codes)
            cells[column.column.name] = column.cells(codes, within)
        return cells

    def _levels(self, latent: int, below: Array, members: Sequence[Array]) -> tuple[Array, Array]:
        """Per row the level of a variable, and how far into the level it lies, 0 to 1."""
        codes, within = np.zeros(len(below), np.int64), np.zeros(len(below))
        if latent < 0:
            return codes, within
        for rows, edges in zip(members, self.edges[latent], strict=True):
            given = below[rows, latent]
            found = np.searchsorted(edges[1:-1], given, side="right")
            width = edges[found + 1] - edges[found]
            codes[rows] = found
            within[rows] = ((given - edges[found]) / np.where(width > 0, width, 1.0)).clip(0.0, 1.0)
        return codes, within


def fit(columns: Sequence[Levels], target: Levels | None) -> Copula:
    """The copula of a table of at least one row.

    target : the column whose classes get margins of their own (a general location model, Olkin & Tate 1961, with copula
    margins): what the target tells of any column is then kept whatever its shape, and the correlations are those within
    classes. Without one, or where it has many values, there is one stratum.

    BLAS uses one thread: with another number of them it adds up in another order, and the last digit of a sum would differ.
    """
    with threadpool_limits(1, "blas"):
        return _fit(columns, target)


def _fit(columns: Sequence[Levels], target: Levels | None) -> Copula:
    rows = len(columns[0].codes) if columns else 1
    strata = _strata(target, rows)
    ordered = in_order(columns)
    latents: list[Latent] = []
    values, gaps = [], []
    for column in ordered:
        prior = 0.0 if target is not None and column.column.name == target.column.name else _PRIOR
        values.append(_add(latents, *column.latent(), strata, prior))
        open_gap = len(column.values) > 0 and column.missing.any()
        gaps.append(_add(latents, column.missing.astype(np.int64), 2 if open_gap else 0, strata, prior))
    return Copula(
        tuple(ordered),
        tuple(values),
        tuple(gaps),
        np.bincount(strata) / rows,
        tuple(latent.edges() for latent in latents),
        root(correlations(latents, strata)) if latents else np.zeros((0, 0)),
    )


def _strata(target: Levels | None, rows: int) -> Array:
    """Per row the number of its target class; classes of few rows are one class together."""
    if target is None:
        return np.zeros(rows, np.int64)
    counts = np.bincount(target.codes + 1, minlength=len(target.values) + 1)
    large = counts >= _CLASS_ROWS
    if np.count_nonzero(counts) > _CLASSES or not large.any():
        return np.zeros(rows, np.int64)
    place = np.where(large, np.cumsum(large) - 1, large.sum())
    return np.asarray(place[target.codes + 1])


def _add(latents: list[Latent], codes: Array, count: int, strata: Array, prior: float) -> int:
    """Append a latent variable of ``count`` levels; its index, or -1 where there is nothing to tell apart."""
    if count < 2:
        return -1
    held = codes >= 0
    table = np.zeros((int(strata.max()) + 1, count))
    np.add.at(table, (strata[held], codes[held]), 1.0)
    every = table.sum(axis=0) / max(1.0, table.sum())
    rows = table.sum(axis=1, keepdims=True)
    mixed = np.where(rows > 0, prior, 1.0)
    latents.append(Latent(codes, (table + mixed * every) / (rows + mixed)))
    return len(latents) - 1
