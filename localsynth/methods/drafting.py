"""From rows that somebody draws to the draft of a batch: a surplus is drawn, again where too few are good, then finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.finishing import Finisher
from localsynth.core.contracts import Draft, Stage
from localsynth.core.run import Reject
from localsynth.core.seeds import derive

__all__ = ["drafted"]

#: (rows wanted, seed) -> rows as the model writes them, and what could not be read; their order tells nothing.
Draw: TypeAlias = Callable[[int, int], tuple[pa.Table, list[Reject]]]
_AGAIN = 3  # times that rows are drawn where too few were good
_NEAR = "too near to a real row (drop_near)"


def drafted(
    finisher: Finisher,
    n: int,
    wanted: int,
    seed: int,
    draw: Draw,
    settled: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> Draft:
    """``n`` rows, fewer where too few that the model drew can be kept.

    wanted : rows to draw. settled : what is set right in them before any is judged; the stage ``drawn`` has them as they were.
    """
    before = finisher.tally.near
    pool, bare, rejects = _pool(finisher, n, wanted, seed, draw, settled)
    # Without alignment and guard the rows kept are the rows drawn, less those that break a rule.
    stages = [Stage("drawn", bare)] if finisher.grid is not None or finisher.guard is not None else []
    pool = pool if finisher.grid is not None else pool.slice(0, n)
    made = finisher.finished(pool, n, np.random.default_rng(derive(seed, "align")))
    if made.selected is not None:
        stages.append(Stage("selected", made.selected))
    short = min(n - made.table.num_rows, finisher.tally.near - before)
    lost = [Reject("near", _NEAR, "")] * short
    return Draft(made.table, (*rejects, *made.rejects, *lost), tuple(stages))


def _pool(
    finisher: Finisher, n: int, wanted: int, seed: int, draw: Draw, settled: Callable[[pa.Table], pa.Table]
) -> tuple[pa.Table, pa.Table, list[Reject]]:
    """Rows none of which is too near to a real one; and the first ``n`` that were drawn, with those that are."""
    parts: list[pa.Table] = []
    bare: pa.Table | None = None
    rejects: list[Reject] = []
    have = 0
    for turn in range(_AGAIN):
        table, unread = draw(wanted - have, derive(seed, "draw", turn))
        bare = table.slice(0, n) if bare is None else bare
        rejects += unread
        parts.append(finisher.fresh(settled(table), len(unread)))
        have += parts[-1].num_rows
        if have >= max(n, wanted // 2):
            break
    assert bare is not None
    return pa.concat_tables(parts), bare, rejects
