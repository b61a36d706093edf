"""Drawing tokens: filters, and many independent draws from one distribution at once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..core.contracts import Sampling

__all__ = ["child_key", "draw", "weights"]

Array: TypeAlias = np.ndarray[Any, Any]

_MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15


def _mix(x: int) -> int:
    """splitmix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64 bits that looks random."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def child_key(key: int, token: int) -> int:
    """The key of a child in the tree of drawn tokens: a function of the path alone, so the order of work cannot matter."""
    return _mix((key ^ _mix((token + 1) * _GAMMA & _MASK)) + _GAMMA & _MASK)


def _uniforms(key: int, count: int) -> Array:
    """``count`` numbers in [0, 1), the first outputs of a splitmix64 generator started at ``key``."""
    x = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA) + np.uint64(key)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def weights(logits: Array, sampling: Sampling) -> Array:
    """Unnormalised probabilities of the allowed tokens, in order of ``logits`` (float, shape (k,)).

    Temperature is applied first, then top-k, top-p and min-p, all on the distribution the grammar leaves open.
    Temperature 0 keeps the likeliest token only.
    """
    z = logits.astype(np.float64)
    z -= z.max()
    if sampling.temperature == 0:
        one: Array = (np.arange(z.size) == z.argmax()).astype(np.float64)
        return one
    p: Array = np.exp(z / sampling.temperature)
    if 0 < sampling.top_k < p.size:
        keep = np.argsort(-p, kind="stable")[: sampling.top_k]
        kept = np.zeros_like(p)
        kept[keep] = p[keep]
        p = kept
    if sampling.top_p < 1:
        order = np.argsort(-p, kind="stable")
        before = np.cumsum(p[order]) - p[order]  # the mass in front of each token: the first is always kept
        p[order[before >= sampling.top_p * p.sum()]] = 0
    if sampling.min_p > 0:
        p[p < sampling.min_p * p.max()] = 0
    return p


def draw(p: Array, key: int, count: int) -> list[tuple[int, int]]:
    """``count`` independent draws from weights ``p``: (index, how often) for every index drawn.

    Splitting a count this way is a multinomial draw, so rows drawn down a tree are independent and identically
    distributed, as if each had been drawn alone.
    """
    if p.size == 1:
        return [(0, count)]
    edges = np.cumsum(p)
    at = np.searchsorted(edges, _uniforms(key, count) * edges[-1], side="right")
    at = np.minimum(at, p.size - 1)
    if count == 1:
        return [(int(at[0]), 1)]
    index, how_often = np.unique(at, return_counts=True)
    return list(zip(index.tolist(), how_often.tolist(), strict=True))
