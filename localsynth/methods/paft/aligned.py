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

import pyarrow as pa

from localsynth.align.finishing import Finisher
from localsynth.core.contracts import Ask, Draft
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.methods.drafting import drafted
from localsynth.methods.page import table_of

from .condition import ConditionedWriter
from .writer import Writer

__all__ = ["Aligned"]

_FEWEST = 64  # rows drawn at least: few leave no choice


@dataclass
class Aligned:
    """Makes batches. surplus : rows drawn for each row wanted, where they are aligned."""

    schema: Schema
    writer: Writer | ConditionedWriter
    finisher: Finisher
    surplus: float

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """``n`` rows, fewer where too few that the model drew can be kept."""

        def draw(wanted: int, seed: int) -> tuple[pa.Table, list[Reject]]:
            rows, unread = self.writer.draw(wanted, seed, ask)
            return table_of(self.schema, rows), unread

        surplus = self.surplus if self.finisher.grid is not None else 1.0
        return drafted(self.finisher, n, max(ceil(n * surplus), _FEWEST), seed, draw)

    def dump(self) -> dict[str, Any]:
        """JSON-able."""
        return self.finisher.dump()

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self.finisher.load(data)
