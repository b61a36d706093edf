"""What chance alone would give: a dependent dealt out anew, with everything else left as it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from localsynth.core.seeds import derive

from .coding import Array, Coded
from .screening import broken

__all__ = ["by_chance", "dealt"]


def by_chance(coded: Coded, left: Sequence[int], dependent: int) -> int:
    """Rows that would break the dependency if one column on the left had nothing to do with the dependent.

    The dependent is shuffled over all rows where ``left`` is one column; else among rows that are alike in the other columns,
    for each column that may be idle: the least of the counts.
    """
    groups = coded.groups(left)
    inside = groups >= 0
    groups, values = groups[inside], coded.codes[dependent][inside]
    size = int(groups.max(initial=-1)) + 1
    found = []
    for idle in left:
        others = [at for at in left if at != idle]
        within = coded.groups(others)[inside] if others else np.zeros(len(values), np.int64)
        rng = np.random.default_rng(derive(0, "finding", *coded.names(left), coded.name(dependent), idle))
        found.append(broken(groups, size, dealt(values, within, rng)))
    return min(found)


def dealt(values: Array, within: Array, rng: np.random.Generator) -> Array:
    """Values shuffled among the rows of each group of ``within``."""
    places = np.argsort(within, kind="stable")
    order = np.lexsort((rng.random(len(values)), within))
    out = np.empty_like(values)
    out[places] = values[order]
    return out
