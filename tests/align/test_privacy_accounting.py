"""The budget: conversions against published and independent values, a ledger that holds, noise that is as large as claimed."""

from __future__ import annotations

import sys
from math import exp, log, log1p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import beta, chi2

pytest.importorskip("opendp", reason="the extra dp is not installed")

from localsynth.align.privacy import describe, epsilon_of, noisy_margins, rho_of
from localsynth.align.privacy.accounting import Ledger, scale_of
from localsynth.align.privacy.curator import Array, Curator, Selection
from localsynth.core.errors import LocalsynthError, RecipeError, RunError
from localsynth.core.targets import Axis, Budget, Spending
from tests.align.privacy_kit import Counted, nominal, schema_of

COIN = Axis("coin", (("heads",), ("tails",)))
DELTA = 1e-5


def test_epsilon_is_that_published_for_the_2020_census() -> None:
    # rho 2.56 (persons) and 0.07 (units) at delta 1e-10 were published as epsilon 17.14 and 2.47; rho is rounded there.
    assert epsilon_of(2.55, 1e-10) <= 17.14 <= epsilon_of(2.565, 1e-10)
    assert epsilon_of(0.07, 1e-10) <= 2.47 <= epsilon_of(0.075, 1e-10)


def independent_epsilon(rho: float, delta: float) -> float:
    """Canonne, Kamath & Steinke 2020, corollary 13, solved for epsilon and minimised over alpha."""

    def at(x: float) -> float:
        alpha = 1 + exp(x)
        return alpha * rho + (log(1 / delta) - log(alpha)) / (alpha - 1) + log1p(-1 / alpha)

    return float(minimize_scalar(at, bounds=(-12, 12), method="bounded", options={"xatol": 1e-10}).fun)


@pytest.mark.parametrize("delta", [1e-4, 1e-6, 1e-10])
@pytest.mark.parametrize("rho", [1e-3, 0.024, 0.5, 8.0])
def test_epsilon_is_that_of_the_tight_conversion(rho: float, delta: float) -> None:
    assert epsilon_of(rho, delta) == pytest.approx(independent_epsilon(rho, delta), rel=1e-4)


@settings(max_examples=6)
@given(st.floats(0.01, 50), st.floats(1e-12, 1e-3))
def test_rho_goes_there_and_back_and_never_beyond(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    assert epsilon_of(rho * (1 - 1e-9), delta) <= epsilon
    assert epsilon_of(rho * 1.001, delta) > epsilon


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [
        (0, 1e-6),
        (-1, 1e-6),
        (float("inf"), 1e-6),
        (float("nan"), 1e-6),
        (1, 0),
        (1, 1),
        (1e6, 1e-6),
        (101, 1e-6),
        (1e-12, 1e-6),
        (1, 1e-40),
    ],
)
def test_what_is_no_budget_is_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(RecipeError) as caught:
        rho_of(epsilon, delta)
    assert caught.value.hint


