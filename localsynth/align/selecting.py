"""Rows chosen from a surplus: whole rows, so that whatever holds within them stays, and together as near to tables as may be.

Chosen rows are paired at random with others, and every exchange's effect on the squared gap is computed at once, as if it
were alone; of the exchanges that help a random part is made, as large as brings the gap lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .swap import Table, Work

__all__ = ["select"]

Array: TypeAlias = np.ndarray[Any, Any]
_PATIENCE = 40  # sweeps without a thousandth of progress


def select(
    codes: Array,
    n: int,
    goals: Sequence[Table],
    rng: np.random.Generator,
    *,
    most_sweeps: int = 600,
    check: Callable[[], None] = lambda: None,
) -> Array:
    """The numbers of ``n`` different rows, rising.

    Parameters
    ----------
    codes : rows x columns, nonnegative; at least ``n`` rows. goals : tables of counts for ``n`` rows; of one column too, and
        below 0 in cells that are too full already.
    check : called in every sweep.
    """
    total = len(codes)
    if total < n:
        raise ValueError(f"{n} rows cannot be chosen from {total}")
    order = rng.permutation(total)
    chosen, others = order[:n], order[n:]
    if not len(others) or not n or not goals:
        return np.sort(chosen)
    cells = [Work(codes, goal).cell for goal in goals]
    gaps = [
        np.bincount(cell[chosen], minlength=goal.counts.size) - goal.counts.ravel().astype(np.float64)
        for cell, goal in zip(cells, goals, strict=True)
    ]
    best, since = _worth(gaps), 0
    for _ in range(most_sweeps):
        check()
        pairs = min(n, len(others))
        out, into = rng.permutation(n)[:pairs], rng.permutation(len(others))[:pairs]
        effect = np.zeros(pairs)
        for cell, gap in zip(cells, gaps, strict=True):
            old, new = cell[chosen[out]], cell[others[into]]
            effect += np.where(old == new, 0.0, 2 * (gap[new] - gap[old]) + 2)
        helpful = np.flatnonzero(effect < -1e-9)
        taken = _together(helpful, effect, chosen[out], others[into], cells, gaps)
        if len(taken):
            gaps = _after(chosen[out[taken]], others[into[taken]], cells, gaps)
            chosen[out[taken]], others[into[taken]] = others[into[taken]], chosen[out[taken]]
        now = _worth(gaps)
        since = since + 1 if now > best * 0.999 else 0
        best = min(best, now)
        if since >= _PATIENCE:
            break
    return np.sort(chosen)


def _together(
    helpful: Array,
    effect: Array,
    out: Array,
    into: Array,
    cells: Sequence[Array],
    gaps: Sequence[Array],
) -> Array:
    """As many of the exchanges that help as bring the gap lowest together."""
    if not len(helpful):
        return helpful
    ways = [
        after - gap for after, gap in zip(_after(out[helpful], into[helpful], cells, gaps), gaps, strict=True)
    ]
    down = -sum(float((gap * way).sum()) for gap, way in zip(gaps, ways, strict=True))
    part = down / max(_worth(ways), 1e-9)
    taken = helpful[: max(1, min(len(helpful), int(part * len(helpful))))]
    before = _worth(gaps)
    while len(taken) > 1 and _worth(_after(out[taken], into[taken], cells, gaps)) >= before:
        taken = taken[np.argsort(effect[taken], kind="stable")[: len(taken) // 2]]
    return taken


def _after(out: Array, into: Array, cells: Sequence[Array], gaps: Sequence[Array]) -> list[Array]:
    """The gaps when these rows have been exchanged."""
    return [
        gap + np.bincount(cell[into], minlength=len(gap)) - np.bincount(cell[out], minlength=len(gap))
        for cell, gap in zip(cells, gaps, strict=True)
    ]


def _worth(gaps: Sequence[Array]) -> float:
    return float(sum(float((gap**2).sum()) for gap in gaps))
