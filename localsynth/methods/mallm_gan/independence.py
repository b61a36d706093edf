"""Whether two columns tell of each other, given others: the G-test, made honest for cells of few rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from localsynth.core.seeds import derive

__all__ = ["chance_g", "conditional_g", "conditional_p"]

Array: TypeAlias = np.ndarray[Any, Any]
#: Counts further from their mean than so many standard deviations, and so many more, do not happen (below 1e-20).
_SPREADS, _BEYOND = 10.0, 30.0
_DEALT = 100  # times that a variance is estimated from
_NOTHING = 1e-9


def conditional_p(first: Array, second: Array, given: Array) -> float:
    """p-value of the G-test that ``first`` and ``second`` are independent given ``given``; 1 where rows can tell nothing.

    All are codes from 0, one for each row. G is held against the gamma distribution that has the mean G has where the null
    holds, given how many rows have each code in each stratum. Where expected counts are large that is chi-square with about
    ``(a - 1)(b - 1)`` degrees of freedom for each stratum, ``a`` and ``b`` codes occurring in it. Elsewhere chi-square is
    wrong, for small strata tell less than they have cells: the variance is then found by dealing ``second`` anew within them
    (as Tsamardinos & Borboudakis 2010 do with the mean, which is exact here).
    """
    from scipy.special import gammaincc

    strata = _Strata(first, second, given)
    mean = strata.chance()
    if mean <= _NOTHING:
        return 1.0
    variance = 2 * mean if strata.full() else strata.variance()
    if variance <= _NOTHING:
        return 1.0
    return float(gammaincc(mean * mean / variance, strata.g() * mean / variance))


def conditional_g(first: Array, second: Array, given: Array) -> float:
    """The statistic: ``2 * rows *`` conditional mutual information in nats."""
    return _Strata(first, second, given).g()


def chance_g(first: Array, second: Array, given: Array) -> float:
    """The mean of :func:`conditional_g` over all ways to deal ``second`` to the rows of each stratum anew."""
    return _Strata(first, second, given).chance()


class _Strata:
    """Rows counted: in each stratum, in each code of either column in it, and of both together."""

    def __init__(self, first: Array, second: Array, given: Array) -> None:
        _, self._stratum, self._n = np.unique(given, return_inverse=True, return_counts=True)
        self._a, self._a_n = _counted(self._stratum, first)
        self._b, self._b_n = _counted(self._stratum, second)
        _, self._cells = np.unique(self._stratum * _width(first) + first, return_inverse=True)
        self._second = second
        # Every code of the one column beside every one of the other that its stratum has.
        ends = np.searchsorted(self._b, np.arange(len(self._n) + 1))
        beside = np.diff(ends)[self._a]
        left = np.repeat(np.arange(len(self._a)), beside)
        right = ends[self._a[left]] + _counting(beside)
        self._pairs = self._n[self._a[left]], self._a_n[left], self._b_n[right]

    def g(self) -> float:
        return self._g(self._second)

    def _g(self, second: Array) -> float:
        return max(0.0, 2 * (_klogk(_counted(self._cells, second)[1]) - self._apart()))

    def chance(self) -> float:
        """The mean of G."""
        return max(0.0, 2 * (_expected_klogk(*self._pairs) - self._apart()))

    def full(self) -> bool:
        """Whether chi-square may be trusted (Cochran 1954): no expected count below 1, at most one in five below 5."""
        n, a, b = self._pairs
        expected = a * b / n
        return bool(expected.min(initial=np.inf) >= 1 and (expected >= 5).mean() >= 0.8)

    def variance(self) -> float:
        """That of G, estimated."""
        rng = np.random.default_rng(derive(0, "deal"))
        rows = np.argsort(self._stratum, kind="stable")
        found = np.empty(_DEALT)
        for at in range(_DEALT):
            dealt = np.empty_like(self._second)
            # Sorted by stratum, within one at random.
            dealt[rows] = self._second[np.argsort(self._stratum + rng.random(len(rows)))]
            found[at] = self._g(dealt)
        return float(found.var(ddof=1))

    def _apart(self) -> float:
        """What the rows of both columns would say if they were independent."""
        return _klogk(self._a_n) + _klogk(self._b_n) - _klogk(self._n)


def _counted(stratum: Array, codes: Array) -> tuple[Array, Array]:
    """The stratum of each code that occurs in one, rising, and the rows with it."""
    keys, counts = np.unique(stratum * _width(codes) + codes, return_counts=True)
    return keys // _width(codes), counts


def _width(codes: Array) -> int:
    return int(codes.max(initial=0)) + 1


def _counting(lengths: Array) -> Array:
    """0, 1, ... for each length in turn."""
    counting: Array = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return counting


def _klogk(counts: Array) -> float:
    return float((counts * np.log(counts)).sum())


def _expected_klogk(n: Array, a: Array, b: Array) -> float:
    """The sum over cells of the mean of ``k log k`` where k is hypergeometric: ``b`` of ``n`` rows drawn, ``a`` of which count.

    As the expected mutual information of Vinh, Epps & Bailey (2010, section 4).
    """
    from scipy.special import gammaln

    share = a / np.maximum(n, 1)
    reach = _SPREADS * np.sqrt(b * share * (1 - share)) + _BEYOND
    low = np.maximum(np.maximum(1, a + b - n), np.floor(b * share - reach)).astype(np.int64)
    high = np.minimum(np.minimum(a, b), np.ceil(b * share + reach)).astype(np.int64)
    values = np.maximum(high - low + 1, 0)
    cell = np.repeat(np.arange(len(n)), values)
    k = low[cell] + _counting(values)
    logs = gammaln(np.arange(int(n.max(initial=0)) + 2) + 1.0)  # of the factorials
    fixed = logs[a] + logs[n - a] + logs[b] + logs[n - b] - logs[n]
    log_p = fixed[cell] - logs[k] - logs[a[cell] - k] - logs[b[cell] - k] - logs[(n - a - b)[cell] + k]
    return float((np.exp(log_p) * k * np.log(k)).sum())
