"""How strongly two columns go together: correlation, Cramer's V, correlation ratio, each free of the bias of small tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .encode import Array

__all__ = ["Counts", "correlation_ratio", "count", "cramers_v", "pearson", "total_variation"]

_BLOCK, _CELLS = 20_000, 4_000_000  # rows standardised at a time, and cells of them
_DENSE = 1 << 19  # cells of a contingency table that are counted one by one, empty ones too

#: Cells of a contingency table as rising keys (first class * classes of the second + second class), and rows in each.
Counts = tuple[Array, Array]


def _idle() -> None:
    """Nobody asks whether to stop."""


def pearson(columns: Sequence[Array], check: Callable[[], None] = _idle) -> Array:
    """Pearson's r of any two number columns over the rows that have both (columns x columns).

    NaN where it is not defined: fewer than two such rows, or one column constant over them. The same to the last digit
    however many threads BLAS may use: it uses one, for each number of threads adds up in another order. check : called
    between blocks of rows.
    """
    with threadpool_limits(1, "blas"):
        return _pearson(columns, check)


def _pearson(columns: Sequence[Array], check: Callable[[], None]) -> Array:
    wide = len(columns)
    n, one, square, both = (np.zeros((wide, wide)) for _ in range(4))
    centers, scales = zip(*map(_center_and_scale, columns), strict=True)
    step = max(1, min(_BLOCK, _CELLS // wide))
    for start in range(0, len(columns[0]), step):
        check()
        block = np.column_stack([values[start : start + step] for values in columns])
        there = ~np.isnan(block)
        values = np.where(there, (block - centers) / scales, 0.0)
        present = there.astype(np.float64)
        n += present.T @ present
        one += values.T @ present  # sums of the first column over the rows that have both
        square += (values * values).T @ present
        both += values.T @ values
    spread = n * square - one * one
    # What rounding leaves of a constant column, or of one that varies far from here only: looked at one by one.
    unclear = spread <= 1e-6 * np.maximum(n * square, 1.0)
    unclear |= unclear.T
    scale = np.sqrt(np.where(unclear, 1.0, spread))
    r = np.clip((n * both - one * one.T) / (scale * scale.T), -1.0, 1.0)
    for i, j in zip(*np.nonzero(unclear), strict=True):
        if i <= j:
            r[i, j] = r[j, i] = _exact(columns[i], columns[j])
    return np.asarray(r)


def _exact(a: Array, b: Array) -> float:
    present = ~(np.isnan(a) | np.isnan(b))
    a, b = a[present], b[present]
    if a.size < 2 or a.min() == a.max() or b.min() == b.max():
        return float("nan")
    a, b = (values - values.mean() for values in (a / np.abs(a).max(), b / np.abs(b).max()))
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return max(-1.0, min(1.0, float(a @ b) / norms)) if norms else float("nan")


def _center_and_scale(values: Array) -> tuple[float, float]:
    own = values[~np.isnan(values)]
    if own.size == 0 or own.min() == own.max():
        return (float(own[0]) if own.size else 0.0), 1.0
    return float(own.mean()), float(own.std())


def count(first: Array, second: Array, classes: tuple[int, int]) -> Counts:
    """The contingency table of two columns of codes, empty cells left out."""
    keys = first * classes[1] + second
    if classes[0] * classes[1] > _DENSE:
        found, counts = np.unique(keys, return_counts=True)
        return found, counts
    counts = np.bincount(keys, minlength=1)
    found = np.flatnonzero(counts)
    return found, counts[found]


def total_variation(one: Counts, other: Counts) -> float:
    """Half the sum of absolute differences of the shares of all cells; both tables must have rows."""
    if len(one[0]) > len(other[0]):
        one, other = other, one
    shares, theirs = one[1] / one[1].sum(), other[1] / other[1].sum()
    # Keys rise in both: a search finds the cells both have, all others are different as a whole.
    place = np.searchsorted(other[0], one[0])
    both = place < len(other[0])
    both[both] = other[0][place[both]] == one[0][both]
    shares[both] -= theirs[place[both]]
    theirs[place[both]] = 0.0
    return float(min(1.0, (np.abs(shares).sum() + theirs.sum()) / 2))


def cramers_v(table: Counts, width: int) -> float:
    """Cramer's V, bias-corrected (Bergsma 2013, A bias-correction for Cramer's V and Tschuprow's T); 0 for a constant column.

    width : classes of the second column.
    """
    keys, counts = table
    rows, columns = np.divmod(keys, width)
    n = float(counts.sum())
    in_rows, in_columns = np.bincount(rows, counts), np.bincount(columns, counts)
    phi = float((counts * (counts / (in_rows[rows] * in_columns[columns]))).sum()) - 1.0
    r, k = np.count_nonzero(in_rows), np.count_nonzero(in_columns)
    if n < 2 or min(r, k) < 2:
        return 0.0
    corrected = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    most = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return min(1.0, float(np.sqrt(corrected / most))) if most > 0 else 0.0


def correlation_ratio(codes: Array, values: Array) -> float:
    """How much of a number's variance lies between the classes: the root of Kelley's epsilon squared (1935), the
    correlation ratio without its bias. Rows with a missing number do not count; NaN where the number is constant.
    """
    present = ~np.isnan(values)
    if not present.all():
        codes, values = codes[present], values[present]
    if values.size < 2 or values.min() == values.max():
        return float("nan")
    values = (values - values.mean()) / values.std()
    sizes = np.bincount(codes)
    sums = np.bincount(codes, values)
    filled = sizes > 0
    groups, n = int(filled.sum()), len(values)
    if n <= groups:
        return 0.0
    within = max(0.0, n - float((sums[filled] ** 2 / sizes[filled]).sum()))
    epsilon = 1.0 - (within / (n - groups)) / (n / (n - 1))
    return float(np.sqrt(min(1.0, max(0.0, epsilon))))