@pytest.mark.parametrize("delta", [1e-30, 1e-6, 0.999999])
@pytest.mark.parametrize("epsilon", [1e-9, 1.0, 100.0])
def test_every_budget_that_is_let_in_has_a_mechanism(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    assert rho > 0
    curator = Curator(lambda axes: np.array([3, 4]), Ledger(rho))
    assert np.isfinite(curator.measure([COIN], rho / 1000, "coin").counts).all()


def test_a_ledger_holds() -> None:
    ledger = Ledger(1.0, [Spending("a", 0.25)])
    ledger.take("b", 0.5)
    ledger.take("a", 0.25 - 1e-12)
    assert [part.what for part in ledger.spent] == ["a", "b"]
    with pytest.raises(RunError, match="rho left"):
        ledger.take("c", 1e-6)
    with pytest.raises(RunError):
        ledger.take("c", float("nan"))
    assert ledger.rho <= 1.0


def test_nothing_is_counted_that_the_ledger_does_not_hold() -> None:
    def count(axes: object) -> Array:
        raise AssertionError("counted")

    with pytest.raises(RunError):
        Curator(count, Ledger(0.1)).measure([COIN], 0.2, "too much")


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(LocalsynthError, match="opendp") as caught:
        epsilon_of(0.1, 1e-6)
    assert "localsynth[dp]" in caught.value.hint


def test_a_budget_is_described() -> None:
    lines = describe(Budget(1.0, 1e-6, (Spending("margin of age", 0.01), Spending("choice of pairs", 0.03))))
    assert "epsilon = 1" in lines[0]
    assert "1e-06" in lines[0]
    assert "margin of age: rho = 0.01 (25% of what was spent)." in lines
    assert "train splits that differ by one row, the split taken as given" in " ".join(lines)
    assert "of such files nothing is promised" in " ".join(lines)
    assert any("nothing was spent" in line for line in describe(Budget(1.0, 1e-6)))


# --- the mechanisms, as an auditor sees them --------------------------------------------------------------------------


def epsilon_seen(one: Array, other: Array, delta: float) -> float:
    """A lower bound of epsilon that holds with a probability of 1 - 2e-6, from outputs on two neighbouring tables.

    The event is found on the first half of the outputs; on the second, Clopper-Pearson bounds its two probabilities.
    """
    best, event = -np.inf, (0.0, 1.0, False)
    half = len(one) // 2
    for cut in np.quantile(np.concatenate([one[:half], other[:half]]), np.linspace(0.01, 0.99, 99)):
        for sign in (1.0, -1.0):
            for swapped in (False, True):
                found = _bound(one[:half], other[:half], (cut, sign, swapped), delta)
                if found > best:
                    best, event = found, (cut, sign, swapped)
    return _bound(one[half:], other[half:], event, delta)


def _bound(one: Array, other: Array, event: tuple[float, float, bool], delta: float) -> float:
    cut, sign, swapped = event
    likely, rare = (other, one) if swapped else (one, other)
    hits, misses = int((sign * likely >= sign * cut).sum()), int((sign * rare >= sign * cut).sum())
    low = beta.ppf(1e-6, hits, len(likely) - hits + 1) if hits else 0.0
    high = beta.ppf(1 - 1e-6, misses + 1, len(rare) - misses) if misses < len(rare) else 1.0
    return log((low - delta) / high) if low > delta else -np.inf


def draws(heads: int, rho: float, number: int) -> Array:
    """What the mechanism that measures margins gives for one count, ``number`` times: each cell has noise of its own."""
    axis = Axis("draw", tuple((str(at),) for at in range(number)))
    curator = Curator(lambda axes: np.full(number, heads), Ledger(2 * rho))
    return curator.measure([axis], rho, "coin").counts


def test_counts_of_neighbours_are_told_apart_no_better_than_claimed() -> None:
    rho = rho_of(1.0, DELTA)
    one, other = draws(60, rho, 20_000), draws(61, rho, 20_000)
    assert epsilon_seen(one, other, DELTA) <= 1.0
    # a mechanism with a quarter of the noise is caught by the same test
    rng = np.random.default_rng(1)
    weak = [np.rint(rng.normal(heads, scale_of(rho) / 4, 20_000)) for heads in (60, 61)]
    assert epsilon_seen(*weak, DELTA) > 1.0


def test_noise_is_as_large_as_claimed() -> None:
    rho = rho_of(1.0, DELTA)
    noise = draws(60, rho, 4_000) - 60
    low, high = chi2.ppf([1e-6, 1 - 1e-6], 4_000) / 4_000
    assert low < (noise**2).mean() / scale_of(rho) ** 2 < high
    assert (noise == np.rint(noise)).all()


def test_choices_among_neighbours_are_told_apart_no_better_than_claimed() -> None:
    rho = rho_of(1.0, DELTA)

    def picks(scores: list[int], stronger: float = 1.0) -> Array:
        selection = Selection(scores, Ledger(1e6))
        return np.array([selection.pick([0, 1], rho * stronger, "choice") for _ in range(5_000)])

    # one row moves one score up and the other down
    assert epsilon_seen(picks([10, 10]), picks([11, 9]), DELTA) <= 1.0
    assert epsilon_seen(picks([10, 10], 100), picks([11, 9], 100), DELTA) > 1.0


def test_the_margin_of_a_tiny_table_is_told_apart_no_better_than_claimed() -> None:
    """The whole way from counts to shares, several measurements of it."""
    schema = schema_of(nominal("coin", "heads", "tails"))

    def rows(heads: int) -> Array:
        counted = Counted({"coin": ["heads"] * heads + ["tails"] * 20})
        noisy = lambda: noisy_margins(schema, counted, epsilon=2.0, delta=DELTA, declared=True)  # noqa: E731
        return np.array([noisy().margins[0].total for _ in range(2_000)])

    assert epsilon_seen(rows(60), rows(61), DELTA) <= 2.0
