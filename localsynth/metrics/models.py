"""The classifiers and regressors that tell rows apart (detection) and learn from them (utility)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # scikit-learn cannot do without it

from .encode import Array, Part, View, featured

__all__ = ["KINDS", "Design", "Kind", "Learner", "designs", "picked"]

Kind: TypeAlias = Literal["lr", "rf", "gb"]
KINDS: tuple[Kind, ...] = ("lr", "rf", "gb")
_TREES_AT_ONCE = 50  # grown between two looks at whether to stop
_SMALL = 200_000_000  # rows x features x trees of a forest that is grown well within a second
_LEAF = 20  # rows of a leaf of boosting where there are enough, scikit-learn's default
_CATEGORIES = 254  # more, scikit-learn's boosting refuses; the rarest share the last code


@cache
def _pools() -> Any:
    return ThreadpoolController()


def _alone() -> Any:
    """A context in which BLAS and OpenMP work with one thread. On tables of this size their threads gain next to nothing,
    and where other programs are busy they spin and wait for each other: 0.2 seconds of boosting have taken minutes.
    """
    return _pools().limit(limits=1)


def picked(rng: np.random.Generator, rows: Array, most: int) -> Array:
    """``most`` of these row numbers, rising; all of them where they are no more."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


@dataclass(frozen=True)
class Design:
    """The same rows as each kind of model wants them.

    vectors : numbers standardised, missing ones at the median and told by a feature of their own, categories one-hot
    (``lr``, ``rf``). cells : numbers as they are, NaN where missing, and codes of categories (``gb``). categories : which
    columns of ``cells`` are codes.
    """

    vectors: Array
    cells: Array
    categories: Array

    def take(self, rows: Array) -> Design:
        """Those rows."""
        return Design(self.vectors[rows], self.cells[rows], self.categories)

    def of(self, kind: Kind) -> Array:
        """What a model of that kind is given."""
        if kind == "gb":
            return self.cells
        return self.vectors.astype(np.float64) if kind == "lr" else self.vectors


def designs(columns: Sequence[View], chosen: dict[Part, Array]) -> dict[Part, Design]:
    """Rows of the tables named, by their numbers (``rows`` must be among them). All that is learned for it is learned from
    the chosen ``rows``: medians, means, deviations, and which categories there are. Texts are left out.
    """
    nobody = np.zeros(0, np.int64)
    parts: tuple[Part, ...] = ("rows", "train", "holdout")
    few = [
        replace(view, parts={part: view.parts[part][chosen.get(part, nobody)] for part in parts})
        for view in columns
        if view.kind != "text"
    ]
    if not few:
        return {
            part: Design(np.zeros((len(rows), 0)), np.zeros((len(rows), 0)), np.zeros(0, np.bool_))
            for part, rows in chosen.items()
        }
    found = featured(few, "rows").matrix
    known = found["rows"].any(axis=0)
    codes = np.array([view.kind == "category" for view in few])
    return {
        part: Design(found[part][:, known], np.column_stack([_cells(v, part) for v in few]), codes)
        for part in chosen
    }


def _cells(view: View, part: Part) -> Array:
    cells = view.parts[part]
    return cells if view.kind == "number" else np.minimum(cells, _CATEGORIES).astype(np.float64)


