"""An order for categories that have none, so that one latent variable can carry what they tell of other columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.special import ndtri

from .levels import Array, Levels

__all__ = ["in_order"]

_OWN = 300  # categories of a column, the most frequent, that have a place of their own; all others share one
_FEATURES = 4_000  # categories of all columns that one is set against, about
_PRIOR = 5.0  # rows in the middle of the axis that every category is thought to have: rare ones stay near it


def in_order(columns: Sequence[Levels]) -> list[Levels]:
    """The columns, nominal ones with their categories along the first axis of a correspondence analysis.

    Each is set against the numbers and the categories of all other columns: its axis is the one along which it tells most
    of them. Source: Greenacre 2017, Correspondence Analysis in Practice, ch. 4 and 18.

    Of a column of thousands the rarest categories, which have too few rows to tell anything, are one on both sides; so time
    and memory grow with the rows and columns, not with the categories.
    """
    loose = [i for i, column in enumerate(columns) if column.nominal and len(column.values) > 2]
    if not loose:
        return list(columns)
    rows = len(columns[0].codes)
    scores = np.hstack([np.zeros((rows, 1))] + [_scores(c) for i, c in enumerate(columns) if i not in loose])
    widest = _widest([len(columns[i].values) for i in loose])
    features = [_membership(columns[i], _together(columns[i], widest)) for i in loose]
    ends = np.cumsum([0, *(feature.shape[1] for feature in features)])
    every = hstack(features, format="csr")
    # Indicators stay sparse: what each would sum to by chance is taken off the sums.
    totals = np.asarray(every.sum(axis=0))
    found = list(columns)
    for i, start, end in zip(loose, ends, ends[1:], strict=False):
        groups = _together(columns[i], _OWN)
        own = _membership(columns[i], groups)
        counts = np.asarray(own.sum(axis=0))
        sums = (own.T @ every).toarray() - np.outer(counts, totals / rows)
        sums *= np.sqrt(rows / (totals + _PRIOR))
        sums[:, start:end] = 0.0  # of itself it tells everything
        # Rounded, so that noise in the last digit of a sum never decides between two categories alike.
        axis = _axis(np.hstack([own.T @ scores, sums]), counts).round(9)
        found[i] = _along(columns[i], axis, groups)
    return found


def _widest(widths: Sequence[int]) -> int:
    """The most categories of one column that may stand alone, so that there are ``_FEATURES`` in all or a few of each."""
    most = [cap for cap in range(3, _OWN + 1) if sum(min(width, cap) for width in widths) <= _FEATURES]
    return max(most, default=3)


def _together(column: Levels, most: int) -> Array:
    """Per category a number from 0, of which there are at most ``most``: the rarest have the last in common."""
    count = len(column.values)
    if count <= most:
        return np.arange(count)
    kept = np.sort(np.argsort(-column.counts(), kind="stable")[: most - 1])
    groups = np.full(count, most - 1)
    groups[kept] = np.arange(most - 1)
    return groups


def _along(column: Levels, axis: Array, groups: Array) -> Levels:
    """The column in the order of its groups along the axis."""
    order = np.lexsort((groups, axis[groups]))
    ordered = column.ordered(order)
    if len(axis) == len(groups):
        return ordered
    sorted_groups = groups[order]
    return replace(ordered, places=np.append(0, np.cumsum(sorted_groups[1:] != sorted_groups[:-1])))


def _axis(sums: Array, counts: Array) -> Array:
    """One score per category, from what its rows sum to in each feature of the other columns."""
    weight = np.sqrt(counts + _PRIOR)
    weighed = sums / weight[:, None]
    axis: Array = np.linalg.eigh(weighed @ weighed.T)[1][:, -1] / weight
    return axis if axis[np.argmax(np.abs(axis).round(9))] > 0 else -axis


def _membership(column: Levels, groups: Array) -> csr_array:
    """Rows x groups of categories, 1 where a row has one of it."""
    held = np.flatnonzero(~column.missing)
    shape = (len(column.codes), int(groups.max()) + 1)
    return csr_array((np.ones(len(held)), (held, groups[column.codes[held]])), shape=shape)


def _scores(column: Levels) -> Array:
    """A column's normal scores and their squares, (rows x 2): a relation may rise and fall again."""
    counts = column.counts()
    middle = (np.cumsum(counts) - counts / 2) / max(1, counts.sum())
    score = ndtri(middle)
    return np.column_stack([_standard(score, column), _standard(score**2, column)])


def _standard(score: Array, column: Levels) -> Array:
    """Per row (rows x 1) the score of its value, with mean 0 and spread 1; 0 where it is missing."""
    made = np.append(score, 0.0)[column.codes]
    held = ~column.missing
    if held.any():
        made[held] -= made[held].mean()
    spread = np.sqrt((made**2).sum() / max(1, held.sum()))
    return (made / spread if spread > 1e-9 else np.zeros_like(made))[:, None]
