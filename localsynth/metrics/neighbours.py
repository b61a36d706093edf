"""Nearest neighbours by brute force: exact, any width, blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from .encode import Array
from .workers import spread

__all__ = ["SAME", "Near", "nearest", "nearness"]

_QUERIES, _POINTS = 256, 4_096  # a block of distances is 8 MB
_PART = 1_024  # queries of one piece of work
#: Distances less than this apart (relative to 1 + their size) are the same but for the rounding of float32.
SAME = 1e-5


def _idle() -> None:
    """Nobody asks whether to stop."""


@dataclass(frozen=True)
class Near:
    """The nearest points of each query, nearest first: Euclidean distances (float64) and indices, queries x k."""

    distances: Array
    indices: Array


def nearest(
    queries: Array, points: Array, k: int, check: Callable[[], None] = _idle, threads: int = 1
) -> Near:
    """The ``k`` nearest points of each query; of points equally near the first. A point equal to a query is at 0 exactly.

    queries, points : (rows x features), at least ``k`` points. check : called every now and then, may raise.
    """
    work = partial(_nearest, points, k)
    found = spread(work, _pieces(queries), threads, check) or [_nearest(points, k, queries)]
    return Near(np.vstack([near.distances for near in found]), np.vstack([near.indices for near in found]))


def _pieces(queries: Array) -> Iterator[Array]:
    return (queries[start : start + _PART] for start in range(0, len(queries), _PART))


def _nearest(points: Array, k: int, queries: Array) -> Near:
    candidates, rough = [], []
    for start in range(0, len(points), _POINTS):
        found, values = _best_of(queries, points[start : start + _POINTS], k)
        candidates.append(found + start)
        rough.append(values)
    ids, approximate = np.hstack(candidates), np.hstack(rough)
    # Squares and products round; one more than is wanted is compared by differences, which do not.
    kept = np.argsort(approximate, axis=1, kind="stable")[:, : k + 1]
    ids = np.take_along_axis(ids, kept, axis=1)
    exact = _distances(queries, points, ids)
    order = np.lexsort((ids, exact), axis=1)[:, :k]
    return Near(np.take_along_axis(exact, order, axis=1), np.take_along_axis(ids, order, axis=1))


def _best_of(queries: Array, block: Array, k: int) -> tuple[Array, Array]:
    count = min(k + 1, len(block))
    indices = np.empty((len(queries), count), np.int64)
    values = np.empty((len(queries), count))
    for part, squares in _squares(queries, block):
        rows = np.arange(len(squares))
        for place in range(count):
            best = squares.argmin(axis=1)
            indices[part, place], values[part, place] = best, squares[rows, best]
            squares[rows, best] = np.inf
    return indices, values


def _squares(queries: Array, block: Array) -> Iterator[tuple[slice, Array]]:
    """Squared distances, some queries at a time; the array is written over by the next."""
    # The lengths of both ride along in the product as two more features: a pass over the distances each is saved.
    against = np.empty((block.shape[1] + 2, len(block)))
    against[:-2] = block.T
    against[-2] = np.einsum("ij,ij->j", against[:-2], against[:-2])
    against[-1] = 1
    buffer = np.empty((min(_QUERIES, len(queries)), len(block)))
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, min(start + _QUERIES, len(queries)))
        asked = np.ones((part.stop - start, len(against)))
        asked[:, :-2] = queries[part]
        asked[:, -1] = np.einsum("ij,ij->i", asked[:, :-2], asked[:, :-2])
        asked[:, :-2] *= -2
        yield part, np.matmul(asked, against, out=buffer[: len(asked)])


def _distances(queries: Array, points: Array, indices: Array) -> Array:
    found = np.empty(indices.shape)
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, start + _QUERIES)
        for place in range(indices.shape[1]):
            apart = queries[part].astype(np.float64) - points[indices[part, place]]
            found[part, place] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return found


def nearness(
    queries: Array, points: Array, radii: Array, check: Callable[[], None] = _idle, threads: int = 1
) -> tuple[Array, Array]:
    """Per query how many points lie nearer than its radius, and how many just as far (up to rounding)."""
    work = partial(_nearness, points)
    pieces = zip(_pieces(queries), _pieces(radii), strict=True)
    found = spread(work, pieces, threads, check) or [_nearness(points, (queries, radii))]
    nearer, level = zip(*found, strict=True)
    return np.concatenate(nearer), np.concatenate(level)


def _nearness(points: Array, asked: tuple[Array, Array]) -> tuple[Array, Array]:
    queries, radii = asked
    nearer, level = np.zeros(len(queries), np.int64), np.zeros(len(queries), np.int64)
    # Beside the rounding of the features there is that of the squares, which matters far out only.
    slack = (
        2 * radii * SAME * (1 + radii)
        + SAME**2
        + 1e-14 * np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
    )
    inside, outside = (radii**2 - slack)[:, None], (radii**2 + slack)[:, None]
    for start in range(0, len(points), _POINTS):
        for part, squares in _squares(queries, points[start : start + _POINTS]):
            below = np.count_nonzero(squares < inside[part], axis=1)
            nearer[part] += below
            level[part] += np.count_nonzero(squares <= outside[part], axis=1) - below
    return nearer, level
