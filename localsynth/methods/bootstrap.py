"""The yardstick of leakage: rows of the train split, drawn with replacement."""

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

__all__ = ["Bootstrap", "BootstrapParams"]


class BootstrapParams(MethodParams):
    """There is nothing to choose."""


class Bootstrap:
    """Draws whole train rows with replacement (Efron 1979): perfect by every score of likeness, and no privacy at all.

    What a privacy metric says of these rows is what it says of a leak; a metric of quality that puts them on top shows what
    that metric does not see. Rules are kept and broken as the real rows keep and break them.
    """

    name: ClassVar[str] = "bootstrap"
    version: ClassVar[int] = 1
    exposure: ClassVar[Exposure] = Exposure.ROWS
    needs_model: ClassVar[bool] = False
    summary: ClassVar[str] = (
        "Copies of real people's rows, drawn with replacement: a yardstick of leakage, never for release."
    )
    Params: ClassVar[type[MethodParams]] = BootstrapParams

    def __init__(self, params: BootstrapParams) -> None:
        self.params = params
        self._task: Task | None = None
        self._train: pa.Table | None = None

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Raises ``DatasetError`` where there are no train rows to copy."""
        self._task, self._train = task, train_rows(task, self.name, "copies real rows")

    def batch_rows(self) -> int:
        return 10_000

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Nothing: the train split is all there is to know."""

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        """``n`` rows; identifier columns are NULL."""
        if self._task is None or self._train is None:
            raise RuntimeError("batch before prepare")
        schema, train = self._task.schema, self._train
        rng = np.random.default_rng(derive(seed, "bootstrap"))
        drawn = train.take(pa.array(rng.integers(0, train.num_rows, n)))
        arrays = [
            pa.nulls(n, field.type)
            if isinstance(column, IdentifierColumn)
            else drawn.column(column.name).cast(field.type)
            for column, field in zip(schema.columns, arrow_schema(schema), strict=True)
        ]
        return Draft(pa.Table.from_arrays(arrays, schema=arrow_schema(schema)))

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""
