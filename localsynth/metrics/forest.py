"""A random forest that is grown while it is asked, of which no tree is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import check_random_state

from .encode import Array
from .pace import now_and_then

__all__ = ["Forest"]


@dataclass(frozen=True)
class Forest:
    """scikit-learn's random forest, tree by tree the same, at each split the root of the number of features.

    300 trees of 10,000 rows and 20 classes are a gigabyte: what each says is added up, and it is forgotten. scikit-learn's
    own threads set aside the process's warning filters for each tree and now and then fail to put them back; these do not
    touch them. Source: Breiman 2001, Random forests; sklearn.ensemble.RandomForestClassifier.

    x : rows x features (float32). answers : classes or numbers. seed : scikit-learn's ``random_state``. threads : how many
    trees at a time. check : called about twice a second, may raise.
    """

    x: Array
    answers: Array
    classes: bool
    trees: int
    seed: int
    threads: int
    check: Callable[[], None]

    @property
    def classes_(self) -> Array:
        """The classes that occur, rising."""
        return np.unique(self.answers)

    def predict_proba(self, rows: Array) -> Array:
        """The mean over the trees of the share of each class in a row's leaf (rows x ``classes_``)."""
        codes = np.unique(self.answers, return_inverse=True)[1]
        return self._mean(partial(self._shares, codes.astype(np.float64), rows))

    def predict(self, rows: Array) -> Array:
        """The mean over the trees of the number each expects."""
        return self._mean(partial(self._numbers, self.answers.astype(np.float64), rows))

    def _shares(self, codes: Array, rows: Array, seed: int) -> Array:
        tree = DecisionTreeClassifier(max_features="sqrt", random_state=seed)
        tree.fit(self.x, codes, sample_weight=self._drawn(seed), check_input=False)
        return np.asarray(tree.predict_proba(rows, check_input=False))

    def _numbers(self, numbers: Array, rows: Array, seed: int) -> Array:
        tree = DecisionTreeRegressor(max_features="sqrt", random_state=seed)
        tree.fit(self.x, numbers, sample_weight=self._drawn(seed), check_input=False)
        return np.asarray(tree.predict(rows, check_input=False))

    def _drawn(self, seed: int) -> Array:
        """How often each row is drawn: as many as there are, with replacement."""
        count = len(self.x)
        drawn = check_random_state(seed).randint(0, count, count, dtype=np.int32)
        return np.bincount(drawn, minlength=count).astype(np.float64)

    def _mean(self, say: Callable[[int], Array]) -> Array:
        check = now_and_then(self.check)
        out: Any = 0.0
        for said in self._in_order(say):
            # In the trees' order: added up in any other, rounding would order ties by chance.
            out = out + said
            check()
        return np.asarray(out / self.trees)

    def _in_order(self, say: Callable[[int], Array]) -> Iterator[Array]:
        chance = check_random_state(self.seed)
        seeds = [int(chance.randint(np.iinfo(np.int32).max)) for _ in range(self.trees)]
        waiting: deque[Future[Array]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                for seed in seeds:
                    waiting.append(pool.submit(say, seed))
                    if len(waiting) > 2 * self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
