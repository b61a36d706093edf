"""Latent normal variables: what each level of a column stands for, and how the variables correlate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from .levels import Array

__all__ = ["Latent", "correlations", "root"]

_TERMS = 40  # of the Hermite series; binary columns of 5% need that many at correlations above 0.8
_MOST = 0.99  # no two variables correlate more
_STEPS = 16  # of bisection
_BLOCK = 64  # variables whose correlations are worked out together
_FINE = 256  # levels beyond which the series no longer tells them apart
_FLOOR = 1e-3  # the least eigenvalue of a usable correlation matrix


@dataclass(frozen=True)
class Latent:
    """A normal variable that is only seen cut into levels.

    codes : per row its level, -1 where it is not seen. shares : (strata x levels), each line sums to 1.
    """

    codes: Array
    shares: Array

    def edges(self) -> Array:
        """Probabilities below which each level ends, (strata x levels + 1), from 0 to 1."""
        return _edges(self.shares)

    def scores(self) -> tuple[Array, Array]:
        """Mean of the variable at each level (strata x levels), and Hermite coefficients (terms x strata).

        The k-th coefficient is E[score h_k(Z)], h_k the normalised Hermite polynomials: two variables of correlation r
        then have scores of covariance sum_k r^k a_k b_k (Mehler's formula).
        """
        cuts, density, score = _means(self.shares)
        if score.shape[1] > _FINE:
            cuts, density, coarse = _means(self._coarse())
        else:
            coarse = score
        before, now = np.zeros_like(cuts), np.ones_like(cuts)
        terms = []
        for k in range(1, _TERMS + 1):
            part = now * density
            terms.append((coarse * (part[:, :-1] - part[:, 1:])).sum(axis=1) / np.sqrt(k))
            before, now = now, (cuts * now - np.sqrt(k - 1) * before) / np.sqrt(k)
        return score, np.stack(terms)

    def _coarse(self) -> Array:
        """Neighbouring levels put together until each has a share that counts."""
        place = np.floor(np.cumsum(self.shares.mean(axis=0)) * _FINE)
        merged: Array = np.add.reduceat(self.shares, np.flatnonzero(np.diff(place, prepend=-1.0)), axis=1)
        return merged


def _edges(shares: Array) -> Array:
    found = np.cumsum(shares, axis=1).clip(0.0, 1.0)
    return np.column_stack([np.zeros(len(found)), found[:, :-1], np.ones(len(found))])


def _means(shares: Array) -> tuple[Array, Array, Array]:
    """Cuts of the normal variable (0 in place of the infinite ones), its density there, and its mean between them."""
    cuts = ndtri(_edges(shares))
    inner = np.isfinite(cuts)
    cuts = np.where(inner, cuts, 0.0)
    density = np.where(inner, np.exp(-(cuts**2) / 2) / np.sqrt(2 * np.pi), 0.0)
    held = shares > 0
    return (
        cuts,
        density,
        np.where(held, (density[:, :-1] - density[:, 1:]) / np.where(held, shares, 1.0), 0.0),
    )


def correlations(latents: Sequence[Latent], strata: Array) -> Array:
    """Correlations of the variables within strata, (latents x latents), the diagonal 1.

    The covariance of two variables' level scores is set against the one that normal variables of correlation r would give
    at the same cuts, so that coarse levels do not weaken it (polychoric correlation, Olsson 1979, here by moments instead
    of likelihood). Rows where one of the two is not seen are left out. Each is drawn to 0 as far as chance alone would
    explain it (positive-part James-Stein).
    """
    size, count = len(latents), int(strata.max()) + 1
    scores, seen = np.zeros((len(strata), size)), np.zeros((len(strata), size))
    terms = np.zeros((_TERMS, count, size))
    for i, latent in enumerate(latents):
        means, terms[:, :, i] = latent.scores()
        seen[:, i] = latent.codes >= 0
        scores[:, i] = means[strata, latent.codes] * seen[:, i]
    rows = np.zeros((count, size, size))
    for stratum in range(count):
        inside = strata == stratum
        rows[stratum] = seen[inside].T @ seen[inside]
        mean = scores[inside].sum(axis=0) / np.maximum(seen[inside].sum(axis=0), 1.0)
        scores[inside] = (scores[inside] - mean) * seen[inside]
    wanted = scores.T @ scores
    found = np.eye(size)
    for start in range(0, size, _BLOCK):
        block = slice(start, start + _BLOCK)
        given = np.einsum("ksi,ksj,sij->kij", terms[:, :, block], terms, rows[:, block], optimize=True)
        found[block] = _solved(wanted[block], given, rows[:, block].sum(axis=0))
    np.fill_diagonal(found, 1.0)
    return found


def _solved(wanted: Array, terms: Array, rows: Array) -> Array:
    """The correlation at which the series ``terms`` gives the covariance ``wanted``, both summed over ``rows``."""
    low, high = np.full(wanted.shape, -_MOST), np.full(wanted.shape, _MOST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        given = np.zeros_like(middle)
        for term in terms[::-1]:
            given = (given + term) * middle
        under = given < wanted
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    found = (low + high) / 2
    # Chance moves a coarse variable's correlation more than that of a fine one, by the slope of the series at 0.
    slope = terms[0] / np.maximum(rows, 1.0)
    told = slope > 1e-6
    chance = (1 - found**2) ** 2 / np.maximum(rows, 1.0) / np.where(told, slope.clip(0, 1), 1.0)
    kept = np.maximum(0.0, 1 - chance / np.maximum(found**2, 1e-12))
    return np.where(told, found * kept, 0.0)


def root(correlation: Array) -> Array:
    """A lower triangle whose product with its transpose is a correlation matrix near the given one.

    Pairs are worked out one by one, so that together they need not be possible: eigenvalues below a floor are lifted.
    """
    values, vectors = np.linalg.eigh(correlation)
    made = (vectors * np.maximum(values, _FLOOR)) @ vectors.T
    spread = np.sqrt(np.diagonal(made))
    # Cholesky, not the eigenvectors, which are any of many where eigenvalues are alike; rounded, so that the last digit of
    # a sum, which may differ between machines, does not reach the rows.
    return np.linalg.cholesky((made / np.outer(spread, spread)).round(9))
