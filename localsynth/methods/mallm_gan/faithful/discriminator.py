"""The discriminator: a linear classifier that learns on from batch to batch.

As released: log loss by stochastic gradient descent, one pass over each batch, numbers as they are beside one-hot
categories. Weights of unscaled numbers grow with their values and drown the rest; that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.columns import (
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    TextColumn,
)
from localsynth.core.seeds import derive
from localsynth.core.steps import steps_of

__all__ = ["Discriminator", "Encoder", "split"]

Array: TypeAlias = np.ndarray[Any, Any]
_HELD_OUT = 5  # one row in so many


class Encoder:
    """Rows as numbers, by what the train rows have.

    A category that no train row has, and a missing one, is in no one-hot column. Other kinds are one number (dates in days,
    moments in minutes, texts by their length); where it is missing it is the train mean, and a column more says so.
    """

    def __init__(self, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
        self._columns = tuple(columns)
        self._places: dict[str, dict[Any, int]] = {}
        for column in self._columns:
            if isinstance(column, CategoricalColumn):
                seen = {row[column.name] for row in rows}
                words = [word for word in column.categories if word in seen]
                self._places[column.name] = {word: at for at, word in enumerate(words)}
        codes = self.codes(rows)
        there = np.isfinite(codes)
        self._means = np.where(there, codes, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)

    def codes(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """float64 [rows, columns]: a category's number among those seen, a number; NaN where there is none."""
        return np.array(
            [[self._code(column, row[column.name]) for column in self._columns] for row in rows], np.float64
        ).reshape(len(rows), len(self._columns))

    def onehot(self, codes: Array) -> Array:
        """float64 [rows, features] of what :meth:`codes` gave."""
        parts: list[Array] = []
        for at, column in enumerate(self._columns):
            values = codes[:, at]
            if isinstance(column, CategoricalColumn):
                places = np.arange(len(self._places[column.name]))
                parts.append((values[:, None] == places).astype(np.float64))
            else:
                missing = np.isnan(values)
                parts.append(np.where(missing, self._means[at], values)[:, None])
                if column.nullable:
                    parts.append(missing.astype(np.float64)[:, None])
        return np.hstack(parts)

    def _code(self, column: Column, value: Any) -> float:
        if value is None:
            return np.nan
        match column:
            case CategoricalColumn():
                return self._places[column.name].get(value, np.nan)
            case TextColumn():
                return len(value)
            case DateColumn() | DatetimeColumn():
                assert isinstance(value, date | datetime)
                return steps_of(column, value)
            case _:
                return float(value)


def split(rows: int, seed: int) -> tuple[Array, Array]:
    """Numbers of the rows to learn from and of a fifth held out, in random order."""
    order = np.random.default_rng(derive(seed, "split")).permutation(rows)
    held = -(-rows // _HELD_OUT)
    return order[held:], order[:held]


class Discriminator:
    """``sklearn.linear_model.SGDClassifier`` with log loss; 1 is real. Its state is plain numbers."""

    def __init__(self, seed: int) -> None:
        # The same for each batch, as released: the order in which rows are learnt from is drawn anew each time.
        self._random_state = derive(seed, "discriminator") % 2**32
        self._model: Any = None

    @property
    def known(self) -> bool:
        """Whether it has learnt anything."""
        return self._model is not None

    def learn(self, features: Array, real: Array) -> None:
        """One pass over a batch."""
        self._model = self._model if self._model is not None else self._fresh()
        self._model.partial_fit(features, real.astype(np.int64), classes=np.array([0, 1]))

    def accuracy(self, features: Array, real: Array) -> float | None:
        """The share of rows told rightly; ``None`` before anything was learnt, and of no rows."""
        if self._model is None or not len(real):
            return None
        # Summed here, row by row: a product of matrices may round differently from one machine to the next.
        decided = (features * self._model.coef_[0]).sum(axis=1) + self._model.intercept_[0]
        return float(((decided > 0) == real.astype(np.bool_)).mean())

    def _fresh(self) -> Any:
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(loss="log_loss", random_state=self._random_state)

    def dump(self) -> dict[str, Any] | None:
        """JSON-able."""
        if self._model is None:
            return None
        return {
            "coef": self._model.coef_[0].tolist(),
            "intercept": float(self._model.intercept_[0]),
            "t": float(self._model.t_),
        }

    def load(self, data: Mapping[str, Any] | None) -> None:
        """What ``dump`` gave; learning goes on as if it had never stopped."""
        self._model = None
        if data is not None:
            self._model = self._fresh()
            self._model.classes_ = np.array([0, 1])
            self._model.coef_ = np.array([data["coef"]], np.float64)
            self._model.intercept_ = np.array([data["intercept"]], np.float64)
            self._model.t_ = float(data["t"])
            self._model.n_features_in_ = len(data["coef"])
