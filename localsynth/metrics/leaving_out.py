"""The nearest row by all columns but one, for each column in turn: exact, so that nothing of the column left out shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .encode import Array
from .workers import spread

__all__ = ["nearest_without", "on_grid"]

_PIECE, _POINTS, _QUERIES = 16_384, 2_048, 64  # rows of one piece of work; rows and targets of a block (1 MB)


def on_grid(matrix: Array, columns: int, reach: float) -> Array:
    """Features as whole numbers in float64: multiples of the finest power of two with which squared distances are exact.

    A distance can then be taken apart into its columns' shares and put together again without any rounding; with 30 columns
    and values up to 5 the step is a millionth. columns : how many a row has; each adds at most ``(2 * reach) ** 2`` to a
    squared distance. reach : the largest absolute value.
    """
    bits = math.floor((53 - math.log2(max(1, columns) * (2 * reach) ** 2)) / 2)
    return np.rint(np.asarray(matrix, np.float64) * 2.0**bits)


def nearest_without(
    targets: Array,
    searched: Callable[[Array], Array],
    order: Array,
    blocks: Sequence[slice | None],
    check: Callable[[], None],
    threads: int,
) -> Array:
    """Per block (of features; ``None`` for none) and target the row nearest by all features outside the block.

    Of rows equally near it is the one that stands first in ``order``. What lies inside the block has no influence at all.

    targets : whole numbers of :func:`on_grid` (targets x features). searched : the features of rows by their numbers, on the
    same grid. order : the numbers of all rows to be searched. Returns row numbers (blocks x targets).
    """

    def piece(start: int) -> tuple[Array, Array]:
        least = np.full((len(blocks), len(targets)), np.inf)
        found = np.zeros((len(blocks), len(targets)), np.int64)
        for first in range(start, min(start + _PIECE, len(order)), _POINTS):
            rows = order[first : min(first + _POINTS, start + _PIECE)]
            _search(targets, rows, searched(rows), blocks, (least, found))
        return least, found

    least, found = (
        np.full((len(blocks), len(targets)), np.inf),
        np.zeros((len(blocks), len(targets)), np.int64),
    )
    for near, rows in spread(piece, range(0, len(order), _PIECE), threads, check):
        closer = near < least
        least[closer], found[closer] = near[closer], rows[closer]
    return found


def _search(
    targets: Array, rows: Array, points: Array, blocks: Sequence[slice | None], best: tuple[Array, Array]
) -> None:
    """Put into ``best`` (squared distances less a constant of each block and target, row numbers) what is nearer here."""
    least, found = best
    lengths = np.einsum("ij,ij->i", points, points)
    across = np.ascontiguousarray(points.T)
    shares = [
        None if block is None else np.vstack([2 * across[block], -np.square(across[block]).sum(axis=0)])
        for block in blocks
    ]
    for start in range(0, len(targets), _QUERIES):
        asked = targets[start : start + _QUERIES]
        apart = asked @ across
        apart *= -2
        apart += lengths
        lines, one = np.arange(len(asked)), np.ones((len(asked), 1))
        for place, (block, share) in enumerate(zip(blocks, shares, strict=True)):
            left = apart
            if block is not None and share is not None:
                left = np.hstack([asked[:, block], one]) @ share
                left += apart
            nearest = left.argmin(axis=1)
            near = left[lines, nearest]
            closer = np.flatnonzero(near < least[place, start : start + _QUERIES])
            least[place, start + closer] = near[closer]
            found[place, start + closer] = rows[nearest[closer]]
