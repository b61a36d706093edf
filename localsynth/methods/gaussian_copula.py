"""The statistical yardstick: margins of the train rows, tied together by a Gaussian copula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from localsynth.core.columns import IdentifierColumn, TextColumn
from localsynth.core.contracts import Ask, Draft, EngineInfo, MethodParams, Task
from localsynth.core.run import Exposure
from localsynth.core.seeds import derive
from localsynth.tables import arrow_schema

from .copula.levels import levels_of
from .copula.model import Copula, fit
from .reals import train_rows

__all__ = ["GaussianCopula", "GaussianCopulaParams"]

_MOST = 200_000  # rows that are fitted; more change nothing that can be seen


class GaussianCopulaParams(MethodParams):
    """What can be chosen."""

    by_target: bool = Field(
        True,
        description="Give each class of the dataset's target margins of its own; off, it is the plain copula of the textbooks.",
    )


class GaussianCopula:
    """Every column is a normal variable cut where its values lie, and these are correlated.

    Source: Song 2000, Multivariate dispersion models generated from Gaussian copula, Scandinavian Journal of Statistics 27;
    with strata, the general location model of Olkin & Tate 1961.

    Numbers, dates and moments with many values are drawn between real ones; values that many rows share, categories and
    truth values are drawn as they are. Missing cells have a variable of their own. Texts are resampled alone, word for
    word, as ``independent`` does, so that a real text can come out whole. Rules may be broken: what a method with a model
    scores above this one is what lies beyond pairs of columns.

    Nothing is kept in ``state``: the fit is a function of the train split, repeated in seconds when a run is taken up.
    """

    name: ClassVar[str] = "gaussian-copula"
    version: ClassVar[int] = 2
    exposure: ClassVar[Exposure] = Exposure.STATISTICS
    needs_model: ClassVar[bool] = False
    summary: ClassVar[str] = (
        "Margins and pairwise correlations of the train rows, nothing beyond: a Gaussian copula (a yardstick)."
    )
    Params: ClassVar[type[MethodParams]] = GaussianCopulaParams

    def __init__(self, params: GaussianCopulaParams) -> None:
        self.params = params
        self._task: Task | None = None
        self._train: pa.Table | None = None
        self._copula: Copula | None = None

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        """Raises ``DatasetError`` where there are no train rows to fit."""
        train = train_rows(task, self.name, "fits real rows")
        self._task, self._train, self._copula = task, train, None

    def batch_rows(self) -> int:
        return 10_000

    def learn(self, ask: Ask | None, seed: int) -> None:
        """Fits; nothing in it is drawn."""
        if self._task is None or self._train is None:
            raise RuntimeError("learn before prepare")
        schema, rows = self._task.schema, self._train.num_rows
        train = self._train
        if rows > _MOST:
            train = train.take(pa.array(np.linspace(0, rows - 1, _MOST).astype(np.int64)))
        columns = [
            levels_of(column, train.column(column.name).combine_chunks())
            for column in schema.columns
            if not isinstance(column, IdentifierColumn | TextColumn)
        ]
        target = next((found for found in columns if found.column.name == schema.target), None)
        self._copula = fit(columns, target if self.params.by_target else None)

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        """``n`` rows; identifier columns are NULL."""
        if self._task is None or self._train is None or self._copula is None:
            raise RuntimeError("batch before learn")
        schema, train = self._task.schema, self._train
        cells = self._copula.draw(n, np.random.default_rng(derive(seed, "gaussian-copula")))
        arrays = []
        for column, field in zip(schema.columns, arrow_schema(schema), strict=True):
            match column:
                case IdentifierColumn():
                    arrays.append(pa.nulls(n, field.type))
                case TextColumn():
                    rng = np.random.default_rng(derive(seed, "gaussian-copula", column.name))
                    picked = pa.array(rng.integers(0, train.num_rows, n))
                    arrays.append(train.column(column.name).combine_chunks().take(picked).cast(field.type))
                case _:
                    arrays.append(cells[column.name])
        return Draft(pa.Table.from_arrays(arrays, schema=arrow_schema(schema)))

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Fits again."""
        self.learn(None, 0)
