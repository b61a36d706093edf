"""From drawn rows to the rows theta asks for: the best of the surplus, brought to the tables in focus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.counting import Counter, counted
from localsynth.align.finishing import Finisher
from localsynth.align.following import Follower, aligned_with
from localsynth.align.grid import Grid
from localsynth.align.guarding import NearGuard
from localsynth.align.images import Images
from localsynth.align.shrinking import shrunk
from localsynth.core.schema import Schema

from .theta import Theta

__all__ = ["Shaping"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Shaping:
    """Builds finishers.

    schema : with all dependencies that rows are to keep. images : what determines what, for rows as they are drawn.
    following : columns that are not aligned, for they follow others.
    dealt : columns whose values are drawn anew within their cells.
    """

    schema: Schema
    violations: Callable[[pa.Table], Array]
    images: Images
    following: tuple[Follower, ...] = ()
    dealt: tuple[str, ...] = ()

    def finisher(self, theta: Theta, counter: Counter | None, guard: NearGuard | None = None) -> Finisher:
        """counter : of the rows whose shares count; ``None`` aligns nothing."""
        grid = self._grid(theta, counter) if counter is not None else None
        if grid is None:
            return Finisher(self.schema, self.violations, None, guard)
        dealt = tuple(name for name in self.dealt if name in grid.names)
        made = Finisher(self.schema, self.violations, grid, guard, dealt, self.following)
        made.known = self.images.known
        return made

    def broken(self, rows: pa.Table) -> dict[str, float]:
        """Rule -> share of the rows that break it, of those that any does."""
        if not rows.num_rows or not self.schema.rules:
            return {}
        shares = self.violations(rows).mean(axis=0).tolist()
        return {rule.label: share for rule, share in zip(self.schema.rules, shares, strict=True) if share}

    def shaped(
        self, theta: Theta, counter: Counter | None, rows: pa.Table, n: int, rng: np.random.Generator
    ) -> pa.Table:
        """At most ``n`` rows, none that breaks a rule."""
        finisher = self.finisher(theta, counter)
        return finisher.finished(finisher.fresh(self.images.applied(rows)), n, rng).table

    def _grid(self, theta: Theta, counter: Counter) -> Grid | None:
        """Of the groups in focus, and of columns that must move with theirs; ``None`` where nothing is left to align."""
        named = aligned_with(self.schema, {name for group in theta.focus for name in group}, self.following)
        singles = [(name,) for name in counter.names if name in named]
        if not singles:
            return None
        # What is tied would be free to take any partner where no table says which.
        tied = [(*one.determinant, one.dependent) for one in self.schema.dependencies]
        wanted = dict.fromkeys([*(group for group in theta.focus if len(group) == 2), *tied])
        joint = [
            group for group in wanted if {(name,) for name in group} <= {*singles} and counter.able(group)
        ]
        return Grid(self.schema, shrunk(counted(counter, [*singles, *joint]), self.schema.target))
