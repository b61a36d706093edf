"""Shares into whole numbers of rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["apportion", "shuffled"]

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


def shuffled(counts: Array, rng: np.random.Generator) -> Array:
    """Codes 0, 1, ... as often as ``counts`` says, in random order (int32)."""
    return rng.permutation(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