@dataclass(frozen=True)
class Learner:
    """How to learn.

    kind : ``lr`` logistic regression, or ridge regression of numbers, both with penalty 1; ``rf`` random forest; ``gb``
    histogram gradient boosting. classes : of what is learned, 0 for numbers. seed : of whatever the model draws.
    trees : of a forest. rounds : of boosting; each grows one tree for each of three or more classes. rate : its learning
    rate. threads : of a forest. check : called between pieces of work.
    """

    kind: Kind
    classes: int
    seed: int
    trees: int = 300
    rounds: int = 100
    rate: float = 0.1
    threads: int = 1
    check: Callable[[], None] = lambda: None

    def fit(self, rows: Design, answers: Array) -> Model:
        """Learn. A single class, or a single number, needs no learning: it is the answer to everything."""
        x = rows.of(self.kind)
        if len(answers) < 2 or answers.min() == answers.max() or x.shape[1] == 0:
            values, counts = np.unique(answers, return_counts=True)
            always = values[counts.argmax()] if self.classes else answers.mean()
            return Model(self, None, float(always), stuck=self.kind == "gb" and len(answers) < 2)
        self.check()
        make = {"lr": self._linear, "rf": self._forest, "gb": self._boosting}[self.kind]
        model = Model(self, make(x, answers, rows.categories), 0.0)
        if self.kind == "gb" and len(x) < _LEAF**2 and not _same(x) and _same(model.said(rows)):
            return replace(model, stuck=True)
        return model

    def _linear(self, x: Array, answers: Array, categories: Array) -> Any:
        with _alone(), warnings.catch_warnings():
            # Where classes can be told apart perfectly the weights grow for ever; their ranking has long settled.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model: Any = LogisticRegression(max_iter=1000) if self.classes else Ridge()
            return model.fit(x, answers)

    def _forest(self, x: Array, answers: Array, categories: Array) -> Any:
        # All features at each split, the default for numbers, would take ten times as long.
        make = RandomForestClassifier if self.classes else RandomForestRegressor
        model: Any = make(
            random_state=self.seed % 2**32, max_features="sqrt", n_jobs=self.threads, warm_start=True
        )
        step = _TREES_AT_ONCE if x.size * self.trees > _SMALL else self.trees
        for grown in range(step, self.trees + step, step):
            self.check()
            model.set_params(n_estimators=min(grown, self.trees)).fit(x, answers)
        # Threads would sum the trees' votes in any order, and rounding would then order ties by chance.
        return model.set_params(n_jobs=1)

    def _boosting(self, x: Array, answers: Array, categories: Array) -> Any:
        make: Any = HistGradientBoostingClassifier if self.classes else HistGradientBoostingRegressor
        model = make(
            max_iter=self.rounds,
            learning_rate=self.rate,
            early_stopping=False,
            min_samples_leaf=max(1, min(_LEAF, len(x) // _LEAF)),
            categorical_features=categories,
            random_state=self.seed % 2**32,
        )
        empty = np.isnan(x).all(axis=0)  # scikit-learn finds no bins for nothing
        with _alone():
            return model.fit(np.where(empty, 0.0, x), answers)


def _same(rows: Array) -> bool:
    """Whether all rows are alike, a missing value like another."""
    return bool(((rows == rows[0]) | (np.isnan(rows) & np.isnan(rows[0]))).all())


@dataclass(frozen=True)
class Model:
    """What was learned.

    always : the answer to everything, where there was nothing to learn. stuck : the rows were too few for boosting to make
    a single split, although they differ (scikit-learn leaves categories of fewer than 10 rows aside), or there was but one.
    """

    learner: Learner
    estimator: Any
    always: float
    stuck: bool = False

    @property
    def learned(self) -> bool:
        """Whether there was anything to learn."""
        return self.estimator is not None

    def said(self, rows: Design) -> Array:
        """Chances or numbers, whichever it gives."""
        return self.chances(rows) if self.learner.classes else self.numbers(rows)

    def chances(self, rows: Design) -> Array:
        """The probability of each class (rows x classes), 0 for classes that were never seen."""
        out = np.zeros((len(rows.cells), self.learner.classes))
        if self.estimator is None:
            out[:, int(self.always)] = 1.0
        else:
            seen = np.asarray(self.estimator.classes_, np.int64)
            with _alone():
                out[:, seen] = self.estimator.predict_proba(rows.of(self.learner.kind))
        return out

    def numbers(self, rows: Design) -> Array:
        """The number expected in each row."""
        if self.estimator is None:
            return np.full(len(rows.cells), self.always)
        with _alone():
            return np.asarray(self.estimator.predict(rows.of(self.learner.kind)))
