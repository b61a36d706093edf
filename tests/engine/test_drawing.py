"""Draws: independent, reproducible, and in the proportions of the weights."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from localsynth.core.contracts import Sampling
from localsynth.engine.drawing import child_key, draw, weights

LOGITS = np.array([2.0, 1.0, 0.0, -1.0, -30.0], np.float32)


def test_a_count_is_split_in_the_proportions_of_the_weights() -> None:
    p = weights(LOGITS, Sampling())
    counts = np.zeros(5)
    for index, count in draw(p, 42, 200_000):
        counts[index] = count
    assert counts.sum() == 200_000
    assert chisquare(counts[:4], p[:4] / p[:4].sum() * counts[:4].sum()).pvalue > 1e-4


def test_single_draws_over_many_keys_have_the_same_distribution() -> None:
    p = weights(LOGITS, Sampling())
    counts = Counter(draw(p, child_key(7, key), 1)[0][0] for key in range(40_000))
    expected = p[:4] / p[:4].sum() * sum(counts[i] for i in range(4))
    assert chisquare([counts[i] for i in range(4)], expected).pvalue > 1e-4


def test_keys_of_siblings_and_of_cousins_differ() -> None:
    keys = {child_key(child_key(1, a), b) for a in range(200) for b in range(200)}
    assert len(keys) == 40_000


def test_same_key_same_draw() -> None:
    p = weights(LOGITS, Sampling(temperature=2))
    assert draw(p, 99, 1000) == draw(p, 99, 1000) != draw(p, 98, 1000)


@pytest.mark.parametrize(
    ("sampling", "kept"),
    [
        (Sampling(), [0, 1, 2, 3, 4]),
        (Sampling(temperature=0), [0]),
        (Sampling(top_k=2), [0, 1]),
        (Sampling(top_p=0.6), [0]),
        (Sampling(top_p=0.7), [0, 1]),
        (Sampling(min_p=0.1), [0, 1, 2]),
        (Sampling(top_k=3, min_p=0.3), [0, 1]),
    ],
)
def test_filters(sampling: Sampling, kept: list[int]) -> None:
    assert np.flatnonzero(weights(LOGITS, sampling)).tolist() == kept


def test_temperature_sharpens() -> None:
    cold, warm = (weights(LOGITS, Sampling(temperature=t)) for t in (0.5, 2.0))
    assert cold[1] / cold[0] == pytest.approx(np.exp(-2.0), rel=1e-6)
    assert warm[1] / warm[0] == pytest.approx(np.exp(-0.5), rel=1e-6)
