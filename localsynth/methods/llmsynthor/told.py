"""What a person is told of the model's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from localsynth.align.grid import Grid
from localsynth.core.targets import Statistics
from localsynth.core.words import counted

from .groups import Group
from .planning import Plans

__all__ = ["told_of_groups", "told_of_leaning", "told_of_plans", "told_of_proposals"]

_SURE = 2.0  # standard deviations above chance
_NOTHING = 1e-6  # nats


def told_of_groups(named: Sequence[tuple[Group, int]], statistics: Statistics) -> str:
    """The groups the model named, and whether their columns depend on each other more than chance gives."""
    if not named:
        return ""
    tables = {frozenset(table.columns): table for table in statistics.tables}
    words: list[str] = []
    real = 0
    for group, votes in named:
        table = tables.get(frozenset(group))
        if table is None:
            words.append(f"{', '.join(group)} ({votes} votes; no table)")
            continue
        sure = _dependence(np.array(table.shares).reshape(table.shape), table.total) > _SURE
        real += sure
        words.append(f"{', '.join(group)} ({votes} votes; {'depends' if sure else 'no more than chance'})")
    return (
        f"groups named by the model: {'; '.join(words)}; {real} of {len(named)} hold more than chance gives"
    )


def _dependence(shares: np.ndarray[tuple[int, ...], np.dtype[np.float64]], total: float) -> float:
    """How far a table is from independent columns, in standard deviations above chance (likelihood ratio, about chi-squared).

    total : rows it was counted over; where nobody knows, any distance is taken at its word.
    """
    margins = [shares.sum(tuple(o for o in range(shares.ndim) if o != at)) for at in range(shares.ndim)]
    rest = np.ones(())
    for margin in margins:
        rest = np.multiply.outer(rest, margin)
    held = shares > 0
    found = float((shares[held] * np.log(shares[held] / rest[held])).sum())
    used = [int((margin > 0).sum()) for margin in margins]
    freedom = prod(used) - 1 - sum(size - 1 for size in used)
    if not total:
        return np.inf if found > _NOTHING else 0.0
    return float((2 * total * found - freedom) / (2 * freedom) ** 0.5) if freedom else 0.0


def told_of_plans(plans: Plans, who: str) -> str:
    """How much of the rows comes from accepted plans."""
    writer = "the model" if who == "model" else "chance"
    return (
        f"{writer} wrote {counted(plans.proposed, 'plan')} in {counted(plans.rounds, 'round')};"
        f" {len(plans.counts)} lowered the gaps, and "
        f"{plans.share:.0%} of the rows are drafted by them before they are aligned"
    )


def told_of_leaning(before: Grid, after: Grid) -> str:
    """Which margins the context moved, and by how much."""
    moved = []
    for at, name in enumerate(before.names):
        one, other = (np.array(grid.bases[at].margin.shares) for grid in (before, after))
        distance = float(np.abs(one - other).sum()) / 2
        if distance > 0:
            moved.append(f"{name} by {distance:.3f}")
    if not moved:
        return "the context moves no margin: what the model plans with it differs from what it plans without it by chance alone"
    return f"the context moves margins (total variation distance): {', '.join(moved)}"


def told_of_proposals(iteration: int, tally: Mapping[str, int], *, rules: bool) -> str:
    """What the faithful mode did so far. tally : proposals read, rows drawn from them, rows kept, rows that break a rule."""
    drawn = tally["drawn"]
    text = f"{counted(iteration, 'iteration')}: {counted(tally['proposals'], 'proposal')} read, {counted(drawn, 'row')} drawn"
    if rules and drawn:
        text += f", {tally['broken']:,} of which ({tally['broken'] / drawn:.1%}) break a rule"
        if tally["kept"] < drawn:
            text += f" and {drawn - tally['kept']:,} were rejected"
    return text
