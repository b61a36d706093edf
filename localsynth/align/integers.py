"""Shares into whole numbers of rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["apportion", "onward", "ranks", "shuffled", "spread_over"]

Array: TypeAlias = np.ndarray[Any, Any]


def apportion(shares: Array, n: int) -> Array:
    """Whole numbers that sum to ``n``, each less than 1 away from its share of it (largest remainders, Hamilton's method).

    shares : nonnegative, any shape, any positive sum. Raises ``ValueError`` where all are 0 and ``n`` is not.
    """
    total = float(shares.sum())
    if total <= 0:
        if n:
            raise ValueError("nothing to apportion: all shares are 0")
        return np.zeros(shares.shape, np.int64)
    wanted = shares.astype(np.float64) / total * n
    whole = np.floor(wanted).astype(np.int64)
    left = n - int(whole.sum())
    # A stable order: of equal remainders the first gets the row, whatever the machine.
    order = np.argsort((whole - wanted).ravel(), kind="stable")
    whole.ravel()[order[:left]] += 1
    return whole


def onward(shares: Array, n: int, done: Array) -> Array:
    """Whole numbers that sum to ``n`` and bring what is ``done`` as near to its shares as more rows can.

    done : counts of rows made before, of each cell. Made so from batch to batch, the sum stays within about 1 of its share.
    """
    if not done.any():
        return apportion(shares, n)
    total = float(shares.sum())
    if total <= 0:
        return apportion(shares, n)
    lacking = np.maximum(shares / total * (n + int(done.sum())) - done, 0.0)
    whole = np.floor(lacking).astype(np.int64)
    left = n - int(whole.sum())
    order = np.argsort(whole - lacking, kind="stable")
    while left > 0:
        # A cell that should never be filled is not, however many rows are left over.
        open_cells = order[shares[order] > 0][:left]
        whole[open_cells] += 1
        left -= len(open_cells)
    while left < 0:
        # More was made of some cell than it should ever have: the others go short, those that lack least first.
        able = order[::-1][whole[order[::-1]] > 0][:-left]
        whole[able] -= 1
        left += len(able)
    return whole


def spread_over(weights: Array, n: int, rng: np.random.Generator) -> Array:
    """``n`` cells (int32) drawn by weight, as evenly as can be (systematic sampling), in random order.

    Each cell's expected number of rows is exactly its share; the number itself is less than 1 away from it.
    """
    edges = np.cumsum(weights, dtype=np.float64)
    at = (np.arange(n) + rng.random()) / max(n, 1) * edges[-1]
    found = np.searchsorted(edges, at, side="right")
    # Rounding may carry the last one past the end, into a cell without weight.
    last = int(np.flatnonzero(weights)[-1]) if n else 0
    return rng.permutation(np.minimum(found, last).astype(np.int32))


def ranks(keys: Array) -> Array:
    """How many equal keys stand before each."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(keys[order]) != 0)) if len(keys) else order
    found = np.empty(len(keys), np.int64)
    found[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return found


def shuffled(counts: Array, rng: np.random.Generator) -> Array:
    """Codes 0, 1, ... as often as ``counts`` says, in random order (int32)."""
    return rng.permutation(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
