"""Which tables are worth aiming at."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from localsynth.align.association import all_pairs, choose_pairs, mutual_information, tree


def test_mutual_information_less_chance() -> None:
    table = np.array([[30, 10, 0], [5, 25, 10]])
    plain = mutual_info_score(None, None, contingency=table)
    assert mutual_information(table) == pytest.approx(plain - 2 / 160)
    assert mutual_information(table / 80, rows=80) == pytest.approx(plain - 2 / 160)
    assert mutual_information(np.zeros((2, 2))) == 0


def test_chance_alone_tells_nothing() -> None:
    rng = np.random.default_rng(0)
    found = [
        mutual_information(np.histogram2d(rng.integers(0, 5, 400), rng.integers(0, 4, 400), [5, 4])[0])
        for _ in range(200)
    ]
    assert abs(np.mean(found)) < 0.002


def test_pairs_with_the_target_come_first_and_noise_never() -> None:
    strength = {(0, 1): 0.5, (0, 2): 0.1, (1, 2): 0.3, (0, 3): -0.01, (1, 3): 0.2, (2, 3): -0.2}
    assert choose_pairs(strength, 2, [3]) == [(1, 3), (0, 3), (2, 3), (0, 1), (1, 2)]
    assert choose_pairs(strength, 9) == [(0, 1), (1, 2), (1, 3), (0, 2)]


def test_the_strongest_tree_reaches_every_column() -> None:
    strength = {(0, 1): 0.1, (0, 2): 0.5, (1, 2): 0.4, (2, 3): 0.05, (1, 3): 0.2}
    assert tree(4, strength) == [(0, 2), (2, 1), (1, 3)]
    assert tree(3, {}) == [(0, 1), (0, 2)]
    assert tree(0, {}) == []
    assert all_pairs(3) == [(0, 1), (0, 2), (1, 2)]
