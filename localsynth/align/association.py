"""How much two columns tell of each other, and which tables are worth aiming at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

__all__ = ["all_pairs", "choose_pairs", "mutual_information", "tree"]

Array: TypeAlias = np.ndarray[Any, Any]
Pair: TypeAlias = tuple[int, int]


def mutual_information(counts: Array, rows: float | None = None) -> float:
    """Mutual information of a table in nats, less what chance alone gives (Miller 1955: (a - 1)(b - 1) / 2n).

    counts : two axes. rows : how many rows they were counted over, where ``counts`` are shares; at least those.
    Below 0 where there is less than chance would give.
    """
    total = float(counts.sum())
    if total <= 0:
        return 0.0
    share = counts / total
    rest = share.sum(1, keepdims=True) @ share.sum(0, keepdims=True)
    held = share > 0
    found = float((share[held] * np.log(share[held] / rest[held])).sum())
    used = [int((share.sum(axis) > 0).sum()) - 1 for axis in (0, 1)]
    return found - used[0] * used[1] / (2 * (rows or total))


def choose_pairs(strength: Mapping[Pair, float], extra: int, always: Iterable[int] = ()) -> list[Pair]:
    """The pairs to aim at: all with a column of ``always``, then the ``extra`` strongest others that beat chance."""
    wanted = set(always)
    ranked = sorted(strength, key=lambda pair: (-strength[pair], pair))
    own = [pair for pair in ranked if wanted & set(pair)]
    others = [pair for pair in ranked if not wanted & set(pair) and strength[pair] > 0]
    return own + others[:extra]


def tree(columns: int, strength: Mapping[Pair, float], reached: Iterable[int] = (0,)) -> list[Pair]:
    """A spanning tree of greatest strength (Chow & Liu 1968) as edges (parent, child), parents before their children.

    reached : columns it grows from, no edge leads to them; of ties the first parent's first child is taken.
    """
    given = [column for column in sorted(set(reached)) if column < columns]
    # Per column outside the strongest link that leads there: (strength, -parent).
    link = {column: (-math.inf, 0) for column in range(columns) if column not in set(given)}
    edges: list[Pair] = []
    for parent in given:
        _offer(link, parent, strength)
    while link and given:
        child = max(link, key=lambda column: (*link[column], -column))
        edges.append((-link.pop(child)[1], child))
        _offer(link, child, strength)
    return edges


def _offer(link: dict[int, tuple[float, int]], parent: int, strength: Mapping[Pair, float]) -> None:
    for child, best in link.items():
        link[child] = max(best, (strength.get((min(parent, child), max(parent, child)), 0.0), -parent))


def all_pairs(columns: int) -> list[Pair]:
    """Every pair of columns, rising."""
    return list(combinations(range(columns), 2))
