"""Near copies of the rows a prompt has shown, told by how near real rows come to them that it has not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from localsynth.align.guarding import NearGuard
from localsynth.core.schema import Schema

from .features import Array

__all__ = ["SHARE", "Nearness"]

#: The share of real rows that count as near copies where rows are many.
SHARE = 0.05


class Nearness:
    """Which rows are nearer to a row shown than all but 5 % of other real rows are to theirs.

    shown : rows that stood in prompts. other : real rows of the same population that did not. usual : the share of ``other``
    that is near by the same rule: about 0.05; less where many lie equally near, more where many equal a row shown.

    A copy of a row that occurs once among those shown is near in any case; one of rows that occur several times tells of
    none of them, and is not. With fewer than 20 other rows 5 % are less than one row, and copies alone are near.
    """

    def __init__(self, schema: Schema, shown: pa.Table, other: pa.Table) -> None:
        self._guard = NearGuard(schema, shown, share=0.0)
        self._limit = 0.0
        if shown.num_rows and other.num_rows * SHARE >= 1:
            self._limit = float(np.quantile(self._guard.apart(other)[0], SHARE))
        self.usual = float(self.near(other).mean()) if other.num_rows else 0.0

    def near(self, made: pa.Table) -> Array:
        """Which rows are near copies (boolean)."""
        apart, times = self._guard.apart(made)
        return np.asarray(np.where(times > 0, times == 1, apart < self._limit))
