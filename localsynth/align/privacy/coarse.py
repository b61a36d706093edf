"""Axes of tables out of the cells of margins: fewer, fuller cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localsynth.core.targets import Axis, Margin

from .curator import Array

__all__ = ["Coarse", "coarsen"]


@dataclass(frozen=True)
class Coarse:
    """An axis, and the margin's share of each of its cells."""

    axis: Axis
    shares: Array


def coarsen(margin: Margin, levels: int) -> Coarse:
    """At most ``levels`` cells for values, and that of missing values as it is.

    Neighbouring cells of ordered columns become about equally full ones; of nominal columns the rarest values share a cell.
    """
    axis, shares = margin.axis, np.array(margin.shares)
    if axis.present <= levels:
        return Coarse(axis, shares)
    values = shares[: axis.present]
    place = _neighbours(values, levels) if axis.edges else _rare_together(values, levels)
    cells = int(place.max()) + 1
    summed = np.bincount(place, values, cells)
    if axis.edges:
        starts = [int(np.flatnonzero(place == cell)[0]) for cell in range(cells)]
        new = Axis(
            axis.column,
            edges=(*(axis.edges[start] for start in starts), axis.edges[-1]),
            missing=axis.missing,
        )
    else:
        labels = tuple(
            tuple(value for at in np.flatnonzero(place == cell) for value in axis.labels[at])
            for cell in range(cells)
        )
        new = Axis(axis.column, labels=labels, missing=axis.missing)
    return Coarse(new, np.concatenate([summed, shares[axis.present :]]))


def _neighbours(shares: Array, levels: int) -> Array:
    """The new cell of each old one: by where its middle lies in the distribution."""
    total = float(shares.sum())
    if total <= 0:
        return np.arange(len(shares)) * levels // len(shares)
    middle = (np.cumsum(shares) - shares / 2) / total
    place = np.minimum((middle * levels).astype(np.int64), levels - 1)
    return np.asarray(np.unique(place, return_inverse=True)[1])


def _rare_together(shares: Array, levels: int) -> Array:
    """The fullest levels - 1 values keep cells of their own, in their order; the others share the last."""
    fullest = np.sort(np.argsort(-shares, kind="stable")[: levels - 1])
    place = np.full(len(shares), len(fullest), np.int64)
    place[fullest] = np.arange(len(fullest))
    return place
