"""How many real rows a published figure must stand for, and how counts are put together until each does."""

from __future__ import annotations

from collections.abc import Sequence

from localsynth.core.smallcells import FEWEST, tells

__all__ = ["FEWEST", "merged", "tells"]


def merged(counts: Sequence[int]) -> list[int]:
    """Neighbouring counts put together until each sum is 0 or at least ``FEWEST``: where each sum begins, rising from 0.

    As many sums as possible, and of those the most even. Their total must be 0 or at least ``FEWEST`` itself, else all is
    one. As nothing is left out, nothing follows from the total either.
    """
    # Best partition of the first so many counts: (sums, minus the squares of the sums), and where its last sum begins.
    best: list[tuple[int, int, int] | None] = [(0, 0, 0)]
    for end in range(1, len(counts) + 1):
        found: list[tuple[int, int, int]] = []
        total = 0
        for start in range(end - 1, -1, -1):
            total += counts[start]
            before = best[start]
            if before is not None and not tells(total):
                found.append((before[0] + 1, before[1] - total * total, start))
        best.append(max(found, default=None))
    starts, end = [], len(counts)
    while end > 0:
        last = best[end]
        end = 0 if last is None else last[2]
        starts.append(end)
    return starts[::-1]
