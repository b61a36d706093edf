"""The discriminator: how well boosted trees tell made rows from real ones that no prompt has shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.seeds import derive

from .areas import Pairs, area_of, widening
from .features import Array, Features

__all__ = ["FEWEST", "Comparison", "Judged", "compared", "judged"]

#: Rows of a side below which nothing is judged: a fold would hold one or two, and its models next to nothing.
FEWEST = 10
_LEVELS = 255  # categories scikit-learn can tell apart
# Chosen by trial on two real tables, 100 and 200 rows a side, columns shuffled: depth 4 tells more than 2 or 3; 100 trees tell
# about as much more, in twice the time; leaves of 5 to 20 rows are alike.
_TREES, _DEPTH, _LEAF, _LEAVES = 50, 4, 20, 16
_SHUFFLES = 5  # of a column, to see what the discriminator loses


@dataclass(frozen=True)
class Judged:
    """Made rows before the discriminator.

    real_scores, made_scores : how real it takes each row to be, in log-odds by models that never saw the row (repeats x rows);
    comparable within a fold alone. real_folds, made_folds : the fold of each (repeats x rows). near : which made rows are near
    copies of rows shown. usual : the share of near copies among real rows. weight : of the excess in the loss.
    auc : how likely a real row is taken for real rather than a made one, within folds. low, high : 95 % of ``score``.
    telling : columns, and what the AUC loses when the column is shuffled among the rows judged; largest first. Empty where
    it was not asked for.
    """

    real_scores: Array
    made_scores: Array
    real_folds: Array
    made_folds: Array
    near: Array
    usual: float
    weight: float
    auc: float
    low: float
    high: float
    telling: tuple[tuple[str, float], ...] = ()

    @property
    def signed(self) -> float:
        """-1 to 1; 0 is chance, and what lies below it is chance too."""
        return 2 * self.auc - 1

    @property
    def score(self) -> float:
        """0, not told from real rows, to 1. Being told the wrong way round is no success: it counts as much."""
        return abs(self.signed)

    @property
    def excess(self) -> float:
        """The share of near copies beyond that of real rows, 0 to 1."""
        return max(0.0, float(self.near.mean()) - self.usual)

    @property
    def loss(self) -> float:
        """What the game is about, the lower the better: rows copied from the prompt fool any discriminator."""
        return self.score + self.weight * self.excess

    @property
    def pairs(self) -> Pairs:
        """Real rows against made rows, fold by fold."""
        return Pairs.of(self.real_scores, self.made_scores, self.real_folds, self.made_folds)


@dataclass(frozen=True)
class Comparison:
    """One judgement against another. difference : of the losses, below 0 where the second is better; low, high : its 95 %.
    better : the share of draws in which the second is.
    """

    difference: float
    low: float
    high: float
    better: float


def judged(
    features: Features,
    real: pa.Table,
    made: pa.Table,
    *,
    near: Array,
    usual: float,
    seed: int,
    weight: float = 1.0,
    folds: int = 5,
    repeats: int = 1,
    shuffled: bool = False,
    importance: bool = False,
) -> Judged | None:
    """Judge made rows against real ones; ``None`` where either side has fewer than ``FEWEST`` rows, or than folds.

    Every row is scored by models that learnt from the other folds. The same real rows under the same seed lie in the same
    folds whatever is judged against them, so that judgements can be :func:`compared`.

    near : which made rows are near copies (boolean). usual : the share of real rows that would be. repeats : how often the
    rows are dealt to folds anew. shuffled : permute who is real before anything is learnt, as a control. importance : also
    tell which columns give the rows away.
    """
    sizes = (real.num_rows, made.num_rows)
    if min(sizes) < max(FEWEST, folds):
        return None
    cells = np.concatenate([features.encode(real), features.encode(made)])
    if shuffled:
        cells = cells[np.random.default_rng(derive(seed, "labels")).permutation(len(cells))]
    answers = np.repeat([1, 0], sizes)
    dealt = np.concatenate(
        [
            _dealt(size, folds, repeats, seed, side)
            for size, side in zip(sizes, ("real", "made"), strict=True)
        ],
        axis=1,
    )
    nominal, said = np.array(features.nominal), np.zeros((repeats, len(cells)))
    lost: list[Array] = []
    for repeat, fold in np.ndindex(repeats, folds):
        test = dealt[repeat] == fold
        model = _Model(cells[~test], answers[~test], nominal, derive(seed, "model", repeat, fold))
        said[repeat, test] = model.said(cells[test])
        if importance:
            rng = np.random.default_rng(derive(seed, "columns", repeat, fold))
            lost.append(_lost(model, cells[test], answers[test] == 1, rng))
    (real_said, made_said), (real_folds, made_folds) = (
        np.split(one, sizes[:1], axis=1) for one in (said, dealt)
    )
    pairs = Pairs.of(real_said, made_said, real_folds, made_folds)
    low, high = _folded(*pairs.interval(widening(folds, repeats)))
    return Judged(
        real_scores=real_said,
        made_scores=made_said,
        real_folds=real_folds,
        made_folds=made_folds,
        near=np.asarray(near, np.bool_),
        usual=usual,
        weight=weight,
        auc=pairs.area(),
        low=low,
        high=high,
        telling=_ranked(features.names, np.mean(lost, axis=0)) if importance else (),
    )


def compared(
    a: Judged, b: Judged, *, seed: int, draws: int = 1000, weight: float | None = None
) -> Comparison:
    """Whether ``b`` is better than ``a``: a paired Bayesian bootstrap (Rubin 1981).

    Each draw weighs the real rows, the same for both, and the made rows of each side. What the models' own samples add is
    added as in the interval of the score (:func:`~.areas.widening`). Draws that tie count half. Where both scores are near 0,
    as both being chance, hardly any comparison is decided: the fold at 0 makes draws differ more than the scores do.

    weight : of the excess; that of each judgement where not given. Both must be of the same real rows in the same order:
    raises ``ValueError`` where their numbers, or their folds, differ.
    """
    if not np.array_equal(a.real_folds, b.real_folds):
        raise ValueError("the two judgements are not of the same real rows in the same folds")
    rng = np.random.default_rng(derive(seed, "compared"))
    real = rng.exponential(size=(draws, a.real_scores.shape[1]))
    losses = [_drawn(one, real, rng, one.weight if weight is None else weight) for one in (a, b)]
    found = [one.score + (one.weight if weight is None else weight) * one.excess for one in (a, b)]
    differences = losses[1] - losses[0]
    low, high = np.quantile(differences, (0.025, 0.975))
    better = (differences < 0).mean() + (differences == 0).mean() / 2
    return Comparison(found[1] - found[0], float(low), float(high), float(better))


def _drawn(one: Judged, real: Array, rng: np.random.Generator, weight: float) -> Array:
    """The loss under each weighting of the real rows, and one of the made rows each."""
    made = rng.exponential(size=(len(real), len(one.near)))
    signed = 2 * one.pairs.areas(real, made) - 1
    folds = int(one.real_folds.max()) + 1
    wide = np.clip(one.signed + widening(folds, len(one.real_folds)) * (signed - one.signed), -1.0, 1.0)
    excess = np.maximum(0.0, made @ one.near / made.sum(axis=1) - one.usual)
    return np.asarray(np.abs(wide) + weight * excess)


def _folded(low: float, high: float) -> tuple[float, float]:
    """The interval of the score from that of the AUC: from 0 where chance lies within."""
    ends = sorted((abs(2 * low - 1), abs(2 * high - 1)))
    return (0.0 if low <= 0.5 <= high else ends[0]), ends[1]


def _dealt(rows: int, folds: int, repeats: int, seed: int, side: str) -> Array:
    """The fold of each row (repeats x rows); all folds have equally many, give or take one."""
    return np.stack(
        [
            np.random.default_rng(derive(seed, "folds", side, repeat)).permutation(np.arange(rows) % folds)
            for repeat in range(repeats)
        ]
    )


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


class _Model:
    """Boosted trees that learnt from some rows."""

    def __init__(self, cells: Array, answers: Array, nominal: Array, seed: int) -> None:
        # Loaded here: it takes a second, and methods are listed without it.
        from sklearn.ensemble import HistGradientBoostingClassifier

        # scikit-learn finds no bins for a column of nothing.
        self._kept = np.flatnonzero(~np.isnan(cells).all(axis=0))
        self._trees: Any = None
        if not len(self._kept):
            return
        cells = cells[:, self._kept]
        few = np.array([len(np.unique(column)) <= _LEVELS for column in cells.T])
        self._trees = HistGradientBoostingClassifier(
            learning_rate=0.1,
            max_iter=_TREES,
            max_depth=_DEPTH,
            min_samples_leaf=max(2, min(_LEAF, len(cells) // _LEAVES)),
            l2_regularization=1.0,
            categorical_features=nominal[self._kept] & few,
            class_weight="balanced",
            early_stopping=False,
            random_state=seed % 2**32,
        )
        with _pools().limit(limits=1):
            self._trees.fit(cells, answers)

    def said(self, cells: Array) -> Array:
        """How real each row is, in log-odds."""
        if self._trees is None:
            return np.zeros(len(cells))
        with _pools().limit(limits=1):
            return np.asarray(self._trees.decision_function(cells[:, self._kept]))


def _lost(model: _Model, cells: Array, real: Array, rng: np.random.Generator) -> Array:
    """How much lower the AUC of some rows is with each column shuffled among them: the mean of some shuffles."""
    copies = np.stack(list(_shuffled(cells, rng)))
    said = model.said(copies.reshape(-1, cells.shape[1])).reshape(cells.shape[1], _SHUFFLES, len(cells))
    own = model.said(cells)
    whole = area_of(own[real], own[~real])
    return np.array([whole - np.mean([area_of(s[real], s[~real]) for s in column]) for column in said])


def _shuffled(cells: Array, rng: np.random.Generator) -> Iterator[Array]:
    """The rows with one column shuffled: column by column, each some times."""
    for column, _ in np.ndindex(cells.shape[1], _SHUFFLES):
        copy = cells.copy()
        copy[:, column] = rng.permutation(copy[:, column])
        yield copy


def _ranked(names: tuple[str, ...], lost: Array) -> tuple[tuple[str, float], ...]:
    found = [(name, float(value)) for name, value in zip(names, lost, strict=True)]
    return tuple(sorted(found, key=lambda one: -one[1]))
