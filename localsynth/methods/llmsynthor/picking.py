"""The few rows that are missing, out of more that were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["neediest"]

Array: TypeAlias = np.ndarray[Any, Any]


def neediest(codes: Array, margins: Sequence[Array], n: int) -> Array:
    """``n`` rows (indices; all where there are fewer) whose cells are wanted in most columns, one after the other.

    margins : per column how many rows of each cell are wanted.
    """
    left = [np.array(margin, np.int64) for margin in margins]
    free = np.ones(len(codes), np.bool_)
    chosen: list[int] = []
    while len(chosen) < min(n, len(codes)):
        wanted = sum((left[at][codes[:, at]] > 0).astype(np.int64) for at in range(len(left)))
        best = int(np.argmax(np.where(free, wanted, -1)))
        free[best] = False
        chosen.append(best)
        for at, column in enumerate(left):
            column[codes[best, at]] -= 1
    return np.array(chosen, np.int64)
