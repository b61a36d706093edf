"""The yardstick that keeps every column and no structure: each column of the train split resampled alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from localsynth.core.columns import IdentifierColumn
from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Task
from localsynth.core.run import Exposure
from localsynth.core.seeds import derive
from localsynth.tables import arrow_schema

from .reals import train_rows

__all__ = ["Independent", "IndependentParams"]


class IndependentParams(MethodParams):
    """There is nothing to choose."""


class Independent:
    """Bootstraps each column of the train split on its own, missing values included.

    Margins are those of the real table, every relation between columns is gone; rules may be broken, on purpose: what a
    better method scores above this one is what it knows about structure.
    """

    name: ClassVar[str] = "independent"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.STATISTICS
    needs_model: ClassVar[bool] = False
    summary: ClassVar[str] = (
        "Each column of the train rows resampled alone: right margins, no structure (a yardstick)."
    )
    Params: ClassVar[type[MethodParams]] = IndependentParams

    def __init__(self, params: IndependentParams) -> None:
        self.params = params
        self._task: Task | None = None
        self._train: pa.Table | None = None

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Raises ``DatasetError`` where there are no train rows to resample."""
        self._task, self._train = task, train_rows(task, self.name, "resamples real rows")

    def batch_rows(self) -> int:
        return 10_000

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Nothing: the train split is all there is to know."""

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        """``n`` rows; identifier columns are NULL."""
        if self._task is None or self._train is None:
            raise RuntimeError("batch before prepare")
        schema, train = self._task.schema, self._train
        arrays = []
        for column, field in zip(schema.columns, arrow_schema(schema), strict=True):
            if isinstance(column, IdentifierColumn):
                arrays.append(pa.nulls(n, field.type))
                continue
            # A seed per column, so that a column added to the schema changes no other.
            rng = np.random.default_rng(derive(seed, "independent", column.name))
            picked = (
                train.column(column.name).combine_chunks().take(pa.array(rng.integers(0, train.num_rows, n)))
            )
            arrays.append(picked.cast(field.type))
        return Draft(pa.Table.from_arrays(arrays, schema=arrow_schema(schema)))

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""
