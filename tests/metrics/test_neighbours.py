from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from localsynth.metrics.neighbours import nearest, nearness
from localsynth.metrics.workers import spread


def by_hand(queries: Any, points: Any) -> list[list[tuple[float, int]]]:
    """Per query (distance, index) of every point, nearest first, the first of equals first."""
    return [
        sorted((math.dist(map(float, q), map(float, p)), j) for j, p in enumerate(points)) for q in queries
    ]


whole = st.integers(-3, 3)
tables = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.lists(whole, min_size=width, max_size=width), min_size=1, max_size=20),
        st.lists(st.lists(whole, min_size=width, max_size=width), min_size=2, max_size=20),
    )
)


@settings(max_examples=40)
@given(tables)
def test_against_pure_python(drawn: tuple[list[list[int]], list[list[int]]]) -> None:
    queries, points = (np.array(rows, np.float32) for rows in drawn)
    found, known = nearest(queries, points, 2), by_hand(queries, points)
    for i, ranked in enumerate(known):
        assert found.distances[i].tolist() == pytest.approx([d for d, _ in ranked[:2]], abs=1e-12)
    radii = np.array([ranked[len(ranked) // 2][0] for ranked in known])
    nearer, level = nearness(queries, points, radii)
    for i, ranked in enumerate(known):
        assert nearer[i] == sum(d < radii[i] - 1e-6 for d, _ in ranked)
        assert level[i] == sum(abs(d - radii[i]) <= 1e-6 for d, _ in ranked)


def test_across_blocks_as_sklearn_does() -> None:
    rng = np.random.default_rng(0)
    queries, points = (rng.normal(size=(n, 5)).astype(np.float32) for n in (1_300, 9_000))
    found = nearest(queries, points, 2)
    distances, indices = (
        NearestNeighbors(n_neighbors=2).fit(points.astype(float)).kneighbors(queries.astype(float))
    )
    np.testing.assert_allclose(found.distances, distances, atol=1e-9)
    np.testing.assert_array_equal(found.indices, indices)
    nearer, level = nearness(queries, points, found.distances[:, 1])
    assert (nearer == 1).all()
    assert (level == 1).all()


@pytest.mark.parametrize("far", [0.0, 1e3, 1e5])
def test_a_copy_is_at_distance_zero_exactly(far: float) -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(3_000, 40)).astype(np.float32)
    points[:, 0] += np.float32(far)
    copied = rng.integers(0, 3_000, 500)
    found = nearest(points[copied], points, 1)
    assert (found.distances == 0).all()
    assert (found.indices[:, 0] == copied).all()


def test_of_equals_the_first() -> None:
    points = np.zeros((9_000, 2), np.float32)
    found = nearest(points[:3], points, 2)
    assert found.indices.tolist() == [[0, 1]] * 3
    assert found.distances.tolist() == [[0, 0]] * 3


def test_no_queries() -> None:
    empty, points = np.zeros((0, 2), np.float32), np.ones((3, 2), np.float32)
    assert nearest(empty, points, 2).distances.shape == (0, 2)
    assert [len(counts) for counts in nearness(empty, points, np.zeros(0))] == [0, 0]


def test_threads_change_nothing() -> None:
    rng = np.random.default_rng(2)
    queries, points = (rng.normal(size=(n, 3)).astype(np.float32) for n in (5_000, 500))
    one, four = nearest(queries, points, 2, threads=1), nearest(queries, points, 2, threads=4)
    np.testing.assert_array_equal(one.distances, four.distances)
    np.testing.assert_array_equal(one.indices, four.indices)


class StopError(Exception):
    """Somebody has had enough."""


def test_it_stops_where_the_check_raises() -> None:
    asked = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise StopError

    points = np.zeros((5_000, 2), np.float32)
    with pytest.raises(StopError):
        nearest(points, points, 1, check)
    assert len(asked) == 3


def test_work_is_given_back_in_order_and_its_errors_raised() -> None:
    assert spread(lambda i: i * i, range(20), 4, lambda: None) == [i * i for i in range(20)]
    with pytest.raises(ZeroDivisionError):
        spread(lambda i: 1 / i, [1, 0, 2], 2, lambda: None)
