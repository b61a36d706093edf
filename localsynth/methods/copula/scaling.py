"""An order for categories that have none, so that one latent variable can carry what they tell of other columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.special import ndtri

from .levels import Array, Levels

__all__ = ["in_order"]

_PRIOR = 5.0  # rows in the middle of the axis that every category is thought to have: rare ones stay near it


def in_order(columns: Sequence[Levels]) -> list[Levels]:
    """The columns, nominal ones with their categories along the first axis of a correspondence analysis.

    Each is set against the numbers and the categories of all other columns: its axis is the one along which it tells most
    of them. Source: Greenacre 2017, Correspondence Analysis in Practice, ch. 4 and 18.
    """
    loose = [i for i, column in enumerate(columns) if column.nominal and len(column.values) > 2]
    if not loose:
        return list(columns)
    rows = len(columns[0].codes)
    scores = np.hstack([np.zeros((rows, 1))] + [_scores(c) for i, c in enumerate(columns) if i not in loose])
    members = [_membership(columns[i]) for i in loose]
    ends = np.cumsum([0, *(len(columns[i].values) for i in loose)])
    every = hstack(members, format="csr")
    axes = {}
    for i, own, start, end in zip(loose, members, ends, ends[1:], strict=False):
        counts = columns[i].counts()
        # Indicators stay sparse: what each would sum to by chance is taken off the sums.
        totals = np.asarray(every.sum(axis=0))
        sums = (own.T @ every).toarray() - np.outer(counts, totals / rows)
        sums *= np.sqrt(rows / (totals + _PRIOR))
        sums[:, start:end] = 0.0  # of itself it tells everything
        axes[i] = _axis(np.hstack([own.T @ scores, sums]), counts)
    # Rounded, so that noise in the last digit of a sum never decides between two categories alike.
    return [
        column.ordered(np.argsort(axes[i].round(9), kind="stable")) if i in axes else column
        for i, column in enumerate(columns)
    ]


def _axis(sums: Array, counts: Array) -> Array:
    """One score per category, from what its rows sum to in each feature of the other columns."""
    weight = np.sqrt(counts + _PRIOR)
    weighed = sums / weight[:, None]
    axis: Array = np.linalg.eigh(weighed @ weighed.T)[1][:, -1] / weight
    return axis if axis[np.argmax(np.abs(axis).round(9))] > 0 else -axis


def _membership(column: Levels) -> csr_array:
    """Rows x categories, 1 where a row has it."""
    held = np.flatnonzero(~column.missing)
    shape = (len(column.codes), len(column.values))
    return csr_array((np.ones(len(held)), (held, column.codes[held])), shape=shape)


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
