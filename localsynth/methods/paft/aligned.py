"""The better mode: the fitted model draws a surplus of rows, the best of them are selected and aligned to the train split.

What selection and alignment are worth is told by two stages of each batch: ``drawn``, rows as the model wrote them (the first
column's values as often as in the train split, where they are drawn from its margin), and ``selected``, the best of the surplus
before any value was swapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.align.finishing import Finisher
from localsynth.core.contracts import Ask, Draft, Stage
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.page import table_of

from .condition import ConditionedWriter
from .writer import Writer

__all__ = ["Aligned"]

_AGAIN = 3  # times that rows are drawn where too few were good
_FEWEST = 64  # rows drawn at least: few leave no choice
_NEAR = "too near to a real row (drop_near)"


@dataclass
class Aligned:
    """Makes batches. surplus : rows drawn for each row wanted, where they are aligned."""

    schema: Schema
    writer: Writer | ConditionedWriter
    finisher: Finisher
    surplus: float

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """``n`` rows, fewer where too few that the model drew can be kept."""
        finisher = self.finisher
        before = finisher.tally.near
        surplus = self.surplus if finisher.grid is not None else 1.0
        pool, bare, rejects = self._pool(n, max(ceil(n * surplus), _FEWEST), seed, ask)
        # Without alignment and guard the rows kept are the rows drawn, less those that break a rule.
        changes = finisher.grid is not None or finisher.guard is not None
        stages = [Stage("drawn", bare)] if changes else []
        pool = pool if finisher.grid is not None else pool.slice(0, n)
        made = finisher.finished(pool, n, np.random.default_rng(derive(seed, "align")))
        if made.selected is not None:
            stages.append(Stage("selected", made.selected))
        short = min(n - made.table.num_rows, finisher.tally.near - before)
        return Draft(
            made.table, (*rejects, *made.rejects, *[Reject("near", _NEAR, "")] * short), tuple(stages)
        )

    def _pool(self, n: int, wanted: int, seed: int, ask: Ask) -> tuple[pa.Table, pa.Table, list[Reject]]:
        """Rows as the model writes them, none too near to a real one; and the first ``n`` of them, with those that are.

        Rows come in an order that tells nothing, so that the first are like all.
        """
        parts: list[pa.Table] = []
        bare: pa.Table | None = None
        rejects: list[Reject] = []
        have = 0
        for turn in range(_AGAIN):
            rows, unread = self.writer.draw(wanted - have, derive(seed, "draw", turn), ask)
            table = table_of(self.schema, rows)
            bare = table.slice(0, n) if bare is None else bare
            rejects += unread
            parts.append(self.finisher.fresh(table, len(unread)))
            have += parts[-1].num_rows
            if have >= max(n, wanted // 2):
                break
        assert bare is not None
        return pa.concat_tables(parts), bare, rejects

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return self.finisher.dump()

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self.finisher.load(data)
