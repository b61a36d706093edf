"""The classifiers and regressors that tell rows apart (detection) and learn from them (utility)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # scikit-learn cannot do without it

from .design import Design
from .encode import Array
from .forest import Forest

__all__ = ["KINDS", "Kind", "Learner"]

Kind: TypeAlias = Literal["lr", "rf", "gb"]
KINDS: tuple[Kind, ...] = ("lr", "rf", "gb")
_WIDE = 500  # features beyond which nearly all cells are the zeros of categories
_STEPS, _LEAST = 1_000, 30  # of logistic regression at most; between two looks at whether to stop at least
_PRODUCTS = 1_000_000_000  # about a second of them
_CELLS = 50_000_000  # rows x columns x trees of boosting that take a bit less
_LEAF = 20  # rows of a leaf of boosting where there are enough, scikit-learn's default


@cache
def _pools() -> Any:
    return ThreadpoolController()


def _alone() -> Any:
    """A context in which BLAS and OpenMP work with one thread. On tables of this size their threads gain next to nothing,
    and where other programs are busy they spin and wait for each other: 0.2 seconds of boosting have taken minutes.
    """
    return _pools().limit(limits=1)


def _given(kind: Kind, rows: Design) -> Any:
    """What a model of that kind is given; a linear model only what is not zero, where that is little."""
    if kind == "gb":
        return rows.cells
    if kind == "rf":
        return rows.vectors
    return (csr_array if rows.vectors.shape[1] > _WIDE else np.asarray)(rows.vectors, dtype=np.float64)


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
        x = _given(self.kind, rows)
        if len(answers) < 2 or answers.min() == answers.max() or x.shape[1] == 0:
            values, counts = np.unique(answers, return_counts=True)
            always = values[counts.argmax()] if self.classes else answers.mean()
            return Model(self, None, float(always), stuck=self.kind == "gb" and len(answers) < 2)
        self.check()
        make = {"lr": self._linear, "rf": self._forest, "gb": self._boosting}[self.kind]
        model = Model(self, make(x, answers, rows.categories), 0.0)
        if self.kind == "gb" and len(answers) < _LEAF**2 and not _same(x) and _same(model.said(rows)):
            return replace(model, stuck=True)
        return model

    def _linear(self, x: Any, answers: Array, categories: Array) -> Any:
        sparse = isinstance(x, csr_array)
        with _alone(), warnings.catch_warnings():
            # Where classes can be told apart perfectly the weights grow for ever; their ranking has long settled.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if not self.classes:
                return (Ridge(solver="sparse_cg", tol=1e-8) if sparse else Ridge()).fit(x, answers)
            products = 2 * (x.nnz if sparse else x.size) * (1 if self.classes == 2 else self.classes)
            step = max(_LEAST, min(_STEPS, _PRODUCTS // max(1, products)))
            model: Any = LogisticRegression(max_iter=step, warm_start=True)
            for _ in range(0, _STEPS, step):
                self.check()
                if model.fit(x, answers).n_iter_.max() < step:
                    break
            return model

    def _forest(self, x: Array, answers: Array, categories: Array) -> Any:
        # All features at each split, the default for numbers, would take ten times as long.
        return Forest(x, answers, self.classes > 0, self.trees, self.seed % 2**32, self.threads, self.check)

    def _boosting(self, x: Array, answers: Array, categories: Array) -> Any:
        make: Any = HistGradientBoostingClassifier if self.classes else HistGradientBoostingRegressor
        model = make(
            learning_rate=self.rate,
            early_stopping=False,
            min_samples_leaf=max(1, min(_LEAF, len(x) // _LEAF)),
            categorical_features=categories,
            random_state=self.seed % 2**32,
            warm_start=True,
        )
        empty = np.isnan(x).all(axis=0)  # scikit-learn finds no bins for nothing
        x = np.where(empty, 0.0, x)
        step = max(1, _CELLS // (x.size * (self.classes if self.classes > 2 else 1)))
        # Round by round the same trees as all at once.
        for done in range(step, self.rounds + step, step):
            self.check()
            with _alone():
                model.set_params(max_iter=min(done, self.rounds)).fit(x, answers)
        return model


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
                out[:, seen] = self.estimator.predict_proba(_given(self.learner.kind, rows))
        return out

    def numbers(self, rows: Design) -> Array:
        """The number expected in each row."""
        if self.estimator is None:
            return np.full(len(rows.cells), self.always)
        with _alone():
            return np.asarray(self.estimator.predict(_given(self.learner.kind, rows)))
